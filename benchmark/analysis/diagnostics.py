"""Diagnostics recorded inside the optimizer, as one long table of groups and quantities."""

import polars as pl

from benchmark.analysis.curves import WHO
from benchmark.analysis.frame import Frames
from benchmark.axes import STEP, AxisName
from benchmark.metrics import INSIDE
from benchmark.store import FINISHED

QUANTITIES = (
    "gradient_norm",
    "update_norm",
    "update_ratio",
    "effective_step",
    "cosine",
    "signal_to_noise",
)


def diagnostics(frames: Frames, axis: AxisName = STEP) -> pl.DataFrame:
    """Return every value recorded with ``--diagnostics`` in trials that are done or diverged.

    Returns:
        Columns ``setting, optimizer, label, variant, trial, seed, status``; ``group``, layers in
        the order of the network and then ``all``; ``quantity``, in the order of `QUANTITIES`; ``x,
        y``. Sorted by trial, group, quantity and x. A value that is not finite, or that the
        optimizer does not have, has no row.
    """
    columns = [name for name in frames.curves.columns if name.startswith(INSIDE)]
    parts = {name: name.removeprefix(INSIDE).rpartition("/") for name in columns}
    groups = sorted({group: None for group, _, _ in parts.values()}, key="all".__eq__)
    named = pl.DataFrame(
        [(name, group, quantity) for name, (group, _, quantity) in parts.items()],
        schema={"name": pl.String, "group": pl.Enum(groups), "quantity": pl.Enum(QUANTITIES)},
        orient="row",
    )
    who = frames.trials.filter(pl.col("status").is_in(FINISHED))
    return (
        frames.curves.select("trial", *columns, x=pl.col(axis).cast(pl.Float64))
        .unpivot(columns, index=["trial", "x"], variable_name="name", value_name="y")
        .drop_nulls()
        .join(named, on="name")
        .join(who.select("trial", *WHO, "seed", "status"), on="trial")
        .sort("trial", "group", "quantity", "x")
        .select(
            *WHO, "trial", "seed", "status", pl.col("group", "quantity").cast(pl.String), "x", "y"
        )
    )
