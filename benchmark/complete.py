"""Completion of a study: the trials that have no result yet are launched, and all records returned.

This is the suite's one loop, whoever asks for it: the verb ``run``, a notebook, a test.
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
from benchmark.request import Request
from benchmark.spec import Study, Trial
from benchmark.store import Record, Store
from datamodules.errors import DataUnavailableError


class StudyWatcher(Protocol):
    """Is told how a study is completed. What it raises ends the completion."""

    def noticed(self, notice: str) -> None:
        """Note that an embedded data set stands in for one that cannot be had."""

    def planned(self, plan: TrialPlan) -> None:
        """Note the trials, before any is run; again, if data turn out unavailable."""

    def prepared(self, data: Prepared) -> None:
        """Note where data come from, once for each data set and model."""

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Return a context in which what `doing` says goes on."""

    def launching(self, trials: Sequence[Trial]) -> AbstractContextManager[Watcher]:
        """Return a context in which `trials` run, and its watcher of each of them."""


class Warner:
    """A study watcher that warns of what may surprise, and says nothing else."""

    def noticed(self, notice: str) -> None:
        """Warn of it."""
        warn(notice, stacklevel=4)

    def planned(self, plan: TrialPlan) -> None:
        """Say nothing."""

    def prepared(self, data: Prepared) -> None:
        """Warn of what its user should know."""
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
    """Run the trials that have no result in `store` yet, and return all records in their order.

    The same call again goes on where it stopped. A trial that another process has for too long has
    no record; one that fails, or that the launcher cannot run, has one that says so.

    Args:
        asked: A request, or a study with the name of the store.
        store: The study's folder.
        launcher: Where trials run; None for this machine.
        watcher: Is told what goes on; None for warnings of what may surprise.

    Raises:
        UsageError: it cannot be carried out, or not in this folder.
        DataError: data cannot be had, or are damaged.
        OSError: a record cannot be written; every record that was written before stays.
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
    """What the steps of a completion have in common."""

    planner: Planner
    store: Store
    launcher: Launcher
    watcher: StudyWatcher
    context: Context

    def run(self, plan: TrialPlan) -> Sequence[Trial]:
        """Run what is missing, and return the trials of the study, on the data that were had."""
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
        """Prepare the data; return the plan on what stands in for data that cannot be had.

        The folders of prepared data come with it, by data set.
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
        """Say where data come from, once, and refuse to mix them with others in one study."""
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
        # Another process, with another machine, may run the trial or have its result.
        with suppress(BlockingIOError), self.store.claim(trial, wait=False):
            if self.store.missing([trial]):
                self.store.begin(trial)
                environment = self.context.environment
                self.store.write(
                    Record(trial=trial, status="skipped", reason=reason, environment=environment)
                )


def _wanted(trials: Sequence[Trial]) -> list[tuple[str, str, bool]]:
    return sorted({(trial.dataset, trial.model, trial.dropout) for trial in trials})
