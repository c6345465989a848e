"""Paths of optimizers on functions of two coordinates, where every step is visible.

`surfaces` is the table of surfaces. `paths` runs the real optimizers on them, and `compute` does so
for a whole grid. `trajectories` holds the results and does not import torch. `page` and `figure`
show the paths that a `view` selects.
"""
