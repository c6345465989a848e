"""The table of tasks: names and where they live, no torch."""

TASKS = {"classification": "benchmark.tasks.classification:Classification"}
