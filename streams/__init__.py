"""What producers, workers and consumers share: the wire, Redis, and what every program needs."""
