"""The one trainer of all fits: run, step, checkpoint, history, several processes, and stopping at a signal."""
