"""The W&B runs of a study, rebuilt from its files; what is there already stays as it is.

The id of a rebuilt run follows from the content of its files: pushing again writes over the same
run, and equal studies of two machines stay apart. W&B refuses the id of a run that was deleted
there, so deleted runs come back under the next id of the same series, again the same every time.
"""

import hashlib
import json
import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmark.callbacks.wandb_run import close_run, digest, open_run, run_folders, summary_of
from benchmark.decode import Row
from benchmark.mirror import Mirror
from benchmark.store import Record, Store

_MOST_DELETIONS = 20  # of one run; each costs a refused request
_RETRIES = 1  # wandb repeats refused requests too: 3 s then, instead of all of INIT_SECONDS
_REFUSED = "previously created and deleted"
_READ_SECONDS = 60


class PushError(Exception):
    """W&B did not take a run; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What became of one record: ``pushed`` now, or ``there`` already, whole and the same."""

    record: Record
    outcome: Literal["pushed", "there"]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A run that W&B has: the number of its rows, and its summary."""

    rows: int
    summary: Mapping[str, Any]


def push(mirror: Mirror, store: Store, records: Sequence[Record]) -> Iterator[Pushed]:
    """Make W&B hold one run for each of `records`, and yield each once it does.

    Raises:
        PushError: wandb or its server fails; what was yielded is there, so start again.
    """
    try:
        found = _on_server(mirror) if mirror.mode == "online" else {}
        for record in records:
            rows = store.metrics(record.trial)
            if mirror.mode == "online":
                is_there = any(
                    _is_whole(run, record, rows) for run in found.get(record.trial.key, ())
                )
            else:
                is_there = _lies_there(mirror, record, rows)
            if not is_there:
                _write(mirror, record, rows)
            yield Pushed(record=record, outcome="there" if is_there else "pushed")
    except PushError:
        raise
    except Exception as error:  # wandb raises whatever its parts raise
        line = " ".join(str(error).split())[:300]
        raise PushError(f"W&B: {type(error).__name__}: {line}") from error


def run_id(record: Record, rows: Sequence[Row], deletions: int = 0) -> str:
    """Return the id of the run of `record`, after so many runs of it were deleted."""
    text = json.dumps([record.to_json(), list(rows)], sort_keys=True)
    content = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{digest(record.trial)}-{content}" + (f"-{deletions + 1}" if deletions else "")


def read_run(folder: Path) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows and the summary of the run in `folder`, by wandb's own reader."""
    from wandb.util import get_core_path  # `wandb leet inspect` does the same, in 1 s, not 0.03 s

    (file,) = folder.glob("*.wandb")
    command = [get_core_path(), "leet", "inspect", "--json", "--no-observability"]
    command += ["--run-file", str(file), str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_READ_SECONDS
    )
    rows: list[Row] = []
    summary: dict[str, Any] = {}
    for record in map(json.loads, done.stdout.splitlines()):
        if record["type"] == "history":
            item = record["history"]["item"]
            rows.append({name: v for name, v in item.items() if not name.startswith("_")})
        elif record["type"] == "summary":
            summary |= record["summary"]["update"]
    return rows, summary


def _write(mirror: Mirror, record: Record, rows: Sequence[Row]) -> None:
    run = _open(mirror, record, rows)
    for row in rows:
        run.log(row)
    close_run(run, summary_of(record), record.status)


def _open(mirror: Mirror, record: Record, rows: Sequence[Row]) -> Any:
    for deletions in range(_MOST_DELETIONS):
        try:
            name = run_id(record, rows, deletions)
            return open_run(mirror, record.trial, name, retries=_RETRIES)
        except Exception as error:
            if _REFUSED not in str(error):
                raise
    raise PushError(
        f"W&B: run {run_id(record, rows)} was deleted {_MOST_DELETIONS} times; "
        "choose another --wandb-project"
    )


def _on_server(mirror: Mirror) -> dict[str, list[_Found]]:
    """Return the runs of this study in the project, by the trial's key."""
    import wandb

    api = wandb.Api()
    path = f"{mirror.entity or api.default_entity}/{mirror.project}"
    runs = api.runs(path, filters={"config.study": mirror.study}, per_page=100, lazy=False)
    found: dict[str, list[_Found]] = {}
    try:
        for run in runs:
            one = _Found(rows=run._attrs["historyLineCount"] or 0, summary=run.summary._json_dict)
            found.setdefault(run.config.get("key", ""), []).append(one)
    except ValueError as error:
        if "Could not find project" not in str(error):
            raise
    return found


def _lies_there(mirror: Mirror, record: Record, rows: Sequence[Row]) -> bool:
    """Whether the study's folder has exactly one run of the trial, and that is whole."""
    folders = run_folders(mirror, record.trial)
    if len(folders) != 1:
        return False
    try:
        found, summary = read_run(folders[0])
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        return False  # broken off by a crash, so it is written again
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
