"""The verdicts of a tuned study in Markdown, for documents and W&B Reports."""

from collections.abc import Iterable, Mapping

from benchmark.analysis.judging import Aspect, CostRatio, Judgement
from benchmark.analysis.verdicts import Verdict
from benchmark.metrics import metric_words
from benchmark.report.cost_words import share_words
from benchmark.report.differences import deciding_test, difference_alone, difference_words, p_of
from benchmark.report.judgements import notes, opening_sentences, own_first, statements
from benchmark.report.markdown_text import as_text, table
from benchmark.report.verdict_sentences import short_verdict, title_of
from benchmark.report.verdicts import short_p
from benchmark.report.words import together
from benchmark.step_costs import TimeRatio

_ASIDE: dict[Aspect, str] = {
    "optimization": "optimization",
    "generalization": "generalization",
}
_NONE = "–"
_MOST_SENTENCES = 12  # in the open


def opening(judgement: Judgement) -> str:
    """Return at most six sentences: what was compared, how it was tuned, and what came out."""
    return " ".join(opening_sentences(judgement, as_text))


def verdicts(judgement: Judgement) -> str:
    """Return the table of the confirmatory family, problem × optimizer; empty without verdicts."""
    rows = [
        [
            title_of(judgement, one.setting),
            one.optimizer,
            difference_alone(judgement, one),
            short_verdict(one),
            _NONE if one.word == "untuned" else f"{short_p(p_of(one))}, {deciding_test(one)}",
            _NONE if one.dz is None else f"{one.dz:.2g}".replace("-", "−"),
            one.n,
            entrant.tried,
            {"": "", "low": "lowest lr", "high": "highest lr"}[entrant.edge],
        ]
        for one in _in_order(judgement, judgement.confirmatory)
        for entrant in [judgement.entrant(one.setting, one.optimizer)]
    ]
    metric = metric_words(judgement.declaration.confirmatory)
    header = [
        "problem",
        "optimizer",
        f"{metric} − that of {judgement.reference} [95 % interval]",
        "verdict",
        "p",
        "d_z",
        "seeds",
        "points tried",
        "edge",
    ]
    words = " ".join(notes(judgement, as_text))
    return f"{table(header, rows)}\n\n{words}" if rows else ""


def in_words(judgement: Judgement) -> str:
    """Return every sentence on the verdicts and deviations as a list, folded if it is long."""
    found = [f"- {each.text}" for each in statements(judgement, as_text)]
    words = "\n".join(found)
    if len(found) <= _MOST_SENTENCES:
        return words
    return f"<details><summary>All {len(found)} sentences</summary>\n\n{words}\n\n</details>"


def aspects(judgement: Judgement) -> str:
    """Return training loss and test metric beside each other; empty if neither was measured."""
    shown = {
        aspect: judgement.verdicts[aspect] for aspect in _ASIDE if aspect in judgement.verdicts
    }
    found = {aspect: _by_place(some) for aspect, some in shown.items() if some}
    if not found:
        return ""
    header = ["problem", "optimizer"]
    for aspect, some in found.items():
        metrics = together(list(dict.fromkeys(metric_words(one.metric) for one in some.values())))
        header += [f"{metrics} ({_ASIDE[aspect]})", "verdict"]
    rows = [
        [title_of(judgement, one.setting), one.optimizer, *_aside(judgement, one, found.values())]
        for one in _in_order(judgement, judgement.confirmatory)
    ]
    words = (
        "Training loss says how well an optimizer optimizes, the test metric how well the result "
        "generalizes. Each is a family of its own, beside the one that was declared; everything "
        "else below is exploratory."
    )
    return f"{words}\n\n{table(header, rows)}"


def costs(judgement: Judgement) -> str:
    """Return the costs of each optimizer, divided by those of the reference."""
    rows = [
        [
            title_of(judgement, one.setting),
            one.optimizer,
            *_time_cells(cost),
            "none" if cost.state_per_parameter == 0 else _times(cost.state),
            _NONE if cost.state_per_parameter is None else f"{cost.state_per_parameter:.3g}",
        ]
        for one in _in_order(judgement, judgement.confirmatory)
        for cost in [judgement.costs[one.setting, one.optimizer]]
    ]
    against = f"over that of {judgement.reference}"
    header = [
        "problem",
        "optimizer",
        f"time of its step {against}",
        "share of a training step",
        f"time of a training step {against}",
        f"memory of its state {against}",
        "bytes of state per parameter",
    ]
    return table(header, rows) if rows else ""


def _in_order(judgement: Judgement, family: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts by problem, the user's own optimizers first within each."""
    settings = list(dict.fromkeys(each.setting for each in judgement.entrants))
    labels = own_first(judgement)
    return sorted(
        family, key=lambda one: (settings.index(one.setting), labels.index(one.optimizer))
    )


def _by_place(family: Iterable[Verdict]) -> dict[tuple[str, str], Verdict]:
    return {(one.setting, one.optimizer): one for one in family}


def _aside(
    judgement: Judgement, one: Verdict, families: Iterable[Mapping[tuple[str, str], Verdict]]
) -> list[str]:
    cells = []
    for family in families:
        other = family.get((one.setting, one.optimizer))
        if other is None:
            cells += [_NONE, _NONE]
            continue
        several = len({each.metric for each in family.values()}) > 1
        words = difference_words if several else difference_alone
        cells += [words(judgement, other), short_verdict(other)]
    return cells


def _time_cells(cost: CostRatio) -> tuple[str, str, str]:
    """Return the time of the own step, its share, and the time of a training step."""
    timed = cost.timed
    if timed is None or timed.own is None:
        return _NONE, _NONE, _times(cost.step)
    return _measured(timed.own), share_words(timed.share), _measured(timed.training)


def _measured(ratio: TimeRatio | None) -> str:
    if ratio is None or not ratio.is_known:
        return _NONE
    return "about " * (not ratio.is_sure) + _times(ratio.median)


def _times(ratio: float | None) -> str:
    return _NONE if ratio is None else f"{ratio:.2g}×"
