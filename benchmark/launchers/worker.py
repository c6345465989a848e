"""The work of a worker process of any launcher: claim a trial, run it, commit its record.

A callable takes the reports to the launcher; there is no other connection. Each function here
needs a process of its own, because it redirects the output of the process.
"""

import os
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import torch._dynamo  # noqa: F401  # the first optimizer would import it, 2 s in every worker

from benchmark.allocation import keep_freed_memory
from benchmark.axes import STEP
from benchmark.callbacks.curves import Row
from benchmark.context import Context
from benchmark.errors import ClaimedError, UsageError
from benchmark.launchers.log import drop_empty, kept_bounded, redirect_output, share_log, uncut
from benchmark.launchers.messages import Begun, Message, Outcome, Report, RunningLoss
from benchmark.metrics import RUNNING
from benchmark.plain_text import error_line, plain
from benchmark.plugins import check_fit, prepare_data
from benchmark.prepared import Preparation, Prepared
from benchmark.record import Record
from benchmark.rehearsal import rehearse as rehearse_one
from benchmark.runner import run, set_up_data
from benchmark.spec import Trial
from benchmark.stacked.run import run_pack
from benchmark.step_timing import time_steps as really_time_steps
from benchmark.store import LOG, Store
from datamodules.errors import DataError, DataWarning
from optimizers.errors import SpecError
from optimizers.grammar import build_once
from optimizers.pick import is_import_path
from optimizers.spec import OptimizerSpec

_SECONDS_BETWEEN_REPORTS = 0.2
keep_freed_memory()  # of this process and of those that are forked from it


def work(trial: Trial, store: Store, context: Context, report: Report) -> None:
    """Run `trial` unless another process finishes it first; afterwards `store` has its record.

    An exception of the trial becomes a ``failed`` record.

    Raises:
        OSError: the record cannot be written.
    """
    reporter = Reporter(report, os.getpid())
    with store.claim(trial) as folder:
        if store.needs(trial):  # otherwise log.txt belongs to the process that finished it
            log = folder / "log.txt"
            redirect_output(log)
            with kept_bounded(log):
                store.begin(trial)
                reporter.tell(Begun())
                store.commit(_run(trial, context, folder, reporter))
            drop_empty(log)


def work_pack(trials: Sequence[Trial], store: Store, context: Context, report: Report) -> None:
    """Run `trials` as one network, and commit their records at its end, one by one.

    Those that another process has, or has finished, are left out. If fewer than two are left, or
    the pack fails, none gets a record; a failure is reported. Each has the output of the whole pack
    as its log.

    Args:
        trials: Trials that can be one pack.
        store: The study's folder.
        context: Folders of the data, and the environment for the records.
        report: Function that receives running losses and a failure.

    Raises:
        OSError: a record cannot be written.
    """
    with ExitStack() as claims:
        free = {
            place: trial for place, trial in enumerate(trials) if _is_free(trial, store, claims)
        }
        if len(free) < 2:
            return
        folders = [store.trial_folder(trial) for trial in free.values()]
        for folder in folders:
            (folder / LOG).unlink(missing_ok=True)  # of an attempt that failed
        log = folders[0] / LOG
        redirect_output(log)
        with kept_bounded(log):
            for trial in free.values():
                store.begin(trial)
            _tell(report, Begun())
            _commit_pack(free, store, context, report)
        drop_empty(log)
        share_log(log, folders[1:])


def _is_free(trial: Trial, store: Store, claims: ExitStack) -> bool:
    """Claim `trial` unless another process has it; return whether it is ours and has no result."""
    try:
        claims.enter_context(store.claim(trial, wait=False))
    except ClaimedError:
        return False
    return store.needs(trial)


def _commit_pack(
    trials: Mapping[int, Trial], store: Store, context: Context, report: Report
) -> None:
    own_pid = os.getpid()
    pause = _SECONDS_BETWEEN_REPORTS * len(trials)  # so that a pack reports as often as one trial
    reporters = {
        trial.key: Reporter(report, own_pid, place=place, pause=pause)
        for place, trial in trials.items()
    }
    own = list(trials.values())
    try:
        records = run_pack(
            own,
            context,
            folders=[store.trial_folder(trial) for trial in own],
            watch=lambda trial, row: reporters[trial.key](row),
        )
    except BaseException as error:  # as in `_run`
        _leave_if_forked(own_pid)
        with suppress(Exception), uncut():
            traceback.print_exc()
        _tell(report, Outcome(error=_portable(error)))
        return
    _leave_if_forked(own_pid)
    for record in records:
        store.commit(record)


def prepare(wanted: Sequence[Preparation], context: Context, report: Report) -> None:
    """Prepare data sets and test users' models on them; report the data sets or the error.

    Args:
        wanted: One per problem.
        context: Folders of the data.
        report: Function that receives the outcome.
    """
    own_pid = os.getpid()
    _tell(report, Begun())
    outcome = _prepare(wanted, context)
    _leave_if_forked(own_pid)
    report(outcome)


def check_hyperparameters(specs: Sequence[OptimizerSpec], report: Report) -> None:
    """Build each optimizer once; report the error if a class refuses a hyperparameter."""
    try:
        build_once(specs)
    except SpecError as error:
        report(Outcome(error=error))
    else:
        report(Outcome())


def rehearse(trials: Sequence[Trial], context: Context, report: Report) -> None:
    """Rehearse `trials` until one fails, and report the outcome of each.

    Args:
        trials: Trials of users' optimizers.
        context: Folders of the data.
        report: Function that receives the outcomes.
    """
    own_pid = os.getpid()
    redirect_output(Path(os.devnull))
    for trial in trials:
        outcome = _rehearsed(trial, context)
        _leave_if_forked(own_pid)
        report(outcome)
        if outcome.error is not None:
            break


def time_steps(trials: Sequence[Trial], context: Context, report: Report) -> None:
    """Time the steps of `trials` in turn, the reference's first, and report their costs."""
    own_pid = os.getpid()
    redirect_output(Path(os.devnull))
    try:
        outcome = Outcome(step_costs=tuple(really_time_steps(trials, context)))
    except BaseException as error:  # as in `_prepare`
        outcome = Outcome(error=_portable(error))
    _leave_if_forked(own_pid)
    report(outcome)


def _prepare(wanted: Sequence[Preparation], context: Context) -> Outcome:
    os.dup2(2, 1)  # a plug-in must not print into the command's result
    try:
        return Outcome(prepared=tuple(_prepared(each, context) for each in wanted))
    except BaseException as error:  # a plug-in may raise anything
        return Outcome(error=_portable(error))


def _leave_if_forked(own_pid: int) -> None:
    """End this process if a user's code forked it and let it return here: it is not the worker."""
    if os.getpid() != own_pid:
        os._exit(0)


class Reporter:
    """A sink that reports running losses to the launcher, at most a few times a second.

    Args:
        report: Function that receives the messages.
        own_pid: Id of the worker's process; a process with another id was forked by a user's code
            and is ended.
        place: Which trial of a pack it reports.
        pause: Seconds between two reports.
    """

    def __init__(
        self,
        report: Report,
        own_pid: int,
        *,
        place: int = 0,
        pause: float = _SECONDS_BETWEEN_REPORTS,
    ) -> None:
        self._report = report
        self._own_pid = own_pid
        self._place = place
        self._pause = pause
        self._last = 0.0

    def __call__(self, row: Row) -> None:
        """Report the running loss of a row, if it has one."""
        self.check()  # before any other sink gets the row
        now = time.perf_counter()
        if RUNNING in row and now - self._last > self._pause:
            self._last = now
            self.tell(RunningLoss(step=int(row[STEP]), loss=row[RUNNING], place=self._place))

    def tell(self, message: Message) -> None:
        """Report `message`, unless the launcher is gone."""
        _tell(self._report, message)

    def check(self) -> None:
        """End a process that a user's code forked."""
        _leave_if_forked(self._own_pid)


def _run(trial: Trial, context: Context, folder: Path, reporter: Reporter) -> Record:
    try:
        record = run(trial, context, folder=folder, watch=reporter)
    except BaseException as error:  # a trial may itself raise SystemExit or KeyboardInterrupt
        reporter.check()
        with suppress(Exception), uncut():
            traceback.print_exc()
        reason = f"{error_line(error, 200)} (traceback in {folder / 'log.txt'})"
        return Record(trial=trial, status="failed", reason=reason, environment=context.environment)
    reporter.check()
    return record


def _tell(report: Report, message: Message) -> None:
    with suppress(OSError):  # the launcher is gone, or the trial closed the pipe
        report(message)


def _prepared(wanted: Preparation, context: Context) -> Prepared:
    dataset, model = wanted.dataset, wanted.model
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        kept = context.prepared.get(dataset)
        data = prepare_data(dataset, context.data_dir, context.cache_dir, kept)
    notices = [str(each.message) for each in caught if issubclass(each.category, DataWarning)]
    if is_import_path(dataset) or is_import_path(model):
        check_fit(model, data, wanted.dropout)
    return Prepared(
        dataset=dataset,
        checksum=data.checksum,
        origin=data.origin,
        notices=tuple(notices),
        folder=data.prepared_folder,
    )


def _portable(error: BaseException) -> Exception:
    """Return `error` if the launcher knows its class, otherwise a UsageError with its message."""
    if isinstance(error, (DataError, OSError)) and error.__class__.__module__.split(".")[0] in (
        "datamodules",
        "builtins",
    ):
        return error
    return UsageError(plain(error, 1_000) if isinstance(error, UsageError) else error_line(error))


def _rehearsed(trial: Trial, context: Context) -> Outcome:
    try:
        rehearse_one(trial, set_up_data(trial, context))
    except BaseException as error:  # as in `_prepare`
        return Outcome(error=_portable(error))
    return Outcome()
