"""A benchmark of deep-learning optimizers on real problems: a trial goes in, a record comes out."""

__version__ = "0.1.0"
