"""Tables of a page, as columns of equal length; scripts read their rows.

A column that is None somewhere says so in its type. `variant` is an index into the variants of a
setting, `optimizer` one into the optimizers of the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Board:
    """A leaderboard, by `finals.leaderboard`."""

    variant: Sequence[int]
    lr: Sequence[float | None]
    seeds: Sequence[int]
    diverged: Sequence[int]
    mean: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]
    median: Sequence[float | None]
    median_low: Sequence[float | None]
    median_high: Sequence[float | None]
    std: Sequence[float | None]
    minimum: Sequence[float | None]
    maximum: Sequence[float | None]
    method: Sequence[str | None]


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Exploratory comparisons of the variant `a` with the variant `b`, by `compare.compare`."""

    a: Sequence[int]
    b: Sequence[int]
    pairs: Sequence[int]
    wins: Sequence[int]
    ties: Sequence[int]
    difference: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]
    effect: Sequence[float | None]
    p: Sequence[float | None]
    p_holm: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class TargetTimes:
    """Median times to a target, by `targets.target_table`."""

    variant: Sequence[int]
    seeds: Sequence[int]
    reached: Sequence[int]
    diverged: Sequence[int]
    time: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Reaching:
    """Staircases of the share of seeds that have reached a target, by `targets.reaching`."""

    variant: Sequence[int]
    x: Sequence[float]
    share: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class ProfileStairs:
    """Performance profiles as staircases, by `profiles.profile`."""

    optimizer: Sequence[int]
    tau: Sequence[float]
    share: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class ProfileScores:
    """Scores of performance profiles, by `profiles.profile_scores`."""

    optimizer: Sequence[int]
    score: Sequence[float]
    exact: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Responses(Board):
    """Results by learning rate, by `sensitivity.by_learning_rate`."""

    lr: Sequence[float]
    tried: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Basins:
    """Ranges of good learning rates, by `sensitivity.basins`."""

    optimizer: Sequence[int]
    best_lr: Sequence[float | None]
    best: Sequence[float | None]
    low_lr: Sequence[float | None]
    high_lr: Sequence[float | None]
    decades: Sequence[float | None]
    inside: Sequence[int | None]
    tried: Sequence[int]
    edge: Sequence[Literal["lowest", "highest", "only"] | None]


@dataclass(frozen=True, kw_only=True)
class ExpectedBest:
    """Expected best results of k variants, by `sensitivity.expected_best`."""

    optimizer: Sequence[int]
    k: Sequence[int]
    tried: Sequence[int]
    expected: Sequence[float | None]
    q25: Sequence[float | None]
    median: Sequence[float | None]
    q75: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs of the variants of a setting, by `cost.costs`."""

    variant: Sequence[int]
    seeds: Sequence[int]
    machines: Sequence[int]
    step_ms: Sequence[float | None]
    step_ms_q25: Sequence[float | None]
    step_ms_q75: Sequence[float | None]
    optimizer_ms: Sequence[float | None]
    epoch_seconds: Sequence[float | None]
    state_bytes_per_parameter: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """Trials that are not done; `setting` is an index."""

    setting: Sequence[int]
    label: Sequence[str]
    seed: Sequence[int]
    status: Sequence[str]
    reason: Sequence[str | None]
    step: Sequence[float | None]
    epoch: Sequence[float | None]
    key: Sequence[str]
