"""Datasets of faces as they were published: one module for each layout, which yields samples."""
