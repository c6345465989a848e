"""Average ranks with their critical difference, over settings and over the seeds of each."""

from dataclasses import dataclass

import polars as pl

from benchmark.analysis.finals import only, scores
from benchmark.analysis.frame import Frames
from benchmark.analysis.ranks import Ranking, rank, seed_blocks, setting_blocks
from benchmark.report.page.cast import Cast


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Rankings of one metric; None where there is nothing to rank.

    Args:
        over_settings: Blocks are settings.
        over_seeds: For each setting; blocks are its seeds.
    """

    over_settings: Ranking | None
    over_seeds: list[Ranking | None]


def ranks(frames: Frames, cast: Cast, metric: str) -> Ranks:
    """Return how the optimizers rank by the final `metric`, each with its chosen variant."""
    numbers = scores(only(frames, cast.chosen), metric)
    return Ranks(
        over_settings=rank(setting_blocks(numbers)),
        over_seeds=[
            rank(seed_blocks(numbers.filter(pl.col("setting") == setting.name)))
            for setting in cast.settings
        ],
    )
