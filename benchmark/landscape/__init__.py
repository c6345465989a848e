"""Optimizers on surfaces of two coordinates, where every step can be seen.

`surfaces` is the table of surfaces, `paths` lets the real optimizers walk on them, `compute` does
so for a whole grid; `motion` holds what comes out, and loads no torch.
"""
