"""A dataset of faces for the study: looked at, prepared from published sources, and balanced by augmented copies."""
