"""Datasets of faces as they were published: one module a layout, each of which yields samples."""
