"""The scale-out story: a fleet of real processes on one machine, its load, its workers that come and go, and its account."""
