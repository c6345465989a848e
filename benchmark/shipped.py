"""The trials of shipped baselines, which a study with the same trials takes over."""

from collections.abc import Collection, Iterable
from functools import cache, cached_property
from pathlib import Path

from benchmark.baselines import Baselines, Slice, read_baselines
from benchmark.declaration import Chosen
from benchmark.decode import Row
from benchmark.record import Environment, Record, known
from benchmark.spec import Cell, Trial
from benchmark.store import FINISHED

_NOT_OF_A_MACHINE = ("commit", "data", "cores", "device")


class Shipped:
    """The shipped trials; a file is read when a trial of its problem and optimizer is wanted.

    Args:
        without: Problems whose trials are not taken over.

    Raises:
        UsageError: a file of the baselines is damaged.
    """

    def __init__(self, without: Collection[str] = ()) -> None:
        self._without = without
        self._slices: dict[str, _Trials] = {}
        self._refused: set[str] = set()

    @cached_property
    def baselines(self) -> Baselines:
        """The shipped settings."""
        return read_baselines()

    def record(self, trial: Trial) -> Record | None:
        """Return the shipped record of a trial that is equal in every setting and seed."""
        if trial.dataset in self._refused or trial.problem in self._without:
            return None
        for each in self.baselines.slices:
            if each.problem != trial.problem or trial.optimizer.name not in each.optimizers:
                continue
            if record := self._trials(each).record(trial):
                return record
        return None

    def reference_records(self, cell: Cell, chosen: Chosen) -> list[Record]:
        """Return the shipped evaluation of a registered optimizer in a cell, by seed.

        If several spaces of it were tuned, it is that with the same hyperparameters, or otherwise
        the same kind of space, or otherwise the first.

        Args:
            cell: The cell, whose problem, numbers, accelerator and precision must be equal.
            chosen: The optimizer; one with a name of the user's own has none.

        Returns:
            Those that are done; none if one is missing or diverged, or if nothing is shipped.
        """
        name, given = chosen.label, chosen.optimizer.hyperparameters
        found = [
            each
            for each in self.baselines.slices
            if name == chosen.optimizer.name and name in each.optimizers and each.is_of(cell)
        ]
        if not found:
            return []
        one = min(
            found,
            key=lambda each: (
                each.optimizers[name].spec(name).hyperparameters != given,
                each.kind != chosen.kind,
            ),
        )
        spec = one.optimizers[name].spec(name)
        # Threads and logging change no more than last bits: trials with other ones count too.
        as_shipped = Cell(
            workload=cell.workload, accelerator=cell.accelerator, precision=cell.precision
        )
        records = [self._trials(one).record(as_shipped.trial(spec, seed)) for seed in one.seeds]
        done = [each for each in records if each is not None and each.status == "done"]
        return done if len(done) == len(one.seeds) else []

    def curve(self, trial: Trial) -> list[Row]:
        """Return the curve of a trial that has a shipped record."""
        found = (each.curves.get(trial.key) for each in self._slices.values())
        return next((curve for curve in found if curve is not None), [])

    def refuse(self, dataset: str) -> None:
        """Take over no trials on a data set from now on."""
        self._refused.add(dataset)

    def _trials(self, one: Slice) -> "_Trials":
        if one.name not in self._slices:
            self._slices[one.name] = _Trials(one)
        return self._slices[one.name]


class _Trials:
    """The trials of one file; none if the package was installed without the file."""

    def __init__(self, one: Slice) -> None:
        self._path = one.parquet

    def record(self, trial: Trial) -> Record | None:
        found = self._by_key.get(trial.key)
        return found[0] if found else None

    @property
    def curves(self) -> dict[str, list[Row]]:
        return {key: curve for key, (_, curve) in self._by_key.items()}

    @cached_property
    def _by_key(self) -> dict[str, tuple[Record, list[Row]]]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return {}
        return dict(_finished(self._path, status.st_mtime_ns, status.st_size))


@cache
def _finished(path: Path, changed: int, size: int) -> dict[str, tuple[Record, list[Row]]]:
    """Return the finished trials in a file, which all planners of a process read once."""
    from benchmark.archive import read_trials  # loads polars and pyarrow

    return {r.trial.key: (r, curve) for r, curve in read_trials(path) if r.status in FINISHED}


def differences(records: Iterable[Record], here: Environment) -> list[str]:
    """Return the differences in machine and versions between `records` and `here`, in words."""
    now = known(here)
    found: dict[str, None] = {}
    for record in records:
        then = known(record.environment)
        for name in then.keys() | now.keys():
            if name not in _NOT_OF_A_MACHINE and then.get(name) != now.get(name):
                words = f"{name} {then.get(name) or 'none'} (here {now.get(name) or 'none'})"
                found[words] = None
    return sorted(found)
