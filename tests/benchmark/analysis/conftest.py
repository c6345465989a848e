"""Fixtures for frames of hand-made logs, and for scores without logs."""

import polars as pl
import pytest

from benchmark.analysis.frame import read


@pytest.fixture
def frames_of(study):
    """Return a function from logs to frames."""
    return lambda *logs: read([study(*logs)])


@pytest.fixture
def scores_of():
    """Return a function that makes scores as `finals.scores` does; None stands for diverged."""

    def make(values, *, metric="val/loss", setting="here", lrs=None):
        rows = [
            {
                "study": "study",
                "problem": setting,
                "setting": setting,
                "optimizer": name.partition(" ")[0],
                "label": name,
                "variant": f"{setting}/{name}",
                "lr": (lrs or {}).get(name),
                "trial": 0,
                "seed": seed,
                "status": "diverged" if value is None else "done",
                "metric": metric,
                "value": value,
            }
            for name, numbers in values.items()
            for seed, value in enumerate(numbers)
        ]
        return pl.DataFrame(rows, schema_overrides={"lr": pl.Float64, "value": pl.Float64})

    return make
