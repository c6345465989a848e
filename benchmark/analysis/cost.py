"""Costs of optimizers in time and memory, from the records.

Only numbers from one machine are comparable; `costs` returns how many machines are mixed.
"""

import polars as pl

from benchmark.analysis.curves import WHO
from benchmark.analysis.frame import Frames
from benchmark.axes import EPOCH


def costs(frames: Frames) -> pl.DataFrame:
    """Return the costs of each variant over its seeds that are done.

    Returns:
        Columns ``problem, setting, optimizer, label, variant, seeds, machines``;
        ``step_ms, step_ms_q25, step_ms_q75``: median and quartiles over seeds of the time of a
        training step, including forward and backward pass; ``optimizer_ms``: median time of the
        optimizer's part, from the clock ``optimizer_step``; ``epoch_seconds``: median training time
        of an epoch, without evaluation and logging; ``state_bytes_per_parameter``: from the metrics
        ``state_bytes`` and ``parameters``. Numbers that the records lack are null.
    """
    known = frames.trials
    absent = [name for name in _OPTIONAL if name not in known.columns]
    filled = known.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)
    step = pl.col("seconds/per_step") * 1000
    return (
        filled.filter(status="done")
        .group_by("problem", *WHO, maintain_order=True)
        .agg(
            seeds=pl.len().cast(pl.Int64),
            machines=pl.col("machine").n_unique().cast(pl.Int64),
            step_ms=step.median(),
            step_ms_q25=step.quantile(0.25, "linear"),
            step_ms_q75=step.quantile(0.75, "linear"),
            optimizer_ms=(pl.col("seconds/optimizer_step") * 1000).median(),
            epoch_seconds=(pl.col("seconds/training") / pl.col(EPOCH)).median(),
            state_bytes_per_parameter=(pl.col("state_bytes") / pl.col("parameters")).median(),
        )
    )


_OPTIONAL = (
    "seconds/per_step",
    "seconds/training",
    "seconds/optimizer_step",
    "state_bytes",
    "parameters",
)


def num_busy(frames: Frames) -> int:
    """Return the number of trials done during which other programs took the processor."""
    return frames.trials.filter("busy", status="done").height
