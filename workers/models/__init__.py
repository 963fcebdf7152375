"""The two models: their cards, their weights, and what computes them."""
