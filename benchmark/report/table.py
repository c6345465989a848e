"""The result table of a study, for a terminal, and the same numbers for programs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.analysis.summary import Row, optimizer_of, ranked, summarize
from benchmark.metrics import CHOOSING, LOSS, METRICS, metric_of, metric_words, tabled
from benchmark.plain_text import LABEL_LENGTH, plain, valid
from benchmark.problems import unit_on
from benchmark.record import Record
from benchmark.report.printed import PrintedVerdicts
from benchmark.report.verdicts import TERMINAL_COLORS, shown_word
from benchmark.report.words import (
    NO_VERDICT,
    PICKED,
    best_first,
    busy_words,
    interval_words,
    is_symmetric,
    lacking_words,
    reason_words,
    seeds_words,
)
from benchmark.store import FINISHED
from datamodules.registry import DATASETS
from optimizers.pick import is_import_path
from optimizers.source import DIGEST_LENGTH

if TYPE_CHECKING:  # these modules load numpy and polars
    from benchmark.analysis.intervals import Interval
    from benchmark.report.evidence import Evidence

# Hyperparameters that are printed only if they differ from these values.
_HIDDEN = {"maximize": False, "amsgrad": False, "centered": False, "bias_correction": True}
_LOG = " (traceback in "
_MOST_HYPERPARAMETERS = 1000  # characters
_MOST_FOLDED = 3  # further variants of an optimizer with a line of their own
_VALUE_WIDTH, _OTHER_WIDTH = 7, 40  # characters of a value, and of all columns without metrics
_LEAST_ROOM = 40  # characters for columns of metrics, as many as 80 characters leave
_SHORT = {"done": "done", "diverged": "div.", "failed": "fail", "skipped": "skip"}

_AS_GIVEN = "as given"


def print_tables(
    console: Console,
    records: Sequence[Record],
    evidence: "Evidence | None" = None,
    verdicts: PrintedVerdicts | None = None,
) -> None:
    """Print one table per setting, and below it the reasons for seeds that are not done.

    Args:
        console: The terminal.
        records: The records of one study.
        evidence: Adds curves and differences; None leaves them out.
        verdicts: The verdicts of a tuned study; None if its optimizers were trained as given.
    """
    tables = summarize(records)
    for name, rows in tables.items():
        console.print()
        console.print(Text(_title(name, rows[0]), style="bold"))
        groups = ranked(rows)
        shown = _shown(rows, console.width)
        console.print(_table(name, groups, shown, evidence, verdicts))
        for row in (row for group in groups for row in group[: 1 + _MOST_FOLDED]):
            if words := _hyperparameters(row):
                console.print(Text(f"  {_label(row)}: {words}", style="dim"), soft_wrap=True)
        if words := _left_out(rows, shown):
            console.print(Text(f"  {words}", style="dim"))
        for line in [*_reasons(rows), *_warnings(name, rows, evidence)]:
            console.print(Text(f"  {line}", style="yellow"))
    every = [row for rows in tables.values() for row in rows]
    for words in _legends(every, evidence, has_verdicts=verdicts is not None):
        console.print(Text(words, style="dim"))
    if verdicts is None and any(len(ranked(rows)) > 1 for rows in tables.values()):
        console.print(Text(NO_VERDICT, style="yellow"))


def tables_as_json(
    records: Iterable[Record], evidence: "Evidence | None" = None
) -> list[dict[str, Any]]:
    """Return the rows of all tables as mappings for JSON; numbers that are not finite become null.

    `evidence` adds a comparison to each row.
    """
    rows = [
        {
            **_comparison(row, evidence),
            "setting": name,
            "problem": row.trial.problem,
            "dataset": row.trial.dataset,
            "synthetic": _is_synthetic(row),
            "optimizer": row.trial.label,
            "hyperparameters": dict(row.trial.optimizer.hyperparameters),
            "schedule": asdict(row.trial.optimizer.schedule),
            "metrics": {metric: _mean_as_json(_interval(row, metric)) for metric in row.metrics},
            "training_seconds": row.training_seconds,
            "step_seconds": row.step_seconds,
            "optimizer_step_seconds": row.optimizer_seconds,
            "state_bytes_per_parameter": row.state_bytes_per_parameter,
            "busy_seeds": row.busy,
            "seeds": dict(row.counts),
            "reasons": list(row.reasons),
            "best": row.best,
        }
        for name, rows in summarize(records).items()
        for row in rows
    ]
    return [_for_json(row) for row in rows]


def _for_json(value: Any) -> Any:
    """Return `value` without NaN and lone surrogates, so that every JSON parser accepts it."""
    if isinstance(value, dict):
        return {valid(str(name)): _for_json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(each) for each in value]
    if isinstance(value, str):
        return valid(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _title(name: str, row: Row) -> str:
    dataset = DATASETS.get(row.trial.dataset)
    title = dataset.title if dataset else plain(row.trial.dataset)
    return "\n".join([plain(name), title, *_sources(row.trial.source)])


def _sources(source: str) -> list[str]:
    """Return a line with the digests of a model's and a data set's files, each digest once."""
    digests = [source[i : i + DIGEST_LENGTH] for i in range(0, len(source), DIGEST_LENGTH)]
    return [f"from files of digest {' and '.join(dict.fromkeys(map(plain, digests)))}"] * bool(
        source
    )


def _label(row: Row) -> str:
    return plain(row.trial.label, LABEL_LENGTH)


def _is_synthetic(row: Row) -> bool:
    dataset = DATASETS.get(row.trial.dataset)
    return dataset is not None and dataset.synthetic


def _comparison(row: Row, evidence: "Evidence | None") -> dict[str, Any]:
    if evidence is None:
        return {}
    found = evidence.comparison(row)
    return {"comparison": asdict(found) if found else None}


def _mean_as_json(mean: "Interval") -> dict[str, float | str | None]:
    return {
        "mean": mean.estimate,
        "low_95": mean.low,
        "high_95": mean.high,
        "interval": mean.method,
    }


def _reasons(rows: Sequence[Row]) -> list[str]:
    """Return why seeds are not done; a reason that several seeds of a row share is printed once."""
    found = []
    for row in rows:
        seeds: dict[str, list[str]] = {}
        logs: dict[str, str] = {}
        for each in row.reasons:
            seed, _, reason = each.partition(": ")
            whole = reason_words(reason)
            words, _, log = whole.partition(_LOG)
            seeds.setdefault(words, []).append(seed.removeprefix("seed "))
            logs.setdefault(words, whole[len(words) :] if log else "")
        for words, names in seeds.items():
            who = "seed" if len(names) == 1 else "seeds"
            found.append(f"{_label(row)}: {who} {', '.join(names)}: {words}{logs[words]}")
    return found


def _warnings(name: str, rows: Sequence[Row], evidence: "Evidence | None") -> list[str]:
    """Return caveats on the table of the setting `name`."""
    seeds = [sum(row.counts.get(status, 0) for status in FINISHED) for row in rows]
    found = [seeds_words(seeds)]
    if evidence is not None and evidence.reference and name in evidence.lacking:
        found.append(lacking_words(evidence.reference))
    if len(frozenset[object]().union(*(row.origins for row in rows))) > 1:
        found.append(_ORIGINS)
    return [words for words in found if words]


def _legends(rows: Sequence[Row], evidence: "Evidence | None", *, has_verdicts: bool) -> list[str]:
    """Return the meaning of each sign that occurs in the tables."""
    methods = {_interval(row, metric).method for row in rows for metric in row.metrics}
    means = [
        _star_legend(rows, has_verdicts=has_verdicts),
        interval_words(methods),
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


def _table(
    name: str,
    groups: Sequence[Sequence[Row]],
    shown: Sequence[str],
    evidence: "Evidence | None",
    verdicts: PrintedVerdicts | None,
) -> Table:
    """Return the table of the setting `name`; further variants of an optimizer are folded below it.

    With the metrics of `_shown`, it fits in 80 columns. A narrower terminal cuts off the last
    column, the seeds and verdicts.
    """
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("optimizer", overflow="fold", min_width=12)
    headings = (_heading(each, groups[0][0].trial.problem) for each in shown)
    for heading in (*headings, "train\ns", "ms/\nstep"):
        table.add_column(heading, justify="right", no_wrap=True)
    has_differences = evidence is not None and verdicts is None
    if has_differences and evidence is not None:
        table.add_column("vs\nref." if evidence.reference else "vs ★", no_wrap=True)
    table.add_column("seeds,\nverdict" if verdicts else "seeds", no_wrap=True)
    for group in groups:
        for place, row in enumerate(group[: 1 + _MOST_FOLDED]):
            cells = list(map(Text, _cells(row, shown)))
            words, verdict = _tuning_and_verdict(name, row, verdicts)
            if words == _AS_GIVEN and not place and len(group) > 1:
                words = f"best of {len(group)}"
            curve = "" if evidence is None else evidence.sparkline(row)
            cells[1].append("".join(f"\n{line}" for line in (words, curve) if line))
            cells[-1].append(verdict)
            if has_differences and evidence is not None:
                cells.insert(-1, Text(evidence.difference(row)))
            table.add_row(*cells, style="dim" if place else _style(row))
        more = len(group) - 1 - _MOST_FOLDED
        if more > 0:
            table.add_row("", Text(f"{more} more of {optimizer_of(group[0].trial)}", style="dim"))
    return table


def _style(row: Row) -> str | None:
    """Return the style of an optimizer's best row: the user's own optimizers are bold."""
    return "bold" if is_import_path(row.trial.optimizer.name) else None


def _tuning_and_verdict(name: str, row: Row, verdicts: PrintedVerdicts | None) -> tuple[str, Text]:
    """Return how a row's optimizer was tuned, and the verdict on it, on a line of its own."""
    found = verdicts.row(name, row.trial.optimizer.text) if verdicts else None
    if found is None:
        return _AS_GIVEN, Text()
    if not found.word or found.word == "reference":
        return found.how, Text(found.word and f"\n{found.word}")
    color = TERMINAL_COLORS[found.word]
    return found.how, Text(f"\n{shown_word(found.word)}", style=f"not dim {color}")


def _shown(rows: Sequence[Row], width: int) -> Sequence[str]:
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
    return max(_VALUE_WIDTH, *map(len, _heading(name, problem).split("\n"))) + 1


def _left_out(rows: Sequence[Row], shown: Sequence[str]) -> str:
    """Return which metrics the table has no room for; "" if it has all."""
    kinds = dict.fromkeys(_kind(name) for name in _measured(rows) if name not in shown)
    names = ", ".join(METRICS[kind].heading for kind in kinds)
    return f"This terminal has no room for {names}: `show --json` has all." if names else ""


def _measured(rows: Sequence[Row]) -> Sequence[str]:
    return [name for name in tabled() if any(name in row.metrics for row in rows)]


def _kind(name: str) -> str:
    return name.rpartition("/")[2]


def _heading(name: str, problem: str) -> str:
    r"""Return a metric's name in two short lines; below stands the unit that is the problem's own.

    >>> _heading("val/accuracy", "mlp/digits"), _heading("train/loss", "mlp/digits")
    ('val\nacc %', 'train\nloss\nnats')
    """
    metric = metric_of(name)
    heading = f"{name.partition('/')[0]}\n{metric.heading} {metric.unit.sign}".rstrip()
    return heading if metric.unit.sign else f"{heading}\n{unit_on(name, [problem]).sign}".rstrip()


def _cells(row: Row, shown: Sequence[str]) -> list[str]:
    return [
        "★" if row.best else "",
        _label(row),
        *(_values(row, name) for name in shown),
        "-" if row.training_seconds is None else f"{row.training_seconds:.1f}",
        "-" if row.step_seconds is None else f"{row.step_seconds * 1000:.2f}",
        "\n".join(f"{count} {_SHORT[status]}" for status, count in row.counts.items()),
    ]


def _hyperparameters(row: Row) -> str:
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


def _interval(row: Row, metric: str) -> "Interval":
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
    digits = 4 if unit.decimals is None else unit.decimals
    return _with_interval(_interval(row, metric), unit.factor, digits)


def _with_interval(mean: "Interval", factor: float, digits: int) -> str:
    """Return the mean above its interval: ± if the interval is symmetric, otherwise low … high."""
    value = _number(mean.estimate * factor, digits)
    if mean.low is None or mean.high is None:
        return value
    if is_symmetric(mean.estimate, mean.low, mean.high, 10.0**-digits / factor):
        return f"{value}\n±{_number((mean.high - mean.low) / 2 * factor, digits)}"
    low, high = (_number(end * factor, digits) for end in (mean.low, mean.high))
    return f"{value}\n{low}\n…{high}"


def _number(value: float, digits: int) -> str:
    """Return a number in at most six characters, or in exponent form from one million on.

    >>> _number(0.12345, 4), _number(12.345, 4), _number(123456.0, 4), _number(1.5e9, 4)
    ('0.1235', '12.345', '123456', '1.5e+09')
    """
    if abs(value) >= 1e6:
        return f"{value:.1e}"
    whole = len(f"{abs(value):.0f}")
    return f"{value:.{max(0, min(digits, 5 - whole))}f}"
