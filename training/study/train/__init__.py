"""`fer-train classifier fit` of the study: its samples, first weights, loss, and the journal of a run."""
