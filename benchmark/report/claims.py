"""What findings say of one setting or of the origin of records, as plain values."""

from dataclasses import dataclass

from benchmark.analysis.compare import Comparison


@dataclass(frozen=True, kw_only=True)
class Versus:
    """The comparisons with the reference in one setting.

    Args:
        reference: The variant that all others are compared with; None without comparisons.
        family: The comparisons, corrected together.
        missing: The named reference, if it has no result in this setting.
    """

    reference: str | None = None
    family: tuple[Comparison, ...] = ()
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The uncertainty of a mean: its number of seeds, and its 95 % interval if there is one."""

    seeds: int
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """A variant that has a better mean than the best one, but seeds that diverged.

    Args:
        label: The optimizer, with hyperparameters if the label names them.
        mean: Mean over the seeds that are done.
        seeds: Number of seeds that are done.
        diverged: Number of seeds that diverged.
    """

    label: str
    mean: float
    seeds: int
    diverged: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The best optimizers of one setting, with their results.

    Args:
        title: The setting, in words.
        problem: Its problem, whose task has the unit of a loss; empty for none.
        metric: The metric that decides.
        names: Labels of the best; several if they are equal, empty if none is best.
        value: Their mean.
        spreads: The distinct spreads of their means.
        test_metric: The metric reported on test data, empty if it was not measured.
        test_values: Its mean for each of the best that has one.
        passed: Variants with a better mean that do not count as best because seeds diverged.
        is_any_done: True if any trial of the setting is done.
    """

    title: str
    problem: str = ""
    metric: str
    names: tuple[str, ...] = ()
    value: float | None = None
    spreads: tuple[Spread, ...] = ()
    test_metric: str = ""
    test_values: tuple[float, ...] = ()
    passed: tuple[PassedOver, ...] = ()
    is_any_done: bool = False


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A fact from the records' environments, with the number of trials that share it.

    Args:
        name: Name of the fact, such as ``torch``.
        value: Its value, such as a version.
        dataset: Name of the data set if the fact is about one, otherwise empty.
        trials: Number of trials.
    """

    name: str
    value: str
    dataset: str
    trials: int
