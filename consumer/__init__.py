"""Results of ferstream for other programs: subscribe, follow faces, smooth emotions, keep them."""
