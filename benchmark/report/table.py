"""The result table of a study, for a terminal, and the same numbers for programs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.analysis.summary import Row, optimizer_of, ranked, summarize
from benchmark.plain_text import plain, valid
from benchmark.record import Record
from benchmark.report.printed import PrintedVerdicts
from benchmark.report.table_cells import (
    cells_of,
    heading_of,
    hyperparameter_words,
    interval_of,
    label_of,
    left_out_words,
    shown_metrics,
)
from benchmark.report.table_legends import legends, table_warnings
from benchmark.report.verdicts import TERMINAL_COLORS, shown_word
from benchmark.report.words import NO_VERDICT, reason_words
from datamodules.registry import DATASETS
from optimizers.pick import is_import_path
from optimizers.source import DIGEST_LENGTH

if TYPE_CHECKING:  # these modules load numpy and polars
    from benchmark.analysis.intervals import Interval
    from benchmark.report.evidence import Evidence

_LOG = " (traceback in "
_MOST_FOLDED = 3  # further variants of an optimizer with a line of their own
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
        shown = shown_metrics(rows, console.width)
        console.print(_table(name, groups, shown, evidence, verdicts))
        for row in (row for group in groups for row in group[: 1 + _MOST_FOLDED]):
            if words := hyperparameter_words(row):
                console.print(Text(f"  {label_of(row)}: {words}", style="dim"), soft_wrap=True)
        if words := left_out_words(rows, shown):
            console.print(Text(f"  {words}", style="dim"))
        for line in [*_reasons(rows), *table_warnings(name, rows, evidence)]:
            console.print(Text(f"  {line}", style="yellow"))
    every = [row for rows in tables.values() for row in rows]
    for words in legends(every, evidence, has_verdicts=verdicts is not None):
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
            "metrics": {metric: _mean_as_json(interval_of(row, metric)) for metric in row.metrics},
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
            found.append(f"{label_of(row)}: {who} {', '.join(names)}: {words}{logs[words]}")
    return found


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
    headings = (heading_of(each, groups[0][0].trial.problem) for each in shown)
    for heading in (*headings, "train\ns", "ms/\nstep"):
        table.add_column(heading, justify="right", no_wrap=True)
    has_differences = evidence is not None and verdicts is None
    if has_differences and evidence is not None:
        table.add_column("vs\nref." if evidence.reference else "vs ★", no_wrap=True)
    table.add_column("seeds,\nverdict" if verdicts else "seeds", no_wrap=True)
    for group in groups:
        for place, row in enumerate(group[: 1 + _MOST_FOLDED]):
            cells = list(map(Text, cells_of(row, shown)))
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
