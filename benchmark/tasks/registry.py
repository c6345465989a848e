"""The table of tasks, with their import paths; torch is not loaded."""

TASKS = {"classification": "benchmark.tasks.classification:Classification"}
