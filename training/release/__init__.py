"""A model folder: weights in both forms with their card, its page, pictures and licences."""
