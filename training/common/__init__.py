"""What several rooms of training need: packs, JSON files, pages and charts, and work in several processes."""
