"""Metrics and axes: the one table of what is measured and what it is drawn over.

A record calls a metric ``split/name``, such as ``val/loss``. Lists of metrics elsewhere are filters
of this table, made when they are asked for, so a new metric is a new row here and the code that
measures it. A metric without a row, of someone's own model, has words and a format too, but nobody
knows which way is better, so it decides and compares nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

AxisName = Literal["step", "epoch", "samples", "train_seconds"]
STEP: Final = "step"
EPOCH: Final = "epoch"
SAMPLES: Final = "samples"
SECONDS: Final = "train_seconds"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A number that grows in training; every row of a trial's log has all of them.

    Args:
        name: As in the records.
        words: What people call it.
        plural: Heading above amounts of it.
        meaning: Its definition on the page.
        whole: It counts, without fractions.
        by_step: It follows from the step, alike in all trials of a setting.
        tabled: Texts say how much of it a target takes.
    """

    name: AxisName
    words: str
    plural: str
    meaning: str
    whole: bool = False
    by_step: bool = True
    tabled: bool = True


AXES: dict[AxisName, Axis] = {
    axis.name: axis
    for axis in (
        Axis(
            name=STEP,
            words="step",
            plural="steps",
            meaning="One update by the optimizer.",
            whole=True,
        ),
        Axis(
            name=EPOCH,
            words="epoch",
            plural="epochs",
            meaning="One pass over the training data.",
            tabled=False,
        ),
        Axis(
            name=SAMPLES,
            words="samples",
            plural="samples",
            meaning="Training examples seen, repeated ones counted again.",
            whole=True,
        ),
        Axis(
            name=SECONDS,
            words="training seconds",
            plural="training seconds",
            meaning="Time spent training, without evaluation, logging and start-up.",
            by_step=False,
        ),
    )
}
BY_STEP: tuple[AxisName, ...] = tuple(axis.name for axis in AXES.values() if axis.by_step)
BY_CLOCK: tuple[AxisName, ...] = tuple(axis.name for axis in AXES.values() if not axis.by_step)

SPLITS = {"train": "training", "val": "validation", "test": "test"}  # with what people call them
_EVALUATED = tuple(SPLITS)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How values of a metric are written.

    Args:
        sign: Behind a value, empty for a bare number.
        words: What people call it, as in "values in per cent".
        factor: What a recorded value is multiplied by.
        decimals: How many are written; None for about four significant digits.
    """

    sign: str = ""
    words: str = ""
    factor: float = 1.0
    decimals: int | None = None


NO_UNIT = Unit()
PER_CENT = Unit(sign="%", words="per cent", factor=100.0, decimals=2)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A quantity that is measured, on one or more splits of the data.

    Args:
        name: As in the records, behind the split.
        words: What people call it; ``{split}`` stands for the split's words.
        heading: Its name in narrow tables.
        better: Which values are better; None where nobody knows.
        unit: How values are written; `PER_CENT` is for shares of examples.
        logarithmic: Equal ratios of it are equally much: a chart may have a logarithmic axis.
        splits: Those that it is measured on.
        tabled: Those of which result tables have a column.
        chooses: Its value on validation data chooses hyperparameters, marks the best and is
            compared: the mean of the first such metric over seeds, ties by the next. Metrics that
            a study did not measure are passed over. Test data never choose.
        in_headline: Sentences say its value on test data.
        in_training: It is that of the minibatches as trained on, since the row before, dropout
            included, and is recorded at steps; otherwise it is evaluated, after epochs.
        meaning: Its definition on the page, empty where the words say enough.
    """

    name: str
    words: str
    heading: str
    better: Literal["lower", "higher"] | None
    unit: Unit = NO_UNIT
    logarithmic: bool = False
    splits: tuple[str, ...] = _EVALUATED
    tabled: tuple[str, ...] = ()
    chooses: bool = False
    in_headline: bool = False
    in_training: bool = False
    meaning: str = ""

    def on(self, split: str) -> str:
        """Return what records call it on a split of the data.

        >>> LOSS.on("val")
        'val/loss'
        """
        return f"{split}/{self.name}"

    @property
    def axis(self) -> AxisName:
        """The axis that it is recorded along."""
        return STEP if self.in_training else EPOCH


# The loss is the first that chooses, for it is what optimizers lower, and it tells seeds apart
# where accuracies tie.
LOSS = Metric(
    name="loss",
    words="{split} loss",
    heading="loss",
    better="lower",
    logarithmic=True,
    tabled=("train", "val", "test"),
    chooses=True,
)
RUNNING_LOSS = Metric(
    name="running_loss",
    words="running {split} loss",
    heading="run. loss",
    better="lower",
    logarithmic=True,
    splits=("train",),
    in_training=True,
    meaning=(
        "Loss of the minibatches as trained on, dropout included, averaged over the steps since "
        "the last log. Curves leave out means over fewer than half of the usual steps."
    ),
)
ACCURACY = Metric(
    name="accuracy",
    words="{split} accuracy",
    heading="acc",
    better="higher",
    unit=PER_CENT,
    tabled=("val", "test"),
    chooses=True,
    in_headline=True,
)

METRICS = {metric.name: metric for metric in (LOSS, ACCURACY, RUNNING_LOSS)}
RUNNING = RUNNING_LOSS.on("train")

INSIDE = "inside/"  # begins what diagnostics record: inside/<group>/<quantity>
LEARNING_RATE = "lr"
_BESIDE = frozenset({*AXES, LEARNING_RATE, "state_bytes", "parameters"})


def names_of(
    splits_of: Callable[[Metric], Sequence[str]], splits: Sequence[str] = _EVALUATED
) -> tuple[str, ...]:
    """Return the names in records, by split and then in the order of the table.

    Args:
        splits_of: Gives the splits of a metric that are wanted, none to leave it out.
        splits: All that may be wanted, in their order.

    >>> names_of(lambda metric: metric.tabled)
    ('train/loss', 'val/loss', 'val/accuracy', 'test/loss', 'test/accuracy')
    """
    return tuple(
        metric.on(split)
        for split in splits
        for metric in METRICS.values()
        if split in splits_of(metric)
    )


def tabled(splits: Sequence[str] = _EVALUATED) -> tuple[str, ...]:
    """Return the metrics that have a column in result tables."""
    return names_of(lambda metric: metric.tabled, splits)


# What chooses hyperparameters, marks the best and is compared; see `Metric.chooses`.
CHOOSING = names_of(lambda metric: ("val",) * metric.chooses)


def metric_of(name: str) -> Metric:
    """Return the row of what a record calls `name`, or what its name alone tells of it.

    >>> metric_of("val/loss") is LOSS
    True
    >>> own = metric_of("val/top5_accuracy")
    >>> own.words, own.unit.sign, own.better
    ('{split} top5 accuracy', '%', None)
    """
    kind = name.rpartition("/")[2]
    if kind in METRICS:
        return METRICS[kind]
    alike = METRICS.get(kind.rpartition("_")[2])
    return Metric(
        name=kind,
        words=f"{{split}} {kind.replace('_', ' ')}",
        heading=kind.replace("_", " "),
        better=None,
        unit=alike.unit if alike else NO_UNIT,
        logarithmic=alike is not None and alike.logarithmic,
    )


def metric_words(name: str) -> str:
    """Return what people call the metric that a record calls `name`.

    >>> metric_words("val/loss"), metric_words("train/running_loss"), metric_words("val/top_5")
    ('validation loss', 'running training loss', 'validation top 5')
    """
    split = name.rpartition("/")[0]
    return metric_of(name).words.replace("{split}", SPLITS.get(split, split)).strip()


def on_test(measured: Collection[str]) -> str | None:
    """Return the metric whose value on test data sentences say, None if it was not measured.

    >>> on_test(["val/loss", "test/loss", "test/accuracy"])
    'test/accuracy'
    """
    wanted = names_of(lambda metric: ("test",) * metric.in_headline)
    return next((name for name in wanted if name in measured), None)


def is_metric(name: str) -> bool:
    """Return whether what a record calls `name` is a metric, and no axis, cost or diagnostic.

    >>> is_metric("val/loss"), is_metric("epoch")
    (True, False)
    """
    return name not in _BESIDE and not name.startswith(INSIDE)


def higher_is_better(name: str) -> bool:
    """Return whether more of a metric, such as ``val/accuracy``, is better.

    Raises:
        ValueError: nothing is known of the metric; the message lists what is.

    >>> higher_is_better("val/accuracy"), higher_is_better("train/loss")
    (True, False)
    """
    better = metric_of(name).better
    if better is None:
        raise ValueError(
            f"metric {name!r}: cannot say whether more is better. "
            f"Known: names that end in {', '.join(METRICS)}"
        )
    return better == "higher"


def is_share(name: str) -> bool:
    """Return whether a metric is a share of examples, a count over their number.

    >>> is_share("val/accuracy"), is_share("val/loss")
    (True, False)
    """
    return metric_of(name).unit is PER_CENT


def validation_of(name: str) -> str:
    """Return the metric that chooses where `name` is shown: a test metric's on validation data.

    >>> validation_of("test/loss"), validation_of("train/loss")
    ('val/loss', 'train/loss')
    """
    split, _, kind = name.partition("/")
    return f"val/{kind}" if split == "test" else name
