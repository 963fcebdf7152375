"""`fer-train dataset augment`: as many training samples of every emotion, by augmented copies."""
