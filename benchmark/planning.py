"""Planning of a study: from a request to the trials to run, on the data that are available."""

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.estimates import bytes_to_prepare, estimate_bytes
from benchmark.record import Record
from benchmark.request import Request
from benchmark.spec import Study, Trial, UsageError, Workload
from benchmark.store import FINISHED, Store
from datamodules.errors import DataUnavailableError
from datamodules.folders import default_cache_dir
from datamodules.places import which_unavailable
from datamodules.registry import DATASETS
from optimizers.grammar import build_once
from optimizers.spec import OptimizerSpec, SpecError

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """The trials of a study.

    Args:
        trials: All trials, in their order.
        missing: Trials without a result on record.
        num_bytes: Estimated disk space of the missing trials and of the data that they need.
        notices: A line for each newly replaced data set: an embedded one takes its place.
    """

    trials: tuple[Trial, ...]
    missing: tuple[Trial, ...]
    num_bytes: int = 0
    notices: tuple[str, ...] = ()


class Planner:
    """The planner of a study, which also plans again when data turn out to be unavailable.

    Each result on record is read only once and is kept.

    Args:
        asked: A request, whose data sets may be replaced by embedded ones; or a study, whose data
            sets are never replaced.
        store: The study's folder.

    Raises:
        UsageError: the request cannot be carried out, or the study and the store differ in name.
    """

    def __init__(self, asked: Request | Study, store: Store) -> None:
        request = asked if isinstance(asked, Request) else None
        self.study = asked.study(store.study) if isinstance(asked, Request) else asked
        self.data_dir = request.data_dir if request else None
        self.cache_dir = request.cache_dir if request else None
        self._stand_ins = request.stand_ins() if request else {}
        if self.study.name != store.study:
            raise UsageError(
                f"study {self.study.name!r} belongs into a store of that name, got {store.folder}"
            )
        self._store = store
        self._results: dict[str, Record] = {}
        self._grids: dict[Workload, list[Trial]] = {}
        self._noticed: set[str] = set()

    def specs(self) -> list[OptimizerSpec]:
        """Return the optimizers of the study."""
        return list(self.study.optimizers)

    def plan(self, unavailable: Mapping[str, str] | None = None) -> TrialPlan:
        """Return the trials to run, with embedded data in place of unavailable data.

        Args:
            unavailable: Reasons by the name of an unavailable data set.

        Raises:
            DataUnavailableError: data are unavailable and must not be replaced.
        """
        workloads, notices = self._settle(unavailable or {})
        new = tuple(notice for notice in notices if notice not in self._noticed)
        self._noticed.update(new)
        trials = self._trials(workloads)
        missing = self.missing(trials)
        return TrialPlan(
            trials=tuple(trials),
            missing=tuple(missing),
            num_bytes=estimate_bytes(missing, self.data_dir, self.cache_dir),
            notices=new,
        )

    def missing(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials without a result; results that were found before are not read again."""
        for trial in trials:
            if trial.key not in self._results:
                record = self._store.record(trial)
                if record is not None and record.status in FINISHED:
                    self._results[trial.key] = record
        return [trial for trial in trials if trial.key not in self._results]

    def records(self, trials: Sequence[Trial]) -> list[Record]:
        """Return the existing records of `trials`, whatever their status."""
        self.missing(trials)
        known = (self._results.get(trial.key) or self._store.record(trial) for trial in trials)
        return [record for record in known if record is not None]

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
        """Check that the missing trials can write to their folders, and leave nothing behind.

        Raises:
            UsageError: the study's folder, or that of data still to be prepared, cannot be written.
        """
        if plan.missing:
            _check_writable(self._store.folder)
        datasets = {trial.dataset for trial in plan.missing}
        if any(bytes_to_prepare(name, self.data_dir, self.cache_dir) for name in datasets):
            _check_writable(self.cache_dir or default_cache_dir())

    def _check_plugins(self) -> None:
        models = {w.model for w in self.study.workloads if "." in w.model}
        datasets = {w.dataset for w in self.study.workloads if "." in w.dataset}
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
        return list(workloads.values()), list(notices.values())

    def _without_data(self, unavailable: Mapping[str, str]) -> dict[str, str]:
        """Return by problem why data are unavailable; a problem with all results needs no data."""
        needed = [w for w in self.study.workloads if self.missing(self._trials([w]))]
        unknown = {w.dataset for w in needed if "." not in w.dataset} - unavailable.keys()
        reasons = which_unavailable(sorted(unknown), self.data_dir, self.cache_dir)
        reasons.update(unavailable)
        return {w.problem: reasons[w.dataset] for w in needed if w.dataset in reasons}

    def _trials(self, workloads: Sequence[Workload]) -> list[Trial]:
        for workload in workloads:
            if workload not in self._grids:
                self._grids[workload] = replace(self.study, workloads=(workload,)).trials()
        trials = (trial for workload in workloads for trial in self._grids[workload])
        return list({trial.key: trial for trial in trials}.values())


def check_values(specs: Iterable[OptimizerSpec]) -> None:
    """Have the optimizer classes check their hyperparameters in this process, which loads torch.

    Raises:
        UsageError: a class refuses a value; the message is that of the class.
    """
    try:
        build_once(specs)
    except SpecError as error:
        raise UsageError(f"--opts: {error}") from None


def make_folders(*folders: Path | None) -> None:
    """Make the folders that do not exist yet.

    Raises:
        UsageError: a folder cannot be made.
    """
    for folder in folders:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"folder {folder} cannot be made: {error.strerror}") from None


def _check_writable(folder: Path) -> None:
    from tempfile import TemporaryFile

    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    try:
        with TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        doing = "written" if nearest == folder else "made"
        raise UsageError(f"folder {folder} cannot be {doing}: {error.strerror}") from None
