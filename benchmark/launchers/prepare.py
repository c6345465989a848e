"""Preparation of data sets in a worker, so that the launching process need not load torch."""

import math
from collections.abc import Sequence
from multiprocessing.connection import wait

from benchmark.context import Context
from benchmark.launchers.messages import Report
from benchmark.launchers.process import Worker, stop
from benchmark.prepared import Preparation, Prepared
from datamodules.errors import DataError

_MOST_LOSSES = 5  # times the worker may be lost with its server before this gives up


def prepare(
    wanted: Sequence[Preparation],
    context: Context,
    timeout_seconds: float | None = None,
) -> list[Prepared]:
    """Prepare data sets in a worker.

    Args:
        wanted: One per problem.
        context: Folders of the data.
        timeout_seconds: Time limit; None for no limit.

    Raises:
        DataUnavailableError, DataCorruptError, UsageError, OSError: raised by a data module.
        DataError: the preparation took too long, or its process died.
    """
    names = ", ".join(dict.fromkeys(each.dataset for each in wanted))
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
        over = not worker.running()  # checked before its last messages are read
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


def _prepare(wanted: Sequence[Preparation], context: Context, report: Report) -> None:
    from benchmark.launchers.worker import (
        prepare as really_prepare,
    )  # loads torch, which the server has already loaded

    really_prepare(wanted, context, report)
