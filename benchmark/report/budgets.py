"""Performance against budget, in words and as a table in Markdown."""

from collections.abc import Callable

from benchmark.analysis.budgets import BudgetResult
from benchmark.analysis.judging import Entrant, Judgement
from benchmark.metrics import metric_words
from benchmark.report.markdown_text import as_text, table
from benchmark.report.units import task_unit
from benchmark.report.verdict_sentences import title_of
from benchmark.report.words import NO_BREAK, counted, value_words, with_unit

_NOTE = (
    "Mean {metric} on the evaluation seeds [95 % interval] of the point that a search with only "
    "the first k points of the sequence would have chosen; it is one search, no mean over orders "
    "of the points. A k beyond the budget has all points tried, with those added because the best "
    "learning rate was at an edge. Empty where an optimizer has no such budget."
)


def budget_sentences(judgement: Judgement, name: Callable[[str], str] = str) -> list[str]:
    """Return a sentence on each optimizer on each problem; none if no budgets were evaluated."""
    metric = judgement.declaration.confirmatory
    return [
        f"{name(each.label)} on {name(title_of(judgement, each.setting))}, mean "
        f"{with_unit(metric, task_unit(metric, each.problem))}, by points tried: "
        f"{_in_words(each, metric)}."
        for each in judgement.entrants
        if each.by_budget
    ]


def budget_table(judgement: Judgement) -> str:
    """Return the results by budget as a table; empty if none were evaluated."""
    shown = [each for each in judgement.entrants if each.by_budget]
    budgets = sorted({one.budget for each in shown for one in each.by_budget})
    metric = judgement.declaration.confirmatory
    rows = []
    for each in shown:
        cells = {one.budget: _cell(one, metric, each.problem) for one in each.by_budget}
        title = title_of(judgement, each.setting)
        rows.append([title, each.label, *(cells.get(k, "") for k in budgets)])
    header = ["problem", "optimizer", *(f"k = {k}" for k in budgets)]
    note = _NOTE.format(metric=as_text(metric_words(metric)))
    return f"{note}\n\n{table(header, rows)}" if rows else ""


def _in_words(entrant: Entrant, metric: str) -> str:
    return ", ".join(
        f"{_diverged(one) or value_words(metric, one.mean)} after {one.budget}"
        for one in entrant.by_budget
    )


def _cell(one: BudgetResult, metric: str, problem: str) -> str:
    if one.mean is None:
        return _diverged(one)
    mean, low, high = (value_words(metric, each) for each in (one.mean, one.low, one.high))
    sign = task_unit(metric, problem).sign
    return mean + f" [{low}, {high}]" * (one.low is not None) + f"{NO_BREAK}{sign}" * bool(sign)


def _diverged(one: BudgetResult) -> str:
    return f"{one.diverged} of {counted(one.seeds, 'seed')} diverged" if one.diverged else ""
