"""How deep-learning optimizers compare on real problems: a trial goes in, a record comes out."""

__version__ = "0.1.0"
