"""What stands below a terminal's tables: caveats, and the meaning of each sign."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.analysis.summary import Row
from benchmark.metrics import CHOOSING, metric_words
from benchmark.report.table_cells import interval_of
from benchmark.report.words import (
    PICKED,
    best_first,
    busy_words,
    interval_words,
    is_symmetric,
    lacking_words,
    seeds_words,
)
from benchmark.store import FINISHED

if TYPE_CHECKING:  # these modules load numpy and polars
    from benchmark.analysis.intervals import Interval
    from benchmark.report.evidence import Evidence


def table_warnings(name: str, rows: Sequence[Row], evidence: "Evidence | None") -> list[str]:
    """Return caveats on the table of the setting `name`."""
    seeds = [sum(row.counts.get(status, 0) for status in FINISHED) for row in rows]
    found = [seeds_words(seeds)]
    if evidence is not None and evidence.reference and name in evidence.lacking:
        found.append(lacking_words(evidence.reference))
    if len(frozenset[object]().union(*(row.origins for row in rows))) > 1:
        found.append(_ORIGINS)
    return [words for words in found if words]


def legends(rows: Sequence[Row], evidence: "Evidence | None", *, has_verdicts: bool) -> list[str]:
    """Return the meaning of each sign that occurs in the tables."""
    intervals = [interval_of(row, metric) for row in rows for metric in row.metrics]
    methods = {each.method for each in intervals}
    means = [
        _star_legend(rows, has_verdicts=has_verdicts),
        interval_words(methods),
        _CUT_OFF if any(map(_is_cut_off, intervals)) else "",
        "Seeds that diverged (div.) are left out of means."
        if any(row.counts.get("diverged") for row in rows)
        else "",
    ]
    found = [" ".join(words for words in means if words)]
    done = sum(row.counts.get("done", 0) for row in rows)
    found.append(busy_words(sum(row.busy for row in rows), done))
    if evidence is not None:
        differences = "" if has_verdicts else _differences_legend(evidence)
        found.append(differences + _CURVES_LEGEND * bool(evidence.sparklines))
    return [words for words in found if words]


def _is_cut_off(one: "Interval") -> bool:
    """Return whether an interval by Student's t ends at the least or greatest possible value."""
    if one.method != "Student's t" or one.low is None or one.high is None:
        return False
    return not is_symmetric(one.estimate, one.low, one.high, 1e-6 * (one.high - one.low))


def _star_legend(rows: Sequence[Row], *, has_verdicts: bool) -> str:
    if not any(row.best for row in rows):
        return ""
    is_passed_over = any(row.metrics and row.counts.get("diverged") for row in rows)
    among = " of the rows of which no seed diverged" * is_passed_over
    measured = {name for row in rows for name in row.metrics}
    has_interval = any(len(values) > 1 for row in rows for values in row.metrics.values())
    picked = f", {PICKED}" * (has_interval and len(rows) > 1)
    if has_verdicts:  # each row was chosen on other seeds
        picked = "; it is no verdict, and tuning seeds chose each row's hyperparameters"
    return f"★ {best_first(measured)}{among}{picked}."


_CUT_OFF = (
    "One that would pass the least or the greatest possible value is cut off there, and printed as "
    "low … high."
)
_COMPARED = metric_words(CHOOSING[0])
_ORIGINS = (
    "Times are from several versions of the suite or several machines, as those of shipped trials "
    "and of trials trained here are: do not compare them."
)
_CURVES_LEGEND = (
    f"The small curves show the mean {_COMPARED}. All curves of a table share one scale from the "
    "lowest value to the first, which is logarithmic if both are positive."
)


def _differences_legend(evidence: "Evidence") -> str:
    if not evidence.differences:
        return ""
    return (
        f"vs: mean difference in final {_COMPARED} from {evidence.reference or '★'}, in per cent "
        "of its mean, with the best hyperparameters of each optimizer; exploratory. "
    )
