"""Completion of a study: launch the trials that have no result yet, and return all records.

This is the suite's only main loop; the verb ``run``, notebooks and tests all call it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from warnings import warn

from benchmark.context import Context
from benchmark.launchers import Launcher, Limits, Watcher, make_launcher
from benchmark.launchers.watchers import Together
from benchmark.planning import Planner, TrialPlan, check_values, make_folders
from benchmark.prepared import Prepared, check_same_data
from benchmark.record import Record
from benchmark.request import Request
from benchmark.spec import Study, Trial
from benchmark.store import Store
from datamodules.errors import DataUnavailableError


class StudyWatcher(Protocol):
    """An observer of the completion of a study; an exception that it raises ends the completion."""

    def noticed(self, notice: str) -> None:
        """Note that an embedded data set replaces an unavailable one."""

    def planned(self, plan: TrialPlan) -> None:
        """Note the trials before any is run; called again if data turn out to be unavailable."""

    def prepared(self, data: Prepared) -> None:
        """Note the origin of the data, once for each data set and model."""

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Return a context for the activity that `doing` describes."""

    def launching(self, trials: Sequence[Trial]) -> AbstractContextManager[Watcher]:
        """Return a context in which `trials` run; it gives the watcher of the single trials."""


class Warner:
    """A study watcher that warns of replaced data and of notices, and prints nothing else."""

    def noticed(self, notice: str) -> None:
        """Warn of the replaced data set."""
        warn(notice, stacklevel=4)

    def planned(self, plan: TrialPlan) -> None:
        """Say nothing."""

    def prepared(self, data: Prepared) -> None:
        """Warn of the notices of a data set."""
        for notice in data.notices:
            warn(notice, stacklevel=4)

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Say nothing."""
        return nullcontext()

    def launching(self, trials: Sequence[Trial]) -> AbstractContextManager[Watcher]:
        """Say nothing."""
        return nullcontext(Together())


def complete(
    asked: Request | Study,
    store: Store,
    launcher: Launcher | None = None,
    watcher: StudyWatcher | None = None,
) -> list[Record]:
    """Run the trials that have no result in `store` yet, and return all records in trial order.

    Calling this again resumes where it stopped. A trial that fails, or that the launcher cannot
    run, gets a record that says so. A trial that another process holds for too long has no record.

    Args:
        asked: A request, or a study with the name of the store.
        store: The study's folder.
        launcher: The launcher that runs the trials; None for this machine.
        watcher: An observer of the completion; None for a `Warner`.

    Raises:
        UsageError: the request cannot be carried out, or not in this folder.
        DataError: data are unavailable or damaged.
        OSError: a record cannot be written; all records written before are kept.
    """
    launcher = launcher or make_launcher("local", Limits())
    watcher = watcher or Warner()
    make_folders(store.folder.parent, asked.cache_dir if isinstance(asked, Request) else None)
    planner = Planner(asked, store)
    plan = _noticed(planner.plan(), watcher)
    if not plan.missing:
        watcher.planned(plan)
        return planner.records(plan.trials)
    planner.check_folders(plan)
    check_values(spec for spec in planner.specs() if "." in spec.name)
    with launcher.warm_up():
        watcher.planned(plan)
        trials = _completion(planner, store, launcher, watcher).run(plan)
    return planner.records(trials)


def _noticed(plan: TrialPlan, watcher: StudyWatcher) -> TrialPlan:
    for notice in plan.notices:
        watcher.noticed(notice)
    return plan


def _completion(
    planner: Planner, store: Store, launcher: Launcher, watcher: StudyWatcher
) -> "_Completion":
    from benchmark.environment import environment  # starts git

    context = Context(
        data_dir=planner.data_dir and planner.data_dir.resolve(),
        cache_dir=planner.cache_dir and planner.cache_dir.resolve(),
        environment=environment(),
    )
    return _Completion(
        planner=planner, store=store, launcher=launcher, watcher=watcher, context=context
    )


@dataclass(frozen=True, kw_only=True)
class _Completion:
    """One completion: the state that its steps share."""

    planner: Planner
    store: Store
    launcher: Launcher
    watcher: StudyWatcher
    context: Context

    def run(self, plan: TrialPlan) -> Sequence[Trial]:
        """Run the missing trials, and return all trials of the study on the data in use."""
        with self.watcher.busy("checking optimizers"):
            self.launcher.check_hyperparameters(self.planner.specs())
        plan, folders = self._prepare(plan)
        context = replace(self.context, prepared=folders)
        runnable = self._runnable(self.planner.missing(plan.trials))
        with self.watcher.busy("rehearsing optimizers"):
            self.launcher.rehearse(runnable, context)
        with self.watcher.launching(runnable) as watcher:
            self.launcher(runnable, self.store, context, watcher)
        return plan.trials

    def _prepare(self, plan: TrialPlan) -> tuple[TrialPlan, dict[str, Path]]:
        """Prepare the data; return the plan and the folders of prepared data by data set.

        In the plan, embedded data replace data that are unavailable.
        """
        unavailable: dict[str, str] = {}
        known: set[str] = set()
        folders: dict[str, Path] = {}
        while True:
            for dataset, model, dropout in _wanted(plan.missing):
                try:
                    with self.watcher.busy(f"preparing {dataset}"):
                        found = self.launcher.prepare([(dataset, model, dropout)], self.context)
                except DataUnavailableError as error:
                    if dataset in unavailable:
                        raise
                    unavailable[dataset] = str(error)
                    plan = _noticed(self.planner.plan(unavailable), self.watcher)
                    self.watcher.planned(plan)
                    break
                self._take(found, known)
                folders |= {each.dataset: each.folder for each in found if each.folder}
            else:
                return plan, folders

    def _take(self, found: Sequence[Prepared], known: set[str]) -> None:
        """Report the origin of each new data set, and check that the study used no other data."""
        for prepared in found:
            check_same_data(self.store.study, self.store.records(), prepared)
            if str(prepared) not in known:
                self.watcher.prepared(prepared)
            known.add(str(prepared))

    def _runnable(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that the launcher can run; the others get ``skipped`` records."""
        reasons = {
            place: self.launcher.why_not(*place)
            for place in {(trial.accelerator, trial.precision): None for trial in trials}
        }
        for trial in trials:
            if reason := reasons[trial.accelerator, trial.precision]:
                self._skip(trial, reason)
        return [t for t in trials if not reasons[t.accelerator, t.precision]]

    def _skip(self, trial: Trial, reason: str) -> None:
        # Another process, on another machine, may run the trial or have its result.
        with suppress(BlockingIOError), self.store.claim(trial, wait=False):
            if self.store.missing([trial]):
                self.store.begin(trial)
                environment = self.context.environment
                self.store.write(
                    Record(trial=trial, status="skipped", reason=reason, environment=environment)
                )


def _wanted(trials: Sequence[Trial]) -> list[tuple[str, str, bool]]:
    return sorted({(trial.dataset, trial.model, trial.dropout) for trial in trials})
