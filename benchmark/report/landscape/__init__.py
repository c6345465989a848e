"""The optimizers in motion, for people: a section of a page, that page, pictures, films."""
