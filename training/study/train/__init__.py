"""`fer-train classifier fit` of the study: samples, steps of the optimiser, checkpoints, and the journal of a run."""
