"""The packaged classifier: its training, its figures as it is served, and its release."""
