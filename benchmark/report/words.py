"""Wording of metrics, values and caveats, shared by the page, the figures and the texts."""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePath

from benchmark.metrics import (
    CHOOSING,
    METRICS,
    PER_CENT,
    Unit,
    higher_is_better,
    metric_of,
    metric_words,
    plurals,
)
from benchmark.plain_text import REASON_LENGTH, plain

_TRACEBACK = re.compile(r" \(traceback in (.*)\)$", re.DOTALL)
NO_VERDICT = (
    "Nothing here is a verdict: the optimizers were trained as given, not tuned alike. --tune 16 "
    "tunes each of them and ends in verdicts."
)
PICKED = "picked on these seeds, so its interval is too optimistic"
NO_BREAK = "\u00a0"  # the no-break space


def counted(number: int, noun: str) -> str:
    """Return `number` with its noun.

    >>> counted(1, "seed"), counted(2, "seed")
    ('1 seed', '2 seeds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def busy_words(busy: int, trials: int) -> str:
    """Return a warning about seconds that were measured on a busy machine; empty if none were.

    >>> busy_words(2, 6)
    'The machine was busy during 2 of 6 trials: their seconds are too long.'
    """
    if not busy:
        return ""
    return f"The machine was busy during {busy} of {trials} trials: their seconds are too long."


def waiting_words(waiting: int) -> str:
    """Return the sentence on planned trials that have no record; empty if there are none.

    >>> waiting_words(1).partition("; ")[2]
    'it runs, or waits for the command that planned it.'
    """
    if not waiting:
        return ""
    runs, waits, it = ("it runs", "waits", "it") if waiting == 1 else ("they run", "wait", "them")
    return (
        f"Not finished: {counted(waiting, 'planned trial')} without a result; {runs}, or {waits} "
        f"for the command that planned {it}."
    )


def reason_words(reason: str, most: int = REASON_LENGTH) -> str:
    """Return why a trial has no result, in one line; a log is named by its folder and file only.

    >>> reason_words("ValueError: no (traceback in /long/way/study/key-1/log.txt)")
    'ValueError: no (traceback in key-1/log.txt)'
    """
    found = _TRACEBACK.search(reason)
    if found is None:
        return plain(reason, most)
    log = f" (traceback in {'/'.join(map(plain, PurePath(found[1]).parts[-2:]))})"
    return plain(reason[: found.start()], max(20, most - len(log))) + log


def together(names: Sequence[str]) -> str:
    """Join names for use in a sentence.

    >>> together(["a"]), together(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])


def duration_words(seconds: float) -> str:
    """Return a duration in the unit that suits it.

    >>> [duration_words(seconds) for seconds in (5, 600, 20_000, 500_000)]
    ['5 s', '10 min', '5.6 h', '5.8 days']
    """
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (100 * 3600, 3600, "h")):
        if seconds < limit:
            digits = 1 if name == "h" else 0
            return f"{seconds / unit:.{digits}f} {name}"
    return f"{seconds / 86400:.1f} days"


def best_first(measured: Collection[str]) -> str:
    """Return the rule by which the best variants are chosen, given the metrics that exist.

    >>> best_first(["val/loss", "val/accuracy"])
    'lowest mean validation loss, ties by validation accuracy'
    >>> best_first(["val/loss", "val/rmse"])
    'lowest mean validation loss'
    """
    first, *others = [name for name in CHOOSING if name in measured] or CHOOSING[:1]
    superlative = "highest" if higher_is_better(first) else "lowest"
    ties = "".join(f", ties by {metric_words(name)}" for name in others)
    return f"{superlative} mean {metric_words(first)}{ties}"


def evaluated_words(measured: Collection[str]) -> str:
    """Return the names of what was evaluated, as the beginning of a sentence.

    >>> evaluated_words(["val/loss", "val/accuracy"]), evaluated_words(["val/loss", "val/r2"])
    ('Losses and accuracies', 'Losses and R² values')
    """
    words = together(plurals(measured) or ["metrics"])
    return words[0].upper() + words[1:]


SHARES = together([row.plural for row in METRICS.values() if row.unit == PER_CENT])


def value_words(metric: str, value: float | None, unit: Unit | None = None) -> str:
    """Return `value` formatted with a unit.

    Args:
        metric: Name in records.
        value: The value as recorded; None if there is none.
        unit: The unit; None for the metric's own, which a loss does not have.

    >>> value_words("val/loss", 0.12345), value_words("val/accuracy", 0.5).split()
    ('0.1235', ['50.00', '%'])
    """
    if value is None or not math.isfinite(value):
        return "–"
    unit = unit or metric_of(metric).unit
    digits = ".4g" if unit.decimals is None else f".{unit.decimals}f"
    return f"{value * unit.factor:{digits}}" + f"{NO_BREAK}{unit.sign}" * bool(unit.sign)


def with_unit(metric: str, unit: Unit) -> str:
    """Return the words for `metric` with its unit, as a heading above bare numbers.

    >>> with_unit("val/loss", Unit(sign="nats")), with_unit("val/loss", Unit())
    ('validation loss, nats', 'validation loss')
    """
    return metric_words(metric) + f", {unit.sign}" * bool(unit.sign)


def interval_words(methods: Collection[str]) -> str:
    """Return sentences that explain the intervals found by `methods`, to print beside means.

    >>> interval_words({"too few seeds"})
    ''
    """
    return " ".join(words for method, words in _INTERVALS.items() if method in methods)


def is_symmetric(center: float, low: float, high: float, last_digit: float) -> bool:
    """Return whether both halves of an interval look equal when printed.

    Args:
        center: The estimate.
        low: The lower end.
        high: The upper end.
        last_digit: The unit of the last digit that is printed.

    >>> is_symmetric(0.95, 0.9301, 0.9702, 1e-3), is_symmetric(0.95, 0.91, 0.97, 1e-3)
    (True, False)
    """
    return abs((high - center) - (center - low)) <= last_digit


def seeds_words(counts: Iterable[int], who: str = "Rows") -> str:
    """Return a caveat on rows with unequal numbers of seeds; empty if the numbers are equal.

    >>> seeds_words([3, 3, 0])
    ''
    """
    some = {count for count in counts if count}
    if len(some) < 2:
        return ""
    return (
        f"{who} rest on {min(some)} to {max(some)} seeds: the best of unequal means may be the one "
        "with the easier seeds."
    )


def lacking_words(reference: str) -> str:
    """Return the sentence for a setting in which the reference has no result."""
    return f"{reference} has no trial here that is done or diverged: nothing is compared with it."


_INTERVALS = {
    "Student's t": "± is half of the 95 % interval of the mean over seeds, by Student's t.",
    "Student's t of logits": f"Intervals of {SHARES} are Student's on the logit scale, printed "
    "as low … high where they are not symmetric.",
}
