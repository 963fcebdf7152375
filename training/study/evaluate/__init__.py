"""`fer-train classifier evaluate` and `complexity`: a model's figures on a split, its mistakes, what it looks at, its size."""
