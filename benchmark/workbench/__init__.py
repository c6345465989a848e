"""Tools for authors of optimizers: the cost of a step, and paths on two-dimensional surfaces.

This package uses no trials or records, and only the command line's verbs use it.
"""
