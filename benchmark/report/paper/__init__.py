"""Verdicts on the claims of a paper, in words and tables."""
