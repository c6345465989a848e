"""The points that studies tried while tuning, in Markdown; their values are never compared."""

from collections.abc import Iterable

from benchmark.analysis.searches import Search
from benchmark.metrics import metric_words
from benchmark.report.markdown_text import table
from benchmark.report.units import task_unit
from benchmark.report.words import value_words, with_unit

_EDGES = {"": "", "low": "lowest lr", "high": "highest lr"}


def tried(searches: Iterable[Search], problem: str) -> str:
    """Return the searches of one setting: a row for each optimizer; empty without any."""
    found = list(searches)
    if not found:
        return ""
    name, seed = found[0].metric, f"{found[0].seed:,}"
    words = (
        f"Learning rates were tried on tuning seeds, from {seed} on, which are never compared. The "
        f"last columns are the {metric_words(name)} of the chosen point on seed {seed}, and the "
        "end of the learning rates tried at which it lies, if any."
    )
    value = with_unit(name, task_unit(name, problem))
    header = ["optimizer", "points tried", "diverged", "rates tried", "chosen", value, "edge"]
    return f"{words}\n\n{table(header, map(_row, found))}"


def _row(search: Search) -> list[object]:
    rates = [point.lr for point in search.points if point.lr is not None]
    chosen = next((point for point in search.points if point.is_chosen), None)
    return [
        search.label,
        len(search.points),
        sum(point.value is None for point in search.points),
        f"{min(rates):g} … {max(rates):g}" if rates else "–",
        chosen.spec.label.removeprefix(search.label).strip() if chosen else "–",
        value_words(search.metric, chosen.value if chosen else None),
        _EDGES[search.edge],
    ]
