"""The table of tasks, with their import paths; torch is not loaded."""

TASKS = {
    "classification": "benchmark.tasks.classification:Classification",
    "regression": "benchmark.tasks.regression:Regression",
    "image_regression": "benchmark.tasks.regression:ImageRegression",
    "language": "benchmark.tasks.language:Language",
}
