"""Differences, margins and p in words: one convention for every form of a report.

A difference is optimizer − reference in the metric's unit, and its sign is never left out.
"""

import math
import re
from collections.abc import Callable

from benchmark.analysis.judging import Judgement
from benchmark.analysis.verdicts import Verdict
from benchmark.margins import MARGIN_SHARE, MOST_MARGIN_SHARE, TUNING_SEEDS, MarginBasis
from benchmark.metrics import higher_is_better, is_share, metric_of, metric_words
from benchmark.problems import unit_on
from benchmark.report.verdicts import short_p
from benchmark.report.words import NO_BREAK, counted

_MOST_DECIMALS = 7  # smaller numbers have a power of ten


def convention_words(metric: str) -> str:
    """Return what the sign of a difference means, and what its effect size is.

    >>> convention_words("val/loss").partition(": ")[2].partition(". ")[0]
    'in validation loss, below 0 is better'
    """
    side = "above" if higher_is_better(metric) else "below"
    return (
        "Every difference is optimizer − reference in the metric's unit: "
        f"in {metric_words(metric)}, {side} 0 is better. d_z is its mean over its standard "
        "deviation across seeds."
    )


def difference_words(judgement: Judgement, verdict: Verdict) -> str:
    """Return a difference with its interval: "−0.004 [−0.007, −0.001] nats in validation loss"."""
    if verdict.difference is None:
        return f"in {metric_words(verdict.metric)} unknown, because no seed is done in both"
    return f"{difference_alone(judgement, verdict)} in {metric_words(verdict.metric)}"


def difference_alone(judgement: Judgement, verdict: Verdict) -> str:
    """Return the difference with its interval and unit; a dash if it is unknown."""
    if verdict.difference is None:
        return "–"
    problem = judgement.entrant(verdict.setting, verdict.optimizer).problem
    words = interval_words(verdict.metric, verdict.difference, verdict.low, verdict.high)
    return words + unit_words(verdict.metric, problem)


def interval_words(metric: str, difference: float, low: float | None, high: float | None) -> str:
    """Return a difference with its interval, rounded to two digits of half the interval's width.

    >>> interval_words("val/loss", 0.0859, -0.0257, 0.1981)
    '0.09 [−0.03, 0.20]'
    >>> interval_words("val/loss", 1.2e-10, -7.5e-9, 7.7e-9)
    '1.2e-10 [−7.5e-09, 7.7e-09]'
    """
    if low is None or high is None:
        return size_words(metric, difference)
    factor = metric_of(metric).unit.factor
    half = (high - low) / 2 * factor
    if not half > 0:
        end = size_words(metric, difference)
        return f"{end} [{end}, {end}]"
    decimals = 1 - math.floor(math.log10(half))
    if difference:  # at most four significant digits of the difference itself
        decimals = min(decimals, 3 - math.floor(math.log10(abs(difference * factor))))
    if decimals > _MOST_DECIMALS:
        numbers = [f"{value * factor + 0.0:.2g}" for value in (difference, low, high)]
    else:
        decimals = max(0, decimals)
        numbers = [
            f"{round(value * factor, decimals) + 0.0:.{decimals}f}"
            for value in (difference, low, high)
        ]
    center, *ends = (re.sub("^-", "−", number) for number in numbers)
    return f"{center} [{', '.join(ends)}]"


def size_words(metric: str, difference: float) -> str:
    """Return a difference to three significant digits, without its unit.

    >>> size_words("val/loss", -0.012345), size_words("val/accuracy", 0.012345)
    ('−0.0123', '1.23')
    """
    return f"{difference * metric_of(metric).unit.factor:.3g}".replace("-", "−")


def unit_words(metric: str, problem: str) -> str:
    """Return the unit of a difference on a problem: percentage points for shares.

    >>> [unit_words(metric, "mlp/mnist").strip() for metric in ("val/loss", "val/accuracy")]
    ['nats', 'points']
    """
    sign = "points" if is_share(metric) else unit_on(metric, [problem]).sign
    return f"{NO_BREAK}{sign}" * bool(sign)


def margin_words(judgement: Judgement, problem: str) -> str:
    """Return the margin on a problem in the metric's unit, and what it was derived from.

    It is empty before the margin is fixed.
    """
    declaration = judgement.declaration
    margin = declaration.margins.get(problem)
    if margin is None:
        return ""
    source = _source_of_margin(judgement, problem, margin)
    size = _margin_of(declaration.confirmatory, margin, problem)
    return size + f" ({source})" * bool(source)


def margin_of_verdict(judgement: Judgement, problem: str, verdict: Verdict) -> str:
    """Return the margin of a verdict: of the confirmatory metric, the declared one."""
    if verdict.metric == judgement.declaration.confirmatory:
        declared = margin_words(judgement, problem)
        if declared:
            return declared
    size = _margin_of(verdict.metric, verdict.margin, problem)
    return f"{size} ({100 * MARGIN_SHARE:g}{NO_BREAK}% of the mean of {judgement.reference})"


def _margin_of(metric: str, margin: float, problem: str) -> str:
    return f"±{size_words(metric, margin)}{unit_words(metric, problem)}"


def _source_of_margin(judgement: Judgement, problem: str, margin: float) -> str:
    """Return what a margin was derived from; empty if it is not the default one."""
    declaration, reference = judgement.declaration, judgement.reference
    found = (each for each in _bases(judgement, problem) if math.isclose(each.margin, margin))
    basis = next(found, None)
    if basis is None or not margin:
        return ""
    seeds = basis.source
    if seeds != TUNING_SEEDS:
        seeds = f"{counted(basis.seeds, 'seed')} of {seeds}"
    share = margin / abs(basis.mean)
    metric = declaration.confirmatory
    sign = unit_on(metric, [problem]).sign
    of = (
        f"{100 * share:.2g}{NO_BREAK}% of the mean of {reference} on {seeds}, "
        f"{size_words(metric, basis.mean)}" + f"{NO_BREAK}{sign}" * bool(sign)
    )
    is_bound = any(math.isclose(share, each) for each in (MARGIN_SHARE, MOST_MARGIN_SHARE))
    return of if is_bound else f"its standard deviation over {seeds}: {of}"


def _bases(judgement: Judgement, problem: str) -> list[MarginBasis]:
    """Return the declared basis of a margin; for older studies, those that it may have."""
    declaration, reference = judgement.declaration, judgement.reference
    if problem in declaration.margin_bases:
        return [declaration.margin_bases[problem]]
    return [
        MarginBasis.of(each.values, source=TUNING_SEEDS, optimizer=reference)
        for each in declaration.chosen
        if (each.problem, each.label) == (problem, reference) and each.values
    ]


def margins_sentence(judgement: Judgement, name: Callable[[str], str] = str) -> str:
    """Return the margins of all problems, each escaped by `name`; empty before any is fixed."""
    found = [
        name(f"{problem} {words}")
        for problem in judgement.declaration.problems
        if (words := margin_words(judgement, problem))
    ]
    return f"Margins of equivalence, fixed before the evaluation: {'; '.join(found)}." * bool(found)


def p_of(verdict: Verdict) -> float:
    """Return the p of the deciding test: of equivalence for that word, otherwise of difference."""
    return verdict.p_equivalence if verdict.word == "equivalent" else verdict.p


def deciding_test(verdict: Verdict) -> str:
    """Return the test that `p_of` is from, in words."""
    if verdict.word == "equivalent":
        return "two one-sided t tests"
    return {"paired t": "paired t test", "max-T": "sign-flip max-T"}.get(verdict.test, verdict.test)


def p_words(p: float) -> str:
    """Return p in words, rounded up.

    >>> p_words(0.0123).split(), p_words(0.0001).split()
    (['p', '=', '.013'], ['p', '<', '.001'])
    """
    short = short_p(p)
    sign, digits = ("<", short[1:]) if short.startswith("<") else ("=", short)
    return f"p{NO_BREAK}{sign}{NO_BREAK}{digits}"
