"""The W&B runs of a study, rebuilt from its files; existing complete runs are left alone.

The id of a rebuilt run depends on the content of its files. Pushing again therefore overwrites the
same run, and equal studies of two machines have different runs. W&B refuses the id of a deleted
run, so a deleted run gets the next id of a fixed series. A run that was
interrupted while its trial ran is completed under its own id.
"""

import hashlib
import itertools
import json
import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmark.decode import Row
from benchmark.errors import PushError
from benchmark.mirror.destination import Destination
from benchmark.mirror.ledger import Ledger
from benchmark.mirror.logger import LoggerSink
from benchmark.mirror.run_rate import RunRate
from benchmark.mirror.wandb_private import read_run, run_totals
from benchmark.mirror.wandb_run import (
    REFUSED,
    WandbRun,
    digest,
    open_run,
    run_folders,
    service,
    summary_of,
)
from benchmark.plain_text import error_line
from benchmark.record import Record
from benchmark.store import Store

_MOST_DELETIONS = 20  # ids that are tried for one run; each deletion costs a refused request
_RETRIES = 1  # wandb retries even refused requests; this takes 3 s instead of INIT_SECONDS


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """The outcome for one record: ``pushed`` now, or ``there``: already present and identical."""

    record: Record
    outcome: Literal["pushed", "there"]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A run on the W&B server: the number of its rows, and its summary."""

    rows: int
    summary: Mapping[str, Any]


def push(
    destination: Destination,
    store: Store,
    records: Sequence[Record],
    *,
    rate: RunRate | None = None,
) -> Iterator[Pushed]:
    """Give W&B a complete run for each of `records`, and yield the outcome of each in turn.

    Args:
        destination: The destination of the runs.
        store: The study.
        records: Its records to push.
        rate: Limit on the runs that are opened; None for that of W&B's server.

    Raises:
        PushError: wandb or its server failed; runs that were yielded are complete, so the caller
            can start again.
    """
    rate = rate or RunRate(is_online=destination.mode == "online")
    try:
        with service(destination), Ledger(store.folder) as ledger:
            found = _on_server(destination) if destination.mode == "online" else {}
            for record in records:
                rows = store.metrics(record.trial)
                key = record.trial.key
                is_there = _is_there(destination, record, rows, found.get(key, ()))
                if not is_there:
                    rate.wait()
                    _write(destination, record, rows, ledger.owed.get(key))
                ledger.settle(key)
                yield Pushed(record=record, outcome="there" if is_there else "pushed")
    except PushError:
        raise
    except Exception as error:  # wandb raises exceptions of many libraries
        line = " ".join(str(error).split())[:300]
        raise PushError(f"W&B: {type(error).__name__}: {line}") from error


def feed(sink: LoggerSink, store: Store, records: Sequence[Record]) -> Iterator[Record]:
    """Send each of `records` to a logger of its own, and yield it once the logger is closed.

    Raises:
        PushError: a logger failed; records that were yielded are complete.
    """
    sink.start()
    try:
        with Ledger(store.folder, sink.place) as ledger:
            for record in records:
                key = record.trial.key
                run = sink.open(record.trial, key)
                for row in store.metrics(record.trial):
                    run.log(row)
                run.finish(record)
                ledger.settle(key)
                yield record
    except (Exception, SystemExit) as error:  # a user's logger may raise anything
        raise PushError(f"{sink.name}: {error_line(error)}") from error
    finally:
        sink.end(at_once=False)


def run_id(record: Record, rows: Sequence[Row], deletions: int = 0) -> str:
    """Return the id of the run of `record`, given how many runs of it were deleted on W&B."""
    text = json.dumps([record.to_json(), list(rows)], sort_keys=True)
    content = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{digest(record.trial)}-{content}" + (f"-{deletions + 1}" if deletions else "")


def _is_there(
    destination: Destination, record: Record, rows: Sequence[Row], on_server: Sequence[_Found]
) -> bool:
    if destination.mode == "offline":
        return _lies_there(destination, record, rows)
    return any(_is_whole(run, record, rows) for run in on_server)


def _write(
    destination: Destination, record: Record, rows: Sequence[Row], broken_off: str | None
) -> None:
    run = WandbRun(_open(destination, record, rows, broken_off))
    for row in rows:
        run.log(row)
    run.finish(record)


def _open(
    destination: Destination, record: Record, rows: Sequence[Row], broken_off: str | None
) -> Any:
    """Return a run under the first id that W&B accepts; `broken_off` is tried before others."""
    series = (run_id(record, rows, deletions) for deletions in range(_MOST_DELETIONS))
    for name in itertools.chain([broken_off] if broken_off else [], series):
        try:
            return open_run(destination, record.trial, name, retries=_RETRIES)
        except Exception as error:
            if REFUSED not in str(error):
                raise
    raise PushError(
        f"W&B: run {run_id(record, rows)} was deleted {_MOST_DELETIONS} times; "
        "choose another --wandb-project"
    )


def _on_server(destination: Destination) -> dict[str, list[_Found]]:
    """Return the runs of this study in the project, by the trial's key."""
    import wandb

    api = wandb.Api()
    path = f"{destination.entity or api.default_entity}/{destination.project}"
    runs = api.runs(path, filters={"config.study": destination.study}, per_page=100, lazy=False)
    found: dict[str, list[_Found]] = {}
    try:
        for run in runs:
            rows, summary = run_totals(run)
            one = _Found(rows=rows, summary=summary)
            found.setdefault(run.config.get("key", ""), []).append(one)
    except ValueError as error:
        if "Could not find project" not in str(error):
            raise
    return found


def _lies_there(destination: Destination, record: Record, rows: Sequence[Row]) -> bool:
    """Return whether the study's folder has exactly one run of the trial, and it is complete."""
    folders = run_folders(destination, record.trial)
    if len(folders) != 1:
        return False
    try:
        found, summary = read_run(folders[0])
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        return False  # a crash interrupted it, so it is written again
    return found == list(rows) and _is_whole(_Found(rows=len(found), summary=summary), record, rows)


def _is_whole(run: _Found, record: Record, rows: Sequence[Row]) -> bool:
    expected = {**summary_of(record), "status": record.status}
    return run.rows == len(rows) and all(
        _same(run.summary.get(name), value) for name, value in expected.items()
    )


def _same(found: Any, value: Any) -> bool:
    if isinstance(value, float) and isinstance(found, (int, float)):
        return math.isclose(found, value, rel_tol=1e-9)
    return bool(found == value)
