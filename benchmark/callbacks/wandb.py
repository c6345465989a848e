"""The mirror of a trial on Weights & Biases; the files stay the truth, and no error here ends it.

A run is made by `wandb.init(reinit="create_new")` and not by Lightning's WandbLogger, which writes
every run of a process into the first one.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from benchmark.callbacks.curves import Row
from benchmark.callbacks.wandb_run import attempt_id, close_run, open_run, summary_of
from benchmark.mirror import Mirror
from benchmark.spec import Trial
from benchmark.store import Record


class WandbRun:
    """One trial as one W&B run: a context manager that is called with every row.

    A run without ``status`` in its summary was killed: its state proves nothing, for a shared
    wandb-core closes such a run as finished, with exit code 0.

    Args:
        mirror: Where to.
        trial: What is mirrored.
    """

    def __init__(self, mirror: Mirror, trial: Trial) -> None:
        self._mirror = mirror
        self._trial = trial
        self._run: Any = None  # None also after wandb has failed: rows then go nowhere

    def __enter__(self) -> Self:
        self._run = _open(self._mirror, self._trial)
        return self

    def __call__(self, row: Row) -> None:
        """Mirror one row; its axes are columns, for wandb's own step cannot go back."""
        if self._run is None:
            return
        try:
            self._run.log(row)
        except Exception as error:
            _warn(error, "the rest of this run is not mirrored")
            self._run = None

    def finish(self, record: Record) -> None:
        """Write the summary, ``status`` last, and close the run: exit code 0 if it has a result."""
        self._close(summary_of(record), record.status)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        reason = _line(error) if error else "ended without a record"
        self._close({"reason": reason}, "failed")  # does nothing after `finish`

    def _close(self, summary: Mapping[str, Any], status: str) -> None:
        run, self._run = self._run, None
        if run is None:
            return

        try:
            close_run(run, summary, status)
        except Exception as error:
            _warn(error, f"not all was sent; `wandb sync {run.dir}/..` tries again")


def _open(mirror: Mirror, trial: Trial) -> Any:
    """Return a run, or None if there can be none; one offline where one online was refused."""
    try:
        return open_run(mirror, trial, attempt_id(trial))
    except Exception as error:
        _warn(error, "this run is written offline, with a wandb-core of its own")
    os.environ.pop("WANDB_SERVICE", None)  # the shared one may be what has failed
    try:
        return open_run(replace(mirror, mode="offline"), trial, attempt_id(trial))
    except Exception as error:
        _warn(error, "this run is not mirrored")
        return None


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _warn(error: Exception, consequence: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"warning: W&B: {_line(error)}; {consequence}\n")
