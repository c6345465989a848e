"""The table of metrics.

Records name a metric ``split/name``, such as ``val/loss``. All lists of metrics elsewhere are
filters of this table, evaluated when needed: a new metric needs a row here and the code that
measures it. A user's own task brings its rows along: records keep them, and `bring` adds them here
when the records are read. A metric without a row is shown too, with words and a format derived from
its name. Which of its values are better is unknown, so it neither chooses nor compares variants.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmark.axes import AXES, EPOCH, STEP, AxisName

SPLITS = {"train": "training", "val": "validation", "test": "test"}  # with their names in texts
_EVALUATED = tuple(SPLITS)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """The unit in which a metric's values are printed.

    Args:
        sign: Unit sign after a value, empty for a bare number.
        words: Name of the unit, as in "values in per cent".
        factor: Factor that converts a recorded value to this unit.
        decimals: Number of decimals; None for about four significant digits.
    """

    sign: str = ""
    words: str = ""
    factor: float = 1.0
    decimals: int | None = None


NO_UNIT = Unit()
PER_CENT = Unit(sign="%", words="per cent", factor=100.0, decimals=2)
DECIBELS = Unit(sign="dB", words="decibels", decimals=2)
NATS = Unit(sign="nats", words="nats", decimals=2)
LOSS_NATS = Unit(sign="nats", words="nats")  # of a task's loss, with the digits of any loss


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A quantity measured on one or more splits of the data.

    Args:
        name: Name in the records, after the split.
        words: Name in texts; ``{split}`` stands for the split's name.
        heading: Name in narrow tables.
        plural: Name of its values on any split, in sentences about all that were measured; empty
            to leave it out of them.
        better: Values that are better; None if unknown, or if it depends on other metrics. Such a
            metric is shown, but not ranked, compared or raced for.
        unit: Unit of printed values; `PER_CENT` is for shares of examples. That of a loss depends
            on the task (`problems.unit_on`).
        logarithmic: Charts may have a logarithmic axis, because ratios of values matter.
        least: The least possible value, where intervals of a mean are cut off; None if there is
            none. The loss has none: whether it can be negative depends on the task, which records
            do not name, and a density's −log p(y) can.
        splits: Splits on which it is measured.
        tabled: Splits for which result tables have a column.
        chooses: Its value on validation data chooses hyperparameters, marks the best variants and
            is compared: the mean over seeds of the first such metric, with ties broken by the next.
            Metrics that a study did not measure are skipped. Test data never choose, nor does the
            row of a user's task.
        in_headline: Sentences report its value on test data.
        in_training: It is measured during training, on the minibatches since the row before, with
            dropout, and recorded at steps; otherwise it is evaluated, and drawn over epochs.
        meaning: Definition on the page, empty if the words are clear enough.
    """

    name: str
    words: str
    heading: str
    better: Literal["lower", "higher"] | None
    plural: str = ""
    unit: Unit = NO_UNIT
    logarithmic: bool = False
    least: float | None = None
    splits: tuple[str, ...] = _EVALUATED
    tabled: tuple[str, ...] = ()
    chooses: bool = False
    in_headline: bool = False
    in_training: bool = False
    meaning: str = ""

    def on(self, split: str) -> str:
        """Return its name in records for a split of the data.

        >>> LOSS.on("val")
        'val/loss'
        """
        return f"{split}/{self.name}"

    @property
    def axis(self) -> AxisName:
        """The axis along which it is recorded."""
        return STEP if self.in_training else EPOCH


# The loss chooses first, because optimizers minimize it and because it distinguishes seeds whose
# accuracies tie.
LOSS = Metric(
    name="loss",
    words="{split} loss",
    heading="loss",
    plural="losses",
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
    plural="accuracies",
    better="higher",
    unit=PER_CENT,
    tabled=("val", "test"),
    chooses=True,
    in_headline=True,
)

# Errors of predicted numbers. Where a task measures several, sentences report the first of them.
PSNR = Metric(
    name="psnr",
    words="{split} PSNR",
    heading="PSNR",
    plural="PSNR values",
    better="higher",
    unit=DECIBELS,
    tabled=("val", "test"),
    in_headline=True,
    meaning=(
        "Peak signal-to-noise ratio of an image whose values lie in [0, 1]: −10·log₁₀ of the mean "
        "squared error over all pixels of the split, in decibels."
    ),
)
RMSE = Metric(
    name="rmse",
    words="{split} root mean squared error",
    heading="rmse",
    plural="root mean squared errors",
    better="lower",
    logarithmic=True,
    least=0.0,
    tabled=("val", "test"),
    in_headline=True,
    meaning="Root of the mean squared error, in the unit of the targets.",
)
MAE = Metric(
    name="mae",
    words="{split} mean absolute error",
    heading="mae",
    plural="mean absolute errors",
    better="lower",
    logarithmic=True,
    least=0.0,
    tabled=("val", "test"),
    in_headline=True,
)
MSE = Metric(
    name="mse",
    words="{split} mean squared error",
    heading="mse",
    plural="mean squared errors",
    better="lower",
    logarithmic=True,
    least=0.0,
    tabled=("val", "test"),
    in_headline=True,
)
R2 = Metric(
    name="r2",
    words="{split} R²",
    heading="R²",
    plural="R² values",
    better="higher",
    tabled=("val", "test"),
    in_headline=True,
    meaning=(
        "One minus the mean squared error over the variance of the targets: 1 is perfect, 0 is as "
        "good as their mean, and a negative value is worse than that."
    ),
)

BITS = Metric(
    name="bits_per_character",
    words="{split} bits per character",
    heading="bits/char",
    better="lower",
    logarithmic=True,
    least=0.0,
    tabled=("val", "test"),
    in_headline=True,
    meaning="Mean of −log₂ of the probability that the model gave to the next character.",
)

# The two terms of a variational autoencoder's loss, the negative evidence lower bound.
RECONSTRUCTION = Metric(
    name="reconstruction",
    words="{split} reconstruction error",
    heading="recon.",
    plural="reconstruction errors",
    better="lower",
    unit=NATS,
    logarithmic=True,
    least=0.0,
    tabled=("val", "test"),
    meaning=(
        "First term of the loss: −log of the probability of an image's pixels, given one draw of "
        "its latent variables, summed over pixels."
    ),
)
KL_DIVERGENCE = Metric(
    name="kl_divergence",
    words="{split} KL divergence",
    heading="KL",
    plural="KL divergences",
    better=None,
    unit=NATS,
    logarithmic=True,
    least=0.0,
    tabled=("val", "test"),
    meaning=(
        "Second term of the loss: KL divergence of an image's latent variables from the prior. "
        "Lower is better only at the same reconstruction error; a zero says that they are unused."
    ),
)

_ROWS = (
    *(LOSS, ACCURACY, RUNNING_LOSS),
    *(BITS, PSNR, RMSE, MAE, MSE, R2),
    *(RECONSTRUCTION, KL_DIVERGENCE),
)
METRICS = {metric.name: metric for metric in _ROWS}
_SUITE = frozenset(METRICS)
_AMBIGUOUS: set[str] = set()  # names of rows that differ between users' tasks
RUNNING = RUNNING_LOSS.on("train")

INSIDE = "inside/"  # prefix of recorded diagnostics: inside/<group>/<quantity>
LEARNING_RATE = "lr"
_BESIDE = frozenset({*AXES, LEARNING_RATE, "state_bytes", "parameters"})


def own_rows(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return those of a task's metrics that the suite's table lacks; they choose nothing.

    >>> own_rows([LOSS, ACCURACY])
    ()
    """
    return tuple(replace(each, chooses=False) for each in metrics if each.name not in _SUITE)


def bring(rows: Iterable[Metric]) -> None:
    """Add the rows of a user's task to the table; the suite's rows stay as they are.

    Where two tasks have different rows of one name, neither counts: a value must not be shown with
    the unit of another.
    """
    for row in own_rows(rows):
        if row.name not in _AMBIGUOUS and METRICS.setdefault(row.name, row) != row:
            _AMBIGUOUS.add(row.name)
            del METRICS[row.name]


def names_of(
    splits_of: Callable[[Metric], Sequence[str]], splits: Sequence[str] = _EVALUATED
) -> tuple[str, ...]:
    """Return names in records, by split and then in the order of the table.

    Args:
        splits_of: Returns the wanted splits of a metric; none leaves the metric out.
        splits: All splits to consider, in order.

    >>> names_of(lambda metric: metric.splits if metric.unit == PER_CENT else ())
    ('train/accuracy', 'val/accuracy', 'test/accuracy')
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


# The metrics that choose hyperparameters, mark the best and are compared; see `Metric.chooses`.
CHOOSING = names_of(lambda metric: ("val",) * metric.chooses)
CONFIRMATORY = CHOOSING[0]  # decides verdicts, whichever metric chose the hyperparameters


def metric_of(name: str) -> Metric:
    """Return the table's row for a name in records, or a row derived from the name alone.

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
    """Return the words for the metric called `name` in records.

    >>> metric_words("val/loss"), metric_words("train/running_loss"), metric_words("val/top_5")
    ('validation loss', 'running training loss', 'validation top 5')
    """
    split = name.rpartition("/")[0]
    return metric_of(name).words.replace("{split}", SPLITS.get(split, split)).strip()


def on_test(measured: Collection[str]) -> str | None:
    """Return the metric whose value on test data sentences report, None if it was not measured.

    It is the loss if no metric for sentences was measured.

    >>> on_test(["val/loss", "test/loss", "test/accuracy"]), on_test(["val/loss", "test/loss"])
    ('test/accuracy', 'test/loss')
    """
    wanted = [*names_of(lambda metric: ("test",) * metric.in_headline), LOSS.on("test")]
    return next((name for name in wanted if name in measured), None)


def is_metric(name: str) -> bool:
    """Return whether a name in records is a metric, rather than an axis, cost or diagnostic.

    >>> is_metric("val/loss"), is_metric("epoch")
    (True, False)
    """
    return name not in _BESIDE and not name.startswith(INSIDE)


def has_direction(name: str) -> bool:
    """Return whether it is known which values of a metric are better.

    >>> has_direction("val/loss"), has_direction("val/kl_divergence"), has_direction("val/charm")
    (True, False, False)
    """
    return metric_of(name).better is not None


def higher_is_better(name: str) -> bool:
    """Return whether higher values of a metric, such as ``val/accuracy``, are better.

    Raises:
        ValueError: neither is, or it is unknown; the message lists the metrics where it is known.

    >>> higher_is_better("val/accuracy"), higher_is_better("train/loss")
    (True, False)
    """
    better = metric_of(name).better
    if better is None:
        raise ValueError(
            f"metric {name!r}: cannot say whether more is better. Known: "
            f"{', '.join(row.name for row in METRICS.values() if row.better)}"
        )
    return better == "higher"


def is_share(name: str) -> bool:
    """Return whether a metric is a share of examples: a count divided by their number.

    >>> is_share("val/accuracy"), is_share("val/loss")
    (True, False)
    """
    return metric_of(name).unit == PER_CENT


def plurals(
    measured: Collection[str], chosen: Callable[[Metric], bool] = lambda metric: True
) -> list[str]:
    """Return the plural names of the metrics that were measured, in the order of the table.

    Args:
        measured: Names in records.
        chosen: Returns whether a metric is wanted.

    >>> plurals(["val/accuracy", "train/loss", "val/loss"])
    ['losses', 'accuracies']
    """
    rows = (row for row in METRICS.values() if row.plural and chosen(row))
    return [row.plural for row in rows if any(row.on(split) in measured for split in row.splits)]


def validation_of(name: str) -> str:
    """Return the metric that chooses when `name` is shown: for a test metric, the validation one.

    >>> validation_of("test/loss"), validation_of("train/loss")
    ('val/loss', 'train/loss')
    """
    split, _, kind = name.partition("/")
    return f"val/{kind}" if split == "test" else name
