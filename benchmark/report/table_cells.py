"""The columns of a terminal's table that fit, and what stands in their cells."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.summary import Row
from benchmark.metrics import LOSS, METRICS, metric_of, tabled
from benchmark.plain_text import LABEL_LENGTH, plain
from benchmark.problems import unit_on
from benchmark.report.words import is_symmetric

if TYPE_CHECKING:  # these modules load numpy and polars
    from benchmark.analysis.intervals import Interval


# Hyperparameters that are printed only if they differ from these values.
_HIDDEN = {"maximize": False, "amsgrad": False, "centered": False, "bias_correction": True}
_MOST_HYPERPARAMETERS = 1000  # characters
_VALUE_WIDTH, _OTHER_WIDTH = 7, 40  # characters of a value, and of all columns without metrics
_SMALL = 1e-3  # a mean below it, of a metric without unit, is in exponent form
_EXPONENT = -1  # in place of a number of digits
_LEAST_ROOM = 40  # characters for columns of metrics, as many as 80 characters leave
_SHORT = {"done": "done", "diverged": "div.", "failed": "fail", "skipped": "skip"}


def label_of(row: Row) -> str:
    """Return an optimizer's name in the tables."""
    return plain(row.trial.label, LABEL_LENGTH)


def shown_metrics(rows: Sequence[Row], width: int) -> Sequence[str]:
    """Return the metrics that any row has and that fit in `width` columns, as `tabled` orders them.

    A metric fits with all its splits or not at all. The loss always does, and after it those come
    first that come first in the table of metrics.
    """
    widths = {name: _width(name, rows[0].trial.problem) for name in _measured(rows)}
    room, fitting = max(_LEAST_ROOM, width - _OTHER_WIDTH), {LOSS.name}
    for name in METRICS:
        if sum(widths[each] for each in widths if _kind(each) in {*fitting, name}) > room:
            break
        fitting.add(name)
    return [each for each in widths if _kind(each) in fitting]


def _width(name: str, problem: str) -> int:
    """Return the characters of a metric's column, with a blank after it."""
    return max(_VALUE_WIDTH, *map(len, heading_of(name, problem).split("\n"))) + 1


def left_out_words(rows: Sequence[Row], shown: Sequence[str]) -> str:
    """Return which metrics the table has no room for; "" if it has all."""
    kinds = dict.fromkeys(_kind(name) for name in _measured(rows) if name not in shown)
    names = ", ".join(METRICS[kind].heading for kind in kinds)
    return (
        f"This terminal has no room for {names}: a wider one and `show --json` do." if names else ""
    )


def _measured(rows: Sequence[Row]) -> Sequence[str]:
    return [name for name in tabled() if any(name in row.metrics for row in rows)]


def _kind(name: str) -> str:
    return name.rpartition("/")[2]


def heading_of(name: str, problem: str) -> str:
    r"""Return a metric's name in two short lines; below stands the unit that is the problem's own.

    >>> heading_of("val/accuracy", "mlp/digits"), heading_of("train/loss", "mlp/digits")
    ('val\nacc %', 'train\nloss\nnats')
    """
    metric = metric_of(name)
    heading = f"{name.partition('/')[0]}\n{metric.heading} {metric.unit.sign}".rstrip()
    return heading if metric.unit.sign else f"{heading}\n{unit_on(name, [problem]).sign}".rstrip()


def cells_of(row: Row, shown: Sequence[str]) -> list[str]:
    """Return the cells of a row with the metrics `shown`: star, optimizer, means, times, seeds."""
    return [
        "★" if row.best else "",
        label_of(row),
        *(_values(row, name) for name in shown),
        "-" if row.training_seconds is None else f"{row.training_seconds:.1f}",
        "-" if row.step_seconds is None else f"{row.step_seconds * 1000:.2f}",
        "\n".join(f"{count} {_SHORT[status]}" for status, count in row.counts.items()),
    ]


def hyperparameter_words(row: Row) -> str:
    """Return the hyperparameters that neither the label names nor most users know anyway."""
    optimizer = row.trial.optimizer
    named = set(row.trial.label.split())
    shown = [
        words
        for name, value in optimizer.hyperparameters.items()
        if value is not None and value is not _HIDDEN.get(name)
        if (words := f"{name}={_short(value)}") not in named
    ]
    schedule = optimizer.schedule
    if not schedule.constant:
        shown.append(f"schedule={schedule.kind}")
        shown += [f"warmup={schedule.warmup:g}"] * bool(schedule.warmup)
    if optimizer.rest:
        shown.append(f"rest={optimizer.rest.label}")
    shown += [f"source={optimizer.source}"] * bool(optimizer.source)
    return plain(" ".join(shown), most=_MOST_HYPERPARAMETERS)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_short, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def interval_of(row: Row, metric: str) -> "Interval":
    """Return the mean of a metric over the seeds that are done, with its 95 % interval."""
    import numpy as np

    from benchmark.analysis.intervals import mean_interval
    from benchmark.analysis.shares import shares_of

    values = np.asarray(row.metrics[metric])
    shares = shares_of(metric, row.trial.dataset, values)
    return mean_interval(values, shares, metric_of(metric).least)


def _values(row: Row, metric: str) -> str:
    if metric not in row.metrics:
        return "-"
    unit = metric_of(metric).unit
    mean = interval_of(row, metric)
    is_small = unit.decimals is None and 0 < abs(mean.estimate * unit.factor) < _SMALL
    digits = _EXPONENT if is_small else 4 if unit.decimals is None else unit.decimals
    return _with_interval(mean, unit.factor, digits)


def _with_interval(mean: "Interval", factor: float, digits: int) -> str:
    """Return the mean above its interval: ± if the interval is symmetric, otherwise low … high."""
    value = _number(mean.estimate * factor, digits)
    if mean.low is None or mean.high is None:
        return value
    least = abs(mean.estimate) / 10 if digits == _EXPONENT else 10.0**-digits / factor
    if is_symmetric(mean.estimate, mean.low, mean.high, least):
        return f"{value}\n±{_number((mean.high - mean.low) / 2 * factor, digits)}"
    low, high = (_number(end * factor, digits) for end in (mean.low, mean.high))
    return f"{value}\n{low}\n…{high}"


def _number(value: float, digits: int) -> str:
    """Return a number in at most six characters, or in exponent form from one million on.

    >>> _number(0.12345, 4), _number(12.345, 4), _number(123456.0, 4), _number(1.5e9, 4)
    ('0.1235', '12.345', '123456', '1.5e+09')
    >>> _number(0.000012345, _EXPONENT)
    '1.2e-05'
    """
    if abs(value) >= 1e6 or digits == _EXPONENT:
        return f"{value:.1e}"
    whole = len(f"{abs(value):.0f}")
    return f"{value:.{max(0, min(digits, 5 - whole))}f}"
