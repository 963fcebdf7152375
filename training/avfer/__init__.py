"""AVFER: published datasets made into one, looked at, split, balanced, and written in one form."""
