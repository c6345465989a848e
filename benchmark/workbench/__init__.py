"""Tools for people who write optimizers: what a step costs, and where steps lead on a surface.

Nothing here touches a trial or a record, and nothing of the benchmark but its verbs uses it.
"""
