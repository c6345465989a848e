"""Prepares data sets in a worker, so that the launching process loads no torch for it."""

import math
from collections.abc import Sequence
from multiprocessing.connection import wait

from benchmark.context import Context
from benchmark.launchers.messages import Report
from benchmark.launchers.process import Worker, stop
from benchmark.prepared import Prepared
from datamodules.errors import DataError

_MOST_LOSSES = 5  # of the worker together with its server, before it is given up


def prepare(
    wanted: Sequence[tuple[str, str, bool]],
    context: Context,
    timeout_seconds: float | None = None,
) -> list[Prepared]:
    """Prepare data sets in a worker.

    Args:
        wanted: Data set, model, and whether dropout is on, of each problem.
        context: Where data are.
        timeout_seconds: After which it is given up; None for never.

    Raises:
        DataUnavailableError, DataCorruptError, UsageError, OSError: as the data modules do.
        DataError: it took too long, or its process died.
    """
    names = ", ".join(dict.fromkeys(dataset for dataset, _, _ in wanted))
    for _ in range(_MOST_LOSSES):
        worker = Worker(_prepare, (wanted, context))
        try:
            found = _prepared(worker, names, timeout_seconds or math.inf)
        finally:
            stop([worker])
        if found is not None:
            return found
    raise DataError(f"preparing {names}: its process was lost {_MOST_LOSSES} times; start again")


def _prepared(worker: Worker, names: str, timeout: float) -> list[Prepared] | None:
    """Wait until `worker` has prepared the data; return None if it was lost with its server."""
    while True:
        wait(worker.things_to_wait_for(), timeout=0.5)
        over = not worker.running()  # asked before its last news is read
        for outcome in worker.outcomes():
            if outcome.error is not None:
                raise outcome.error
            return list(outcome.prepared)
        if over:
            break
        if worker.seconds() > timeout:
            raise DataError(
                f"preparing {names} took longer than the {timeout:g} s of --timeout: "
                "give it more time, or put the files into --data-dir"
            )
    if worker.is_lost():
        return None
    raise DataError(f"preparing {names}: its process {worker.death()}")


def _prepare(wanted: Sequence[tuple[str, str, bool]], context: Context, report: Report) -> None:
    from benchmark.launchers.worker import (
        prepare as really_prepare,
    )  # heavy, but loaded before the fork

    really_prepare(wanted, context, report)
