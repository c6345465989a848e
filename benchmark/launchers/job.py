"""Several trials one after the other, as the verb ``worker`` runs them.

Every launcher that starts workers by a command has them call `run_job`. There is no connection to
the launching process: records are the outcome. Each trial, or each pack of trials that train as one
network, has a process of its own, as with the local launcher, so that nothing that one leaves
behind reaches the next.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from benchmark.context import Context
from benchmark.edits import has_other_sources
from benchmark.errors import ClaimedError, UsageError
from benchmark.jobs import Job
from benchmark.launchers import Watcher, devices
from benchmark.launchers.pool import Devices, Pool
from benchmark.launchers.prepare import prepare
from benchmark.launchers.server import started_early
from benchmark.prepared import preparations_of
from benchmark.spec import Trial
from benchmark.stacked.packs import packs_of
from benchmark.store import Store

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_INTERRUPTED = 130


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: the running trial is given up, without a record."""


def run_job(
    trials: Sequence[Trial],
    store: Store,
    job: Job,
    watcher: Watcher,
    *,
    say: Callable[[str], None] = lambda text: None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    timeout_seconds: float | None = None,
) -> None:
    """Run `trials`, one after the other; afterwards each has a record.

    Trials that have a result are left alone. Trials claimed by another process come last, when this
    one waits for them. A trial that raises gets a ``failed`` record, and the next one runs. So does
    one whose process crashes twice. Trials train in packs if the job says so; those that an earlier
    attempt has left without a record train alone, so that a fatal one is found.

    Args:
        trials: The trials, planned by the process that made `job`.
        store: The study's folder.
        job: Where modules and data are found.
        watcher: Observer of the trials.
        say: Function that is called with lines on trials that another process has.
        data_dir: Folder of data sets on this machine; None for that of the job.
        cache_dir: Folder of prepared data sets on this machine; None for those of the job.
        timeout_seconds: Time limit of a trial; None for no limit.

    Raises:
        Stopped: Ctrl-C was pressed or SIGTERM was sent; no claim is left.
        UsageError: this machine cannot run the trials: a device is lacking, a plug-in is not
            found or was edited, or the data are others than where the trials were planned.
        DataError: data are unavailable or damaged.
        OSError: a record cannot be written.
    """
    job.enter()
    check_devices(trials)
    check_sources(trials)
    with stoppable(), started_early():
        context = job.context(data_dir=data_dir, cache_dir=cache_dir)
        context = with_data(trials, job.checksums, context)
        gpus = devices.gpu_ids() if any(trial.accelerator == "gpu" for trial in trials) else ()
        slots = Devices(workers=1, gpus=gpus[:1])
        pool = Pool(store, context, slots, watcher, timeout_seconds)
        fresh = [trial for trial in trials if not store.was_begun(trial)]
        packs = packs_of(fresh, job.stack, at_once=1).packs
        if packs:
            pool.run((), packs)
        packed = {trial.key for pack in packs for trial in pack}
        _run_in_turn([t for t in trials if t.key not in packed], store, pool, say)


def _run_in_turn(
    trials: Sequence[Trial], store: Store, pool: Pool, say: Callable[[str], None]
) -> None:
    """Run the trials that no other process has, then wait for the others."""
    waiting = []
    for trial in trials:
        try:
            with store.claim(trial, wait=False):
                pass  # nobody else has it
        except ClaimedError as error:
            say(f"{trial.key}: {error} has it")
            waiting.append(trial)
        else:
            pool.run([trial])
    for trial in waiting:
        say(f"{trial.key}: waiting for the process that has it")
        pool.run([trial])


@contextmanager
def stoppable() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM raise `Stopped` during the block; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop = _Stop()
    before = {signum: signal.signal(signum, stop.note) for signum in _SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)


class _Stop:
    """The handler of the signals, which remembers that one came."""

    def __init__(self) -> None:
        self._seen = False

    def note(self, signum: int, frame: FrameType | None) -> None:
        if self._seen and signum == signal.SIGINT:
            os._exit(_INTERRUPTED)
        if not self._seen:  # otherwise the trial is being ended
            self._seen = True
            raise Stopped(signal.Signals(signum).name)


def check_devices(trials: Sequence[Trial]) -> None:
    """Check that this machine has the devices of `trials`.

    Raises:
        UsageError: it lacks one.
    """
    for accelerator, precision in {(trial.accelerator, trial.precision) for trial in trials}:
        if why := devices.why_not(accelerator, precision):
            raise UsageError(f"no trial with --accelerator {accelerator} can run here: {why}")


def check_sources(trials: Sequence[Trial]) -> None:
    """Check that the files of users' code are here, as they were when `trials` were planned.

    Raises:
        UsageError: a file is not found, or was edited.
    """
    if changed := [trial.key for trial in trials if has_other_sources(trial)]:
        raise UsageError(
            f"the file of an optimizer, model or data set of {changed[0]} is not found here, or "
            "has changed since the trial was planned: run the command that planned it again"
        )


def with_data(trials: Sequence[Trial], checksums: Mapping[str, str], context: Context) -> Context:
    """Prepare the data sets that are not prepared on this machine, and check their checksums.

    Args:
        trials: The trials that need them.
        checksums: SHA-256 of the data sets where the trials were planned, by their names.
        context: Folders of the data.

    Returns:
        The context with the folders of the prepared data sets.

    Raises:
        UsageError: data are others than where the trials were planned.
        DataError: data are unavailable or damaged.
    """
    lacking = [trial for trial in trials if trial.dataset not in context.prepared]
    wanted = preparations_of(lacking)
    prepared = dict(context.prepared)
    for data in prepare(wanted, context) if wanted else ():
        planned = checksums.get(data.dataset, data.checksum)
        if data.checksum != planned:
            raise UsageError(
                f"the data of {data.dataset!r} are others here than where the trials were planned: "
                f"SHA-256 {data.checksum[:12]} instead of {planned[:12]}"
            )
        if data.folder:
            prepared[data.dataset] = data.folder
    return replace(context, prepared=prepared)
