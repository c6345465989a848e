"""Completion of a study: launch the trials that have no result yet, and return all records.

This is the suite's only main loop: the verbs that train, notebooks and tests all call it.
"""

from collections.abc import Sequence, Set
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from warnings import warn

from benchmark.context import Context
from benchmark.declaration import Declaration, read_declaration
from benchmark.environment import cpu_name, environment
from benchmark.errors import ClaimedError, UsageError
from benchmark.jobs import write_job
from benchmark.launchers import (
    DEFAULT,
    Launcher,
    Limits,
    Queued,
    StepTimer,
    Watcher,
    make_launcher,
)
from benchmark.launchers.watchers import Together
from benchmark.planning import Planner, TrialPlan, check_values
from benchmark.prepared import (
    Preparation,
    Prepared,
    check_as_launched,
    check_same_data,
    preparations_of,
)
from benchmark.record import Record
from benchmark.request import Order, Request
from benchmark.spec import Trial
from benchmark.spot_check import spot_check
from benchmark.step_costs import read_step_costs, write_step_costs
from benchmark.store import FINISHED, Store
from benchmark.study import Study
from benchmark.writable import make_folders
from datamodules.errors import DataError, DataUnavailableError
from optimizers.pick import is_import_path


class StudyWatcher(Protocol):
    """An observer of the completion of a study; an exception that it raises ends the completion."""

    def noticed(self, notice: str) -> None:
        """Note that an embedded data set replaces another, or that an edit repeats trials."""

    def planned(self, plan: TrialPlan) -> None:
        """Note the trials before any is run.

        Called again before each further stage, and if data turn out to be unavailable.
        """

    def checked(self, outcome: str) -> None:
        """Note how far off a shipped trial is that was trained again here."""

    def prepared(self, data: Prepared) -> None:
        """Note the origin of the data, once for each data set and model."""

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Return a context for the activity that `doing` describes."""

    def launching(self, trials: Sequence[Trial]) -> AbstractContextManager[Watcher]:
        """Return a context in which `trials` run; it gives the watcher of the single trials."""


class Warner:
    """A study watcher that turns notices into warnings, and prints nothing else."""

    def noticed(self, notice: str) -> None:
        """Warn of it."""
        warn(notice, stacklevel=4)

    def planned(self, plan: TrialPlan) -> None:
        """Say nothing."""

    def checked(self, outcome: str) -> None:
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
    asked: Request | Order | Study,
    store: Store,
    launcher: Launcher | None = None,
    watcher: StudyWatcher | None = None,
) -> list[Record]:
    """Run the trials that have no result in `store` yet, and return all records in trial order.

    Calling this again resumes where it stopped. A trial that fails, or that the launcher cannot
    run, gets a record that says so. A trial that another process holds for too long has no record.

    Args:
        asked: A request, an order of a study, or a study with the name of the store.
        store: The study's folder.
        launcher: The launcher that runs the trials; None for this machine.
        watcher: An observer of the completion; None for a `Warner`.

    Raises:
        UsageError: the request cannot be carried out, or not in this folder, or the launcher can
            run none of the trials.
        SpecError: an optimizer of the request is not valid.
        DataError: data are unavailable or damaged.
        OSError: a record cannot be written; all records written before are kept.
    """
    launcher = launcher or make_launcher(DEFAULT, Limits())
    watcher = watcher or Warner()
    make_folders(store.folder.parent, None if isinstance(asked, Study) else asked.cache_dir)
    planner = Planner(asked, store)
    plan = _noticed(planner.plan(), watcher)
    if not plan.missing and not plan.reused:
        watcher.planned(plan)
        if planner.study.tuned:  # the declaration may be lacking, or be that of another request
            _declare(planner, watcher)
        records = planner.records(plan.trials)
        if untimed := _untimed(store, launcher, records):
            with launcher.warm_up():
                _completion(planner, store, launcher, watcher).time_steps(untimed)
        return records
    planner.check_folders(plan)
    check_values(spec for spec in planner.specs() if is_import_path(spec.name))
    with launcher.warm_up():
        watcher.planned(plan)
        completion = _completion(planner, store, launcher, watcher)
        records = planner.records(completion.run(plan))
        completion.time_steps(_untimed(store, launcher, records))
    return records


def check_runnable(trials: Sequence[Trial], launcher: Launcher) -> None:
    """Check that `launcher` can run some of `trials`; those that it cannot run are skipped later.

    Raises:
        UsageError: the launcher can run none of them; the message has the reasons.
    """
    reasons = _reasons(trials, launcher)
    if all(reasons.values()):
        why = "; ".join(f"--accelerator {place[0]}: {why}" for place, why in reasons.items())
        on_cpu = any(
            place[0] != "cpu" and not launcher.why_not("cpu", place[1]) for place in reasons
        )
        raise UsageError(
            f"no trial can run here: {why}" + "; --accelerator cpu is possible" * on_cpu
        )


def _reasons(trials: Sequence[Trial], launcher: Launcher) -> dict[tuple[str, str], str]:
    """Return by accelerator and precision why trials cannot run, "" for those that can."""
    places = dict.fromkeys((trial.accelerator, trial.precision) for trial in trials)
    return {place: launcher.why_not(*place) for place in places}


def _noticed(plan: TrialPlan, watcher: StudyWatcher) -> TrialPlan:
    for notice in plan.notices:
        watcher.noticed(notice)
    return plan


def _untimed(store: Store, launcher: Launcher, records: Sequence[Record]) -> list[list[Trial]]:
    """Return the contests of a tuned study whose steps were not timed on this machine yet.

    A contest has one trial for each optimizer in one cell, on the first seed, the reference first.
    """
    declaration = read_declaration(store.folder)
    if declaration is None or not declaration.is_tuned or not isinstance(launcher, StepTimer):
        return []
    cpu = cpu_name()
    known = {(e.trial, e.reference) for e in read_step_costs(store.folder) if e.cpu == cpu}
    contests = _contests(declaration, [r.trial for r in records if r.status in FINISHED])
    return [
        trials
        for trials in contests
        if any((each.key, trials[0].key) not in known for each in trials[1:])
    ]


def _contests(declaration: Declaration, trials: Sequence[Trial]) -> list[list[Trial]]:
    chosen = {(*each.place[:3], each.optimizer.text): each.label for each in declaration.chosen}
    by_cell: dict[tuple[Any, ...], dict[str, Trial]] = {}
    for trial in trials:
        if trial.purpose == "evaluation" and trial.seed == declaration.seeds[0]:
            place = (trial.problem, trial.accelerator, trial.precision)
            label = chosen.get((*place, trial.optimizer.text), trial.label)
            by_cell.setdefault(place, {})[label] = trial
    reference = declaration.reference or next(iter(declaration.labels), "")
    return [
        [found.pop(reference), *found.values()]
        for found in by_cell.values()
        if reference in found and len(found) > 1
    ]


def _declare(planner: Planner, watcher: StudyWatcher) -> None:
    for change in planner.declare():
        watcher.noticed(f"NOTICE: the study differs from its declaration: {change}")


def _completion(
    planner: Planner, store: Store, launcher: Launcher, watcher: StudyWatcher
) -> "_Completion":
    context = Context(
        data_dir=planner.data_dir and planner.data_dir.resolve(),
        cache_dir=planner.cache_dir and planner.cache_dir.resolve(),
        environment=environment(),  # starts git
        stack=planner.stack,
    )
    return _Completion(
        planner=planner, store=store, launcher=launcher, watcher=watcher, context=context
    )


@dataclass(kw_only=True)
class _Ready:
    """The data that are ready: what was wanted, and by data set their folders and checksums.

    `origins` has what was said of them. Spot checks were made if `is_checked`.
    """

    wanted: set[Preparation] = field(default_factory=set)
    folders: dict[str, Path] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    origins: set[str] = field(default_factory=set)
    is_checked: bool = False


@dataclass(frozen=True, kw_only=True)
class _Completion:
    """One completion: the state that its steps share."""

    planner: Planner
    store: Store
    launcher: Launcher
    watcher: StudyWatcher
    context: Context
    data: dict[Preparation, list[Prepared]] = field(default_factory=dict)

    def run(self, plan: TrialPlan) -> Sequence[Trial]:
        """Run the missing trials, stage by stage; return all trials, on the data in use.

        A trial without a result after its run is not run again by this completion.
        """
        check_runnable(plan.trials, self.launcher)
        with self.watcher.busy("checking optimizers"):
            self.launcher.check_hyperparameters(self.planner.specs())
        tried: set[str] = set()
        ready = _Ready()
        plan = self._with_baselines(plan, ready, tried)
        while plan.missing:
            if tried:
                self.watcher.planned(plan)
            plan = self._prepare(plan, ready, tried)
            _declare(self.planner, self.watcher)
            tried |= {trial.key for trial in plan.missing}
            self._launch(self._runnable(plan.missing), ready)
            plan = self._with_baselines(self.planner.plan(tried=tried), ready, tried)
        return plan.trials

    def time_steps(self, contests: Sequence[Sequence[Trial]]) -> None:
        """Time the steps of the optimizers of each contest, and keep their costs.

        A contest whose data are not available here is left out, and so are all costs if the folder
        cannot be written: reports then say less, and nothing else changes.
        """
        timer = self.launcher
        for trials in contests:
            assert isinstance(timer, StepTimer)  # otherwise nothing is to be timed
            with suppress(DataError):
                found = self._prepared(preparations_of(trials)[0])
                folders = {each.dataset: each.folder for each in found if each.folder}
                with self.watcher.busy(f"timing steps on {trials[0].problem}"):
                    costs = timer.time_steps(trials, replace(self.context, prepared=folders))
                with suppress(OSError):
                    write_step_costs(self.store.folder, costs)

    def _prepared(self, wanted: Preparation) -> list[Prepared]:
        """Prepare the data that are wanted, unless this completion has done so before."""
        if wanted not in self.data:
            with self.watcher.busy(f"preparing {wanted.dataset}"):
                done = [each for some in self.data.values() for each in some]
                kept = {each.dataset: each.folder for each in done if each.folder}
                self.data[wanted] = self.launcher.prepare(
                    [wanted], replace(self.context, prepared=kept)
                )
        return self.data[wanted]

    def _with_baselines(self, plan: TrialPlan, ready: "_Ready", tried: set[str]) -> TrialPlan:
        """Take over shipped trials, if they are of the same data, after a check of one of them.

        Returns:
            The plan, in which trials on other data are missing.
        """
        available: list[Record] = []
        while plan.reused:
            available, other = self._available(plan.reused)
            if not other:
                break
            self.planner.refuse_shipped(other)
            plan = self.planner.plan(tried=tried)
            self.watcher.noticed(
                f"NOTICE: shipped baselines are of other data of {other}: they are trained here"
            )
            self.watcher.planned(plan)
        if plan.reused:
            if not ready.is_checked:
                self.watcher.checked(self._spot_check(available))
                ready.is_checked = True
            _declare(self.planner, self.watcher)
            self.planner.take_over()
        return plan

    def _available(self, reused: Sequence[Record]) -> tuple[list[Record], str]:
        """Return the shipped trials whose data are available here.

        Returns:
            These, and the name of a data set that is not the same here, "" if all are.
        """
        available: list[Record] = []
        for each in preparations_of([record.trial for record in reused]):
            records = [record for record in reused if record.trial.dataset == each.dataset]
            with suppress(DataUnavailableError):
                found = self._prepared(each)
                if {one.checksum for one in found} != {r.environment.data for r in records}:
                    return [], each.dataset
                available += records
        return available, ""

    def _spot_check(self, reused: Sequence[Record]) -> str:
        """Train the fastest of the shipped trials again; return how far off it is, in words."""
        if not reused:
            return "none, because the data are not available here"
        check = spot_check(reused, self.planner.shipped_curve)
        with (
            TemporaryDirectory() as folder,
            self.watcher.busy(f"training {check.title} again"),
        ):
            store = Store(folder, self.store.study)
            # one trial of some seconds waits in no queue of a cluster
            launcher = self.launcher.here if isinstance(self.launcher, Queued) else self.launcher
            context = replace(self.context, first_steps=check.first_steps)
            launcher([check.trial], store, context, Together())
            return check.outcome(store)

    def _launch(self, trials: Sequence[Trial], ready: "_Ready") -> None:
        context = replace(self.context, prepared=ready.folders, checksums=ready.checksums)
        with self.watcher.busy("rehearsing optimizers"):
            self.launcher.rehearse(self.planner.must_work(trials), context)
        self.store.plan(trials)
        write_job(self.store.folder, context)
        with self.watcher.launching(trials) as watcher:
            self.launcher(trials, self.store, context, watcher)

    def _prepare(self, plan: TrialPlan, ready: "_Ready", tried: Set[str]) -> TrialPlan:
        """Prepare the data that are not ready yet, and note them in `ready`.

        Returns:
            The plan, in which embedded data replace data that are unavailable.
        """
        unavailable: dict[str, str] = {}
        while True:
            for wanted in preparations_of(plan.missing):
                if wanted in ready.wanted:
                    continue
                try:
                    found = self._prepared(wanted)
                except DataUnavailableError as error:
                    if wanted.dataset in unavailable:
                        raise
                    unavailable[wanted.dataset] = str(error)
                    plan = _noticed(self.planner.plan(unavailable, tried=tried), self.watcher)
                    self.watcher.planned(plan)
                    break
                self._take(found, ready)
                ready.wanted.add(wanted)
                ready.folders |= {each.dataset: each.folder for each in found if each.folder}
                ready.checksums |= {each.dataset: each.checksum for each in found}
            else:
                return plan

    def _take(self, found: Sequence[Prepared], ready: "_Ready") -> None:
        """Report the origin of each new data set, and check that the study used no other data."""
        records = self.store.records()
        for prepared in found:
            check_same_data(self.store.study, records, prepared)
            check_as_launched(prepared.dataset, prepared.checksum, ready.checksums)
            if str(prepared) not in ready.origins:
                self.watcher.prepared(prepared)
            ready.origins.add(str(prepared))

    def _runnable(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that the launcher can run; the others get ``skipped`` records."""
        reasons = _reasons(trials, self.launcher)
        for place in dict.fromkeys((t.accelerator, t.precision) for t in trials if _is_tuning(t)):
            if reason := reasons[place]:
                self.watcher.noticed(f"NOTICE: nothing is tuned on {' '.join(place)}: {reason}")
        for trial in trials:
            if reason := reasons[trial.accelerator, trial.precision]:
                self._skip(trial, reason)
        return [t for t in trials if not reasons[t.accelerator, t.precision]]

    def _skip(self, trial: Trial, reason: str) -> None:
        # Another process, on another machine, may run the trial or have its result.
        with suppress(ClaimedError), self.store.claim(trial, wait=False):
            if self.store.needs(trial):
                self.store.begin(trial)
                environment = self.context.environment
                self.store.commit(
                    Record(trial=trial, status="skipped", reason=reason, environment=environment)
                )


def _is_tuning(trial: Trial) -> bool:
    return trial.purpose == "tuning"
