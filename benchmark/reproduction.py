"""The runs of a reproduction: its plan is carried out, study by study, until no trial is missing.

Each experiment is one study, in a folder of its own. The rates of a grid and the chosen ones are
trained by `benchmark.complete`, so that whatever is on record is not trained again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from benchmark.complete import StudyWatcher, complete
from benchmark.context import Stack
from benchmark.errors import UsageError
from benchmark.launchers import Launcher
from benchmark.paper.evidence import CostsOnRecord
from benchmark.paper.plan import Plan
from benchmark.request import Order
from benchmark.spec import Trial, Workload
from benchmark.store import Store
from benchmark.study import Study


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a reproduction runs; it decides no result.

    Args:
        results: Folder of the studies.
        launcher: Launcher of the trials.
        accelerator: Device of the experiments without records; None for the CPU.
        data_dir, cache_dir, stack: As in `benchmark.request.Request`.
    """

    results: Path
    launcher: Launcher
    accelerator: str | None = None
    data_dir: Path | None = None
    cache_dir: Path | None = None
    stack: Stack = "auto"

    def store(self, experiment: str) -> Store:
        """Return the folder of an experiment."""
        return Store(self.results, experiment)

    def accelerators(self, names: Iterable[str]) -> dict[str, str]:
        """Return the device of each experiment: that of its records, or `accelerator`.

        Raises:
            UsageError: an experiment has records of another device, or of several.
        """
        return {name: self._accelerator(name) for name in names}

    def _accelerator(self, experiment: str) -> str:
        found = sorted({each.trial.accelerator for each in self.store(experiment).records()})
        wanted = self.accelerator or (found[0] if found else "cpu")
        if found in ([], [wanted]):
            return wanted
        raise UsageError(
            f"{experiment} has records of the {' and the '.join(found)} in {self.results}, and "
            "trials of two devices are not compared: give a folder of its own with --results"
            + (", or leave out --accelerator" if len(found) == 1 else "")
        )

    def known(self, plan: Plan) -> CostsOnRecord:
        """Return the costs on record of the experiments of a plan."""
        names = dict.fromkeys(case.experiment.name for case in plan.cases)
        return CostsOnRecord({name: self.store(name) for name in names})


Watched = Callable[[Store], StudyWatcher]


def reproduce(plan: Plan, place: Place, watched: Watched) -> CostsOnRecord:
    """Run the trials that a plan wants and that have no result yet; return all costs.

    Those of the claims come first, and then those of their variants. Calling this again resumes
    where it stopped. Each trial is tried once.

    Args:
        plan: The plan.
        place: Where it runs.
        watched: A function that returns the watcher of a study.

    Raises:
        UsageError, DataError, OSError: as `complete` does; all records written before are kept.
    """
    known = place.known(plan)
    tried: set[str] = set()
    watchers: dict[str, StudyWatcher] = {}
    claims = [case for case in plan.cases if case.variant is None]
    for cases in (claims, plan.cases):
        while wanted := _not_tried(plan.wanted(known, cases), tried):
            for name, trials in wanted.items():
                store = place.store(name)
                for study in studies(name, store.missing(trials)):
                    order = Order(
                        wanted=study,
                        stack=place.stack,
                        data_dir=place.data_dir,
                        cache_dir=place.cache_dir,
                    )
                    watcher = watchers.get(name) or watchers.setdefault(name, watched(store))
                    complete(order, store, place.launcher, watcher)
            tried |= {trial.key for trials in wanted.values() for trial in trials}
    return known


def _not_tried(wanted: dict[str, dict[str, Trial]], tried: set[str]) -> dict[str, list[Trial]]:
    """Return the trials of each experiment that has some that were not tried."""
    found = {
        name: [trial for trial in trials.values() if trial.key not in tried]
        for name, trials in wanted.items()
    }
    return {name: trials for name, trials in found.items() if trials}


def studies(name: str, trials: Sequence[Trial]) -> Iterator[Study]:
    """Yield studies whose trials are just `trials`.

    A study trains each of its optimizers with each of its seeds, so trials that share their numbers
    are one study if their optimizers have the same seeds.
    """
    by_numbers: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        numbers = tuple(getattr(trial, each.name) for each in fields(Workload))
        shared = (*numbers, trial.accelerator, trial.purpose, trial.log_every)
        by_numbers.setdefault(shared, []).append(trial)
    for some in by_numbers.values():
        for alike in _with_equal_seeds(some):
            yield _study(name, alike)


def _with_equal_seeds(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    by_optimizer: dict[object, list[Trial]] = {}
    for trial in trials:
        by_optimizer.setdefault(trial.optimizer, []).append(trial)
    by_seeds: dict[tuple[int, ...], list[Trial]] = {}
    for some in by_optimizer.values():
        seeds = tuple(sorted(trial.seed for trial in some))
        by_seeds.setdefault(seeds, []).extend(some)
    yield from by_seeds.values()


def _study(name: str, trials: Sequence[Trial]) -> Study:
    first = trials[0]
    numbers = {each.name: getattr(first, each.name) for each in fields(Workload)}
    return Study(
        name=name,
        workloads=(Workload(**numbers),),
        optimizers=tuple(dict.fromkeys(trial.optimizer for trial in trials)),
        seeds=tuple(sorted({trial.seed for trial in trials})),
        accelerators=(first.accelerator,),
        purpose=first.purpose,
        log_every=first.log_every,
    )
