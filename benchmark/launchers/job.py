"""Several trials one after the other in this process, as the verb ``worker`` runs them.

Every launcher that starts workers by a command, or by a call on another machine, has them call
`run_job`. There is no connection to the launching process: records are the outcome.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from benchmark.context import Context
from benchmark.edits import has_other_sources
from benchmark.errors import ClaimedError, UsageError
from benchmark.jobs import Job
from benchmark.launchers import Watcher, devices
from benchmark.launchers.log import own_output
from benchmark.launchers.messages import Begun, Message, RunningLoss
from benchmark.launchers.watchers import Shielded
from benchmark.launchers.worker import Reporter, attempt
from benchmark.plugins import prepare_data
from benchmark.spec import Trial
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
) -> None:
    """Run `trials` in this process, one after the other; afterwards each has a record.

    Trials that have a result are left alone. Those that another process has come last, when this
    one waits for them. A trial that raises gets a ``failed`` record, and the next one runs. One
    that ends the process ends the job.

    Args:
        trials: The trials, planned by the process that made `job`.
        store: The study's folder.
        job: Where modules and data are found.
        watcher: Observer of the trials. While one runs, what the observer prints goes to its log.
        say: Function that is called with lines on trials that another process has.
        data_dir: Folder of data sets on this machine; None for that of the job.
        cache_dir: Folder of prepared data sets on this machine; None for those of the job.

    Raises:
        Stopped: Ctrl-C was pressed or SIGTERM was sent; no claim is left.
        UsageError: this machine cannot run the trials: a device is lacking, a plug-in is not
            found or was edited, or the data are others than where the trials were planned.
        DataError: data are unavailable or damaged.
        OSError: a record cannot be written.
    """
    job.enter()
    _check(trials)
    context = _with_data(trials, job, job.context(data_dir=data_dir, cache_dir=cache_dir))
    with stoppable() as check:
        one = _One(store, context, Shielded(watcher), check)
        waiting = []
        for trial in trials:
            try:
                one.run(trial, wait=False)
            except ClaimedError as error:
                say(f"{trial.key}: {error} has it")
                waiting.append(trial)
        for trial in waiting:
            say(f"{trial.key}: waiting for the process that has it")
            one.run(trial, wait=True)


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Have Ctrl-C and SIGTERM raise `Stopped` during the block; in the main thread only.

    Yields:
        A function that raises `Stopped` again if a user's code has swallowed it.
    """
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop.check
        return
    before = {signum: signal.signal(signum, stop.note) for signum in _SIGNALS}
    try:
        yield stop.check
    finally:
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)


class _Stop:
    """The handler of the signals, which remembers that one came."""

    def __init__(self) -> None:
        self._own_pid = os.getpid()
        self._seen = False

    def note(self, signum: int, frame: FrameType | None) -> None:
        is_forked = os.getpid() != self._own_pid  # by a user's code
        if is_forked or (self._seen and signum == signal.SIGINT):
            os._exit(_INTERRUPTED)
        if not self._seen:  # otherwise the claim is being released
            self._seen = True
            raise Stopped(signal.Signals(signum).name)

    def check(self) -> None:
        if self._seen:
            raise Stopped


class _One:
    """A runner of one trial at a time, whose output goes to the trial's log."""

    def __init__(
        self, store: Store, context: Context, watcher: Watcher, check: Callable[[], None]
    ) -> None:
        self._store = store
        self._context = context
        self._watcher = watcher
        self._check = check

    def run(self, trial: Trial, *, wait: bool) -> None:
        def report(message: Message) -> None:
            if isinstance(message, Begun):
                self._watcher.started(trial)
                self._watcher.begun(trial)
            elif isinstance(message, RunningLoss):
                self._watcher.progressed(trial, message.step, message.loss)

        with own_output():
            reporter = Reporter(report, os.getpid(), self._check)
            attempt(trial, self._store, self._context, reporter, wait=wait)
        if (record := self._store.record(trial)) is not None:
            self._watcher.finished(record)


def _check(trials: Sequence[Trial]) -> None:
    for accelerator, precision in {(trial.accelerator, trial.precision) for trial in trials}:
        if why := devices.why_not(accelerator, precision):
            raise UsageError(f"no trial with --accelerator {accelerator} can run here: {why}")
    if changed := [trial.key for trial in trials if has_other_sources(trial)]:
        raise UsageError(
            f"the file of an optimizer, model or data set of {changed[0]} is not found here, or "
            "has changed since the trial was planned: run the command that planned it again"
        )


def _with_data(trials: Sequence[Trial], job: Job, context: Context) -> Context:
    """Prepare the data sets that are not prepared on this machine, and check what they are.

    Returns:
        The context with their folders.
    """
    prepared = dict(context.prepared)
    for dataset in {trial.dataset: None for trial in trials if trial.dataset not in prepared}:
        with own_output():
            os.dup2(2, 1)  # a plug-in must not print into the command's result
            data = prepare_data(dataset, context.data_dir, context.cache_dir)
        wanted = job.checksums.get(dataset, data.checksum)
        if data.checksum != wanted:
            raise UsageError(
                f"the data of {dataset!r} are others here than where the trials were planned: "
                f"SHA-256 {data.checksum[:12]} instead of {wanted[:12]}"
            )
        if data.prepared_folder:
            prepared[dataset] = data.prepared_folder
    return replace(context, prepared=prepared)
