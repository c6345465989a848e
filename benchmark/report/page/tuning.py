"""How much the learning rate matters, and what a search for it is worth.

Test metrics choose nothing: they are shown of what the same validation metric chose.
"""

from dataclasses import dataclass

from benchmark.analysis.finals import scores
from benchmark.analysis.frame import Frames
from benchmark.analysis.sensitivity import basins, by_learning_rate, expected_best
from benchmark.metrics import validation_of
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Columns

WITHIN = 0.1  # of the best loss or accuracy: what counts as about as good


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One metric in one setting: columns of `by_learning_rate`, `basins`, `expected_best`."""

    responses: Columns
    basins: Columns
    search: Columns


def tuning(frames: Frames, cast: Cast, metric: str) -> list[Tuning]:
    """Return what is known of learning rates in each setting."""
    deciding, numbers = scores(frames, validation_of(metric)), scores(frames, metric)
    responses = by_learning_rate(deciding, numbers)
    split = zip(
        cast.split(responses),
        cast.split(basins(by_learning_rate(deciding), responses, within=WITHIN)),
        cast.split(expected_best(deciding, numbers)),
        strict=True,
    )
    return [Tuning(responses=a, basins=b, search=c) for a, b, c in split]
