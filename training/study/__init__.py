"""The study: nets fine-tuned on a prepared dataset, measured, compared, and exported for workers."""
