"""Observers of a trial while it trains: clocks, curves, divergence and others."""
