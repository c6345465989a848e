"""Planning of a study: from a request to the trials to run, on the data that are available."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from benchmark.context import Stack
from benchmark.declaration import FILE, Chosen, Declaration, read_declaration
from benchmark.declaring import declared, expected, other_problems, spoiling, with_outcomes
from benchmark.decode import Row
from benchmark.edits import edit_notice, has_sources
from benchmark.errors import UsageError
from benchmark.estimates import bytes_to_prepare, estimate_bytes
from benchmark.margins import TUNING_SEEDS, MarginBasis
from benchmark.metrics import CONFIRMATORY
from benchmark.obstacles import changed_after_results, obstacles
from benchmark.plan_words import (
    contest_words,
    contestants,
    defaults_notices,
    looks_words,
    reuse_words,
    settings_words,
)
from benchmark.protocols.base import Stage
from benchmark.record import Record
from benchmark.request import Order, Request
from benchmark.shipped import Shipped
from benchmark.spec import Cell, Trial, Workload
from benchmark.store import FINISHED, Store
from benchmark.study import Study
from benchmark.writable import check_writable
from datamodules.errors import DataUnavailableError
from datamodules.folders import default_cache_dir
from datamodules.places import which_unavailable
from datamodules.registry import DATASETS
from optimizers.grammar import build_once
from optimizers.pick import is_import_path
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """The trials of a study.

    Args:
        trials: All trials, in their order.
        missing: Trials without a result on record.
        contestants: The optimizers and what each of them tunes, in words; empty without tuning.
        doing: The purpose of the missing trials, such as "tuning"; empty if there is just one.
        later: Examples of the trials that will follow these, as many as are foreseen, with the
            number of each.
        num_bytes: Estimated disk space of the missing trials and of the data that they need.
        notices: New lines for the user: one for each data set that an embedded one replaces, and
            one on edited files of plug-ins that make trials run again, and one for each problem on
            optimizers that have no baseline there.
        widened: New lines on ranges that were widened.
        reused: Records of shipped baselines that are to be taken over.
        origins: Lines on settings and trials of shipped baselines that the study uses.
        rules: Lines on what is compared with what, and on the looks that are declared.
        obstacles: Lines on what will keep the study from verdicts, each with its cure.
        stack: Trials that may train as one network.
    """

    trials: tuple[Trial, ...]
    missing: tuple[Trial, ...]
    contestants: tuple[str, ...] = ()
    doing: str = ""
    later: tuple[tuple[Trial, int], ...] = ()
    num_bytes: int = 0
    notices: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    reused: tuple[Record, ...] = ()
    origins: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    stack: Stack = "off"


class Planner:
    """The planner of a study, which also plans again when data turn out to be unavailable.

    Each result on record is read only once and is kept.

    Args:
        asked: A request, whose data sets may be replaced by embedded ones; or a study, whose data
            sets are never replaced, and whose trials train alone unless an order says otherwise.
        store: The study's folder.

    Raises:
        UsageError: the request cannot be carried out, or the study and the store differ in name.
    """

    def __init__(self, asked: Request | Order | Study, store: Store) -> None:
        request = asked if isinstance(asked, Request) else None
        order = Order(wanted=asked, stack="off") if isinstance(asked, Study) else asked
        self.study = asked if isinstance(asked, Study) else order.study(store.study)
        self.data_dir, self.cache_dir = order.data_dir, order.cache_dir
        self.stack: Stack = order.stack
        self._stand_ins = request.stand_ins() if request else {}
        if self.study.name != store.study:
            raise UsageError(
                f"study {self.study.name!r} needs a store of that name, got {store.folder}"
            )
        self._store = store
        self._results: dict[str, Record] = {}
        reuses = request is not None and request.reuse_baselines
        self._shipped = Shipped(request.trained_here()) if request and reuses else None
        self._reused: dict[str, Record] = {}
        self._reference = request.reference if request else ""
        self._looks = (request.stages or 0) if request else 0
        self._settled: list[Workload] = list(self.study.workloads)
        self._declared: tuple[Workload, ...] = ()
        self._last: dict[Cell, Stage] = {}
        self._unavailable: dict[str, str] = {}
        self._noticed: set[str] = set()
        self._is_planned = False

    def declare(self) -> tuple[str, ...]:
        """Declare the study in its folder; return how it differs from what was declared before.

        The outcomes of searches that have ended are added.

        Raises:
            UsageError: the declaration in the folder is damaged.
            OSError: it cannot be written.
        """
        changes = self._declare_once()
        found = read_declaration(self._store.folder)
        reference = (found.reference or next(iter(found.labels), "")) if found else ""
        stages = [stage for workload in self._settled for stage in self._stages(workload)]
        chosen = [each for stage in stages for each in stage.chosen]
        fixed = found.margins if found else {}
        bases = {
            each.problem: basis
            for each in reversed(chosen)
            if each.label == reference and each.problem not in fixed
            if (basis := self._margin_basis(each))
        }
        margins = {problem: basis.margin for problem, basis in bases.items()}
        _, replaced = with_outcomes(
            self._store.folder, chosen, margins, self._purposes, bases=bases
        )
        # Without a search, a study is an open collection of trials: reports list its changes.
        return (*(changes if self.study.tuned else ()), *replaced)

    def _margin_basis(self, reference: Chosen) -> MarginBasis | None:
        """Return what the margin of a problem is derived from; None if nothing is known.

        It is the shipped evaluation of the reference, if there is one, and otherwise the values of
        the chosen point on tuning seeds.
        """
        place = (reference.problem, reference.accelerator, reference.precision)
        shipped = self._shipped or Shipped()
        for cell in self._cells(self._settled):
            if (cell.workload.problem, cell.accelerator, cell.precision) == place:
                records = shipped.reference_records(cell, reference)
                known = [r.metrics[CONFIRMATORY] for r in records if CONFIRMATORY in r.metrics]
                if len(known) > 1:
                    label = records[0].trial.label
                    source = shipped.baselines.source
                    return MarginBasis.of(known, source=source, optimizer=label)
        if not reference.values:
            return None
        label = reference.optimizer.label
        return MarginBasis.of(reference.values, source=TUNING_SEEDS, optimizer=label)

    def take_over(self) -> None:
        """Write the shipped trials that the plans so far reuse to the study's folder.

        Raises:
            OSError: a file cannot be written.
        """
        for record in self._reused.values():
            self._store.add(record, self.shipped_curve(record.trial))
        self._reused.clear()

    def shipped_curve(self, trial: Trial) -> list[Row]:
        """Return the curve of a trial that has a shipped record; empty without baselines."""
        return self._shipped.curve(trial) if self._shipped else []

    def refuse_shipped(self, dataset: str) -> None:
        """Reuse no shipped trials on a data set, not even those that were planned."""
        if self._shipped is not None:
            self._shipped.refuse(dataset)
        for key in [k for k, r in self._reused.items() if r.trial.dataset == dataset]:
            del self._reused[key], self._results[key]
        self._last.clear()

    def _declare_once(self) -> tuple[str, ...]:
        """Declare the study as it is asked for, unless this was done with the same data.

        Processes with other wishes for the study then each note their change once.
        """
        workloads, folder = tuple(self._settled), self._store.folder
        if self._declared == workloads and (folder / FILE).exists():
            return ()
        _, changes = declared(folder, self._asked(), self._purposes)
        self._declared = workloads
        return changes

    def spoiling(self) -> tuple[str, ...]:
        """Return the changes for which the study would give no verdicts any more.

        Raises:
            UsageError: the declaration in the folder is damaged.
        """
        self.plan()  # finds the data in use
        return spoiling(self._store.folder, self._asked(), self._purposes)

    def other_problems(self) -> tuple[str, ...]:
        """Return the change of problems if the study has results, on others than are asked for.

        The problems are those of the last plan, with embedded data in place of unavailable data.

        Raises:
            UsageError: the declaration in the folder is damaged.
        """
        return other_problems(self._store.folder, self._asked(), self._purposes)

    def _asked(self) -> Declaration:
        """Return the declaration of the study as it is asked for, with the data in use."""
        study = replace(self.study, workloads=tuple(self._settled))
        return study.declaration(self._reference, self._looks)

    def _purposes(self) -> list[str]:
        """Return the purposes of all trials of the study that have a result."""
        found = self._store.records()
        return [record.trial.purpose for record in found if record.status in FINISHED]

    def specs(self) -> list[OptimizerSpec]:
        """Return the optimizers of the study."""
        return list(self.study.protocol.specs())

    def must_work(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return those of `trials` whose optimizers may not fail: all that are trained as given.

        Of optimizers that are tuned, these are the defaults. Another point that fails counts as
        worst, as one that diverges does.
        """
        if self.study.tuned is None:
            return list(trials)
        defaults = set(self.specs())
        return [t for t in trials if t.purpose == "tuning" and t.optimizer in defaults]

    def plan(
        self, unavailable: Mapping[str, str] | None = None, *, tried: Set[str] = frozenset()
    ) -> TrialPlan:
        """Return the trials to run, with embedded data in place of unavailable data.

        With a protocol of several stages, these are the trials of the stages reached so far.

        Args:
            unavailable: Reasons by the name of a data set that turned out to be unavailable.
            tried: Keys of trials that have run and are not missing, even without a result.

        Raises:
            DataUnavailableError: data are unavailable and must not be replaced.
        """
        self._unavailable |= unavailable or {}
        workloads, notices = self._settle(self._unavailable)
        self._settled = workloads
        new = self._news(notices)
        cells = self._cells(workloads)
        stages = [self._stage(cell) for cell in cells]
        trials = _each_once(stages)
        settled = {trial.key for stage in stages for trial in self._settled_failures(stage)}
        missing = [t for t in self.missing(trials) if t.key not in tried | settled]
        waiting = {trial.key for trial in missing}
        doing = (s.doing for s in stages if any(trial.key in waiting for trial in s.trials))
        edited = [] if self._is_planned else self._edit_notice(missing)
        self._is_planned = True
        rules, problems = self._rules(stages)
        return TrialPlan(
            trials=tuple(trials),
            missing=tuple(missing),
            contestants=contestants(self.study),
            doing=" and ".join(filter(None, dict.fromkeys(doing))),
            later=tuple(
                (stage.trials[0], count)
                for cell, stage in zip(cells, stages, strict=True)
                if (count := self._later(cell, stage))
            ),
            num_bytes=estimate_bytes(missing, self.data_dir, self.cache_dir),
            notices=(*new, *edited),
            widened=self._news(each for stage in stages for each in stage.widened),
            reused=tuple(self._reused.values()),
            origins=(*settings_words(self.study, self._cells(workloads)), *self._reuse_words()),
            rules=rules,
            obstacles=problems,
            stack=self.stack,
        )

    def _news(self, notices: Iterable[str]) -> tuple[str, ...]:
        """Return those of `notices` that were not returned before."""
        new = tuple(dict.fromkeys(each for each in notices if each not in self._noticed))
        self._noticed.update(new)
        return new

    def _later(self, cell: Cell, stage: Stage) -> int:
        """Return the probable number of trials to come in a cell, without those that are shipped.

        These are found as if each optimizer were tuned alone, so that no other one's results widen
        its range.
        """
        tuned = self.study.tuned
        if not stage.later or tuned is None or self._shipped is None:
            return stage.later
        alone = (
            replace(tuned, tunables=(each,)).stage(cell, self._result) for each in tuned.tunables
        )
        found = {trial.key: trial for one in alone for trial in one.trials}
        to_come = [found[key] for key in found.keys() - {trial.key for trial in stage.trials}]
        return max(0, stage.later - sum(self._result(trial) is not None for trial in to_come))

    def _result(self, trial: Trial) -> Record | None:
        """Return the result of a trial, here or shipped, without planning to take it over."""
        record = self._results.get(trial.key) or self._store.record(trial)
        if record is not None and record.status in FINISHED:
            return record
        return self._shipped.record(trial) if self._shipped else None

    def _settled_failures(self, stage: Stage) -> list[Trial]:
        """Return the failed tuning trials of a cell whose searches have ended.

        They count as worst and are not tried again, because a result now could choose other
        hyperparameters after evaluation results were seen.
        """
        tuning = [trial for trial in stage.trials if trial.purpose == "tuning" and stage.chosen]
        found = [(trial, self._record(trial)) for trial in tuning]
        return [trial for trial, record in found if record and record.status == "failed"]

    def _rules(self, stages: Sequence[Stage]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the lines on what is compared, and on what will keep the study from verdicts."""
        found = expected(self._store.folder, self._asked())
        chosen = (*found.chosen, *(each for stage in stages for each in stage.chosen))
        outcomes = {each.place: each for each in chosen}.values()
        if not (found.tuning or outcomes):
            return (), ()
        changes = spoiling(self._store.folder, self._asked(), self._purposes)
        every = (*obstacles(found, outcomes), *changed_after_results(changes))
        lines = tuple(each.words for each in every)
        return (*contest_words(found), *looks_words(found)), lines

    def _cells(self, workloads: Sequence[Workload]) -> list[Cell]:
        return [cell for workload in workloads for cell in self.study.cells(workload)]

    def _reuse_words(self) -> list[str]:
        source = self._shipped.baselines.source if self._shipped else ""
        return reuse_words(self._reused.values(), source)

    def _edit_notice(self, missing: Sequence[Trial]) -> list[str]:
        concerned = [trial for trial in missing if has_sources(trial)]
        if not concerned:
            return []
        finished = (r.trial for r in self._store.records() if r.status in FINISHED)
        return list(filter(None, [edit_notice(concerned, finished)]))

    def missing(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials without a result; results that were found before are not read again."""
        for trial in trials:
            self._record(trial)
        return [trial for trial in trials if trial.key not in self._results]

    def _record(self, trial: Trial) -> Record | None:
        """Return the record of `trial`, whatever its status; None if it has none."""
        if trial.key in self._results:
            return self._results[trial.key]
        record = self._store.record(trial)
        if record is not None and record.status in FINISHED:
            self._results[trial.key] = record
        elif self._shipped and (shipped := self._shipped.record(trial)):
            self._results[trial.key] = self._reused[trial.key] = shipped
            return shipped
        return record

    def records(self, trials: Sequence[Trial]) -> list[Record]:
        """Return the existing records of `trials`, whatever their status."""
        return [record for record in map(self._record, trials) if record is not None]

    def check_here(self, plan: TrialPlan) -> None:
        """Make the checks of a launcher in this process, which loads torch for them.

        Raises:
            UsageError: an optimizer, model or data set breaks its contract, or a folder cannot be
                written.
        """
        check_values(self.specs())
        self._check_plugins()
        self.check_folders(plan)

    def check_folders(self, plan: TrialPlan) -> None:
        """Check that the trials can write to their folders, and leave nothing behind.

        Raises:
            UsageError: the study's folder, or that of data still to be prepared, cannot be written.
        """
        if plan.missing or plan.reused:
            check_writable(self._store.folder)
        datasets = {trial.dataset for trial in plan.missing}
        if any(bytes_to_prepare(name, self.data_dir, self.cache_dir) for name in datasets):
            check_writable(self.cache_dir or default_cache_dir())

    def _check_plugins(self) -> None:
        models = {w.model for w in self.study.workloads if is_import_path(w.model)}
        datasets = {w.dataset for w in self.study.workloads if is_import_path(w.dataset)}
        if models or datasets:
            from benchmark.plugins import data_module_class, model_class  # loads Lightning

            for name in sorted(models):
                model_class(name)
            for name in sorted(datasets):
                data_module_class(name)

    def _settle(self, unavailable: Mapping[str, str]) -> tuple[list[Workload], list[str]]:
        """Return the workloads to run, and a notice for each data set that is replaced."""
        missing = self._without_data(unavailable)
        notices: dict[str, str] = {}
        workloads = {}
        for asked in self.study.workloads:
            workload = asked
            if reason := missing.get(asked.problem):
                if asked.problem not in self._stand_ins:
                    raise DataUnavailableError(reason)
                workload = self._stand_ins[asked.problem]
                notices[asked.problem] = (
                    f"NOTICE: {asked.problem} becomes {workload.problem}: {reason}. "
                    f"Until then the embedded data set stands in: "
                    f"{DATASETS[workload.dataset].title}."
                )
            workloads[workload.problem] = workload
        found = list(workloads.values())
        return found, [*notices.values(), *defaults_notices(self.study, self._cells(found))]

    def _without_data(self, unavailable: Mapping[str, str]) -> dict[str, str]:
        """Return by problem why data are unavailable; a problem with all results needs no data."""
        needed = [w for w in self.study.workloads if self.missing(self._trials([w]))]
        unknown = {w.dataset for w in needed if not is_import_path(w.dataset)} - unavailable.keys()
        reasons = which_unavailable(sorted(unknown), self.data_dir, self.cache_dir)
        reasons.update(unavailable)
        return {w.problem: reasons[w.dataset] for w in needed if w.dataset in reasons}

    def _trials(self, workloads: Sequence[Workload]) -> list[Trial]:
        return _each_once([stage for w in workloads for stage in self._stages(w)])

    def _stages(self, workload: Workload) -> list[Stage]:
        return [self._stage(cell) for cell in self.study.cells(workload)]

    def _stage(self, cell: Cell) -> Stage:
        """Return the stage of `cell`; one that cannot change is found only once."""
        stage = self._last.get(cell) or self.study.protocol.stage(cell, self._record)
        if stage.is_last:
            self._last[cell] = stage
        return stage


def _each_once(stages: Iterable[Stage]) -> list[Trial]:
    return list({trial.key: trial for stage in stages for trial in stage.trials}.values())


def check_values(specs: Iterable[OptimizerSpec]) -> None:
    """Have the optimizer classes check their hyperparameters in this process, which loads torch.

    Raises:
        SpecError: a class refuses a value; the message is that of the class.
    """
    build_once(specs)
