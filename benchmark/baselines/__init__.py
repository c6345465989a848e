"""Shipped baselines: the registered optimizers, tuned and evaluated by the suite itself.

``settings.toml`` has the chosen hyperparameters, in short, because the command line reads it. A
slice is a study of the tuned protocol on one problem with one kind of space. It has two files more:
its declaration, ``<slice>.toml``, and all of its trials, ``<slice>.parquet``. All are written by
``tools/make_baselines.py``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from benchmark.atomic import write_text
from benchmark.declaration import Chosen, Edge
from benchmark.decode import read_file
from benchmark.errors import UsageError
from benchmark.plain_text import plain
from benchmark.spec import SCHEMA, Cell, Workload
from optimizers.registry import OPTIMIZERS
from optimizers.spaces import Kind
from optimizers.spec import OptimizerSpec

FOLDER = Path(__file__).parent
FILE = "settings.toml"
_MOST_BYTES = 1_000_000
_KEPT = ("tried", "finalists", "tunes", "only_rate", "edge", "values")


class Setting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tuned setting of one optimizer.

    Args:
        label: The label of its trials, with the hyperparameters that were tuned.
        hyperparameters: All hyperparameters.
        tried, finalists, tunes, only_rate, edge, values: As in `declaration.Chosen`.
    """

    label: str
    hyperparameters: dict[str, Any]
    tried: int
    finalists: int
    tunes: list[str]
    only_rate: bool
    edge: Edge
    values: list[float]

    @classmethod
    def of(cls, chosen: Chosen) -> "Setting":
        """Return the setting that a study chose for a registered optimizer.

        Raises:
            ValueError: the optimizer has more than its hyperparameters, such as a schedule.
        """
        spec = chosen.optimizer
        found = cls(
            label=spec.label,
            hyperparameters=dict(spec.hyperparameters),
            **{name: getattr(chosen, name) for name in _KEPT},
        )
        if found.spec(spec.name) != spec:
            raise ValueError(f"{spec.label}: expected a registered optimizer without a schedule")
        return found

    def spec(self, name: str) -> OptimizerSpec:
        """Return the optimizer, exactly as in the trials on record."""
        return OptimizerSpec(
            name=name,
            label=self.label,
            target=OPTIMIZERS[name].address,
            hyperparameters=self.hyperparameters,
        )


class Slice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outcome of one study of baselines.

    Args:
        name: Name of its files.
        kind: The kind of space that was tuned.
        schema: Version of the training.
        workload: The problem with its numbers.
        seeds: The evaluation seeds.
        optimizers: The tuned settings by the name of the optimizer.
        accelerator, precision: Those of all its trials.
    """

    name: str
    kind: Kind
    schema: int
    workload: Workload
    seeds: list[int]
    optimizers: dict[str, Setting]
    accelerator: str = "cpu"
    precision: str = "32-true"

    @property
    def problem(self) -> str:
        """The problem's name."""
        return self.workload.problem

    def is_of(self, cell: Cell) -> bool:
        """Return whether its trials are of this cell: equal numbers, accelerator and precision."""
        places = (self.accelerator, self.precision)
        return self.workload == cell.workload and places == (
            cell.accelerator,
            cell.precision,
        )

    @property
    def parquet(self) -> Path:
        """The file of its trials."""
        return FOLDER / f"{self.name}.parquet"


class Baselines(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All shipped baselines.

    Args:
        version: Year and month; empty if nothing is shipped.
        slices: The outcomes of all studies.
    """

    version: str = ""
    slices: list[Slice] = msgspec.field(default_factory=list)

    @property
    def source(self) -> str:
        """The words by which reports name the origin of a setting."""
        return f"baselines {self.version}"


@dataclass(frozen=True, kw_only=True)
class PerProblem:
    """A registered optimizer that has, on each problem, the hyperparameters tuned for it.

    Args:
        default: The optimizer with the defaults of its paper, for problems without a baseline.
        kind: The kind of space that was tuned.
        source: Origin of the settings, as in `declaration.Chosen`.
        slices: The slices of that kind by problem.
    """

    default: OptimizerSpec
    kind: Kind
    source: str
    slices: Mapping[str, Slice] = field(hash=False)

    @property
    def label(self) -> str:
        """The optimizer's name over all problems."""
        return self.default.label

    def specs(self) -> list[OptimizerSpec]:
        """Return the optimizer with its defaults, and with each of its tuned settings."""
        settings = (each.optimizers.get(self.default.name) for each in self.slices.values())
        return [self.default, *(self._spec(each) for each in settings if each)]

    def spec(self, cell: Cell) -> OptimizerSpec:
        """Return the optimizer for one cell: as tuned, or with its defaults."""
        setting = self._setting(cell)
        return self._spec(setting) if setting else self.default

    def why_default(self, cell: Cell) -> str:
        """Return why a cell gets the defaults; empty if it gets tuned settings."""
        found = self.slices.get(cell.workload.problem)
        if found is None or self.default.name not in found.optimizers:
            return f"no baseline tuned over {self.kind}"
        old, new = (
            asdict(each.workload) | {"accelerator": each.accelerator, "precision": each.precision}
            for each in (found, cell)
        )
        names = [name for name in new if old[name] != new[name]]
        if not names:
            return ""
        before, now = ([f"{name}={each[name]}" for name in names] for each in (old, new))
        return f"tuned with {', '.join(before)}, not with {', '.join(now)}"

    def chosen(self, cell: Cell) -> Chosen | None:
        """Return the outcome of the search for a cell; None if it has the defaults there."""
        setting = self._setting(cell)
        if setting is None:
            return None
        return Chosen(
            problem=cell.workload.problem,
            accelerator=cell.accelerator,
            precision=cell.precision,
            label=self.label,
            optimizer=self._spec(setting),
            source=self.source,
            **{name: getattr(setting, name) for name in _KEPT},
        )

    def _setting(self, cell: Cell) -> Setting | None:
        if self.why_default(cell):
            return None
        return self.slices[cell.workload.problem].optimizers[self.default.name]

    def _spec(self, setting: Setting) -> OptimizerSpec:
        spec = setting.spec(self.default.name)
        return replace(spec, label=self.label + spec.label.removeprefix(spec.name))


def read_baselines() -> Baselines:
    """Return the shipped baselines; those of another schema are left out.

    Raises:
        UsageError: ``settings.toml`` is damaged.
    """
    return _read(FOLDER / FILE)


def per_problem(spec: OptimizerSpec, kind: Kind) -> OptimizerSpec | PerProblem:
    """Return a registered optimizer as tuned for each problem, or `spec` if nothing is shipped.

    Args:
        spec: The optimizer with its defaults.
        kind: The kind of space that was tuned.
    """
    found = read_baselines()
    if not found.slices:
        return spec
    slices = {each.problem: each for each in found.slices if each.kind == kind}
    return PerProblem(default=spec, kind=kind, source=found.source, slices=slices)


def write_baselines(baselines: Baselines) -> None:
    """Write ``settings.toml``, whole or not at all."""
    import tomli_w

    write_text(FOLDER / FILE, tomli_w.dumps(msgspec.to_builtins(baselines)))
    _read.cache_clear()


@cache
def _read(path: Path) -> Baselines:
    try:
        data = tomllib.loads(read_file(path, _MOST_BYTES).decode())
        found = msgspec.convert(data, Baselines)
    except FileNotFoundError:
        return Baselines()
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is damaged ({plain(error, 200)}): install the suite again"
        ) from None
    slices = [
        structs.replace(
            each, optimizers={k: v for k, v in each.optimizers.items() if k in OPTIMIZERS}
        )
        for each in found.slices
        if each.schema == SCHEMA
    ]
    return structs.replace(found, slices=slices)
