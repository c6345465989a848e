"""Optimizers on surfaces of two coordinates, where every step can be seen.

`surfaces` is the table of surfaces, `paths` lets the real optimizers walk on them, `compute` does
so for a whole grid; `trajectories` holds what comes out, and loads no torch.
`page` and `figure` show what a `view` chooses of it.
"""
