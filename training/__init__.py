"""`fer-train`: datasets, fits, evaluations, comparisons, and the packaged models."""
