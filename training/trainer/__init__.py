"""What every training shares: checkpoints, schedules, several processes, and stopping at a signal."""
