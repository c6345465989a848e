"""What is asked for when a study is run, in names and numbers; torch is loaded for none of it.

Optimizers by import path are the exception: their module is imported to read them.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS, Problem, problems_of
from benchmark.spec import Study, UsageError, Workload
from datamodules.registry import DATASETS
from optimizers.grammar import describe
from optimizers.pick import pick, shown
from optimizers.source import source_digest
from optimizers.spec import SpecError

DIAGNOSTICS_EVERY = 20  # measured in docs/performance.md
_NAMES = ("problems", "models", "accelerators", "precisions")
_COUNTS = ("seeds", "epochs", "batch_size", "threads", "log_every")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for: trials, and where their data are.

    Args:
        problems: Registered names.
        models: Registered names or import paths, instead of `problems`.
        dataset: Registered name or import path; None for the data set of the model's paper.
        opts: Optimizers, as on the command line; `optimizers.grammar` reads them.
        seeds: How many there are; 3 makes seeds 0, 1 and 2.
        epochs: Passes over the training split; None for the problem's.
        batch_size: Examples per step; None for the problem's.
        dropout: The model's own dropout, on or off; None for the problem's.
        l2: Coefficient of the penalty; None for the problem's.
        accelerators: One or more of cpu, gpu, mps.
        precisions: As Lightning names them.
        threads: CPU threads per trial.
        log_every: Steps between two running losses.
        diagnostics_every: Steps between two looks inside the optimizer; 0 for none.
        data_dir: Where data sets were laid down by hand; None for the default place.
        cache_dir: Where prepared data go; None for the default place.

    Raises:
        UsageError, UnknownNameError: it cannot be carried out; one line that says why.
    """

    problems: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    dataset: str | None = None
    opts: str = "all"
    seeds: int = 3
    epochs: int | None = None
    batch_size: int | None = None
    dropout: bool | None = None
    l2: float | None = None
    accelerators: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("32-true",)
    threads: int = 1
    log_every: int = 50
    diagnostics_every: int = 0
    data_dir: Path | None = None
    cache_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.problems and (self.models or self.dataset):
            raise UsageError(
                "--problem already says model and data set: leave --model, --dataset out"
            )
        if not self.problems and not self.models:
            raise UsageError(
                f"nothing to run: give --model {'|'.join(MODELS)}|all, or --problem NAME|all"
            )
        self._check_kinds()
        self.asked()  # names are checked before torch is loaded for the optimizers

    def _check_kinds(self) -> None:
        """Refuse what the command line cannot give and a caller in Python can."""
        for name in _NAMES:
            value = getattr(self, name)
            if isinstance(value, str):
                raise UsageError(f"{name}: expected a tuple of names, got the text {shown(value)}")
        for name in _COUNTS:
            value = getattr(self, name)
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and not (is_whole and value >= 1):
                raise UsageError(f"{name}: expected a whole number from 1, got {shown(str(value))}")
        if self.diagnostics_every < 0:
            raise UsageError(f"diagnostics_every: expected 0 or more, got {self.diagnostics_every}")
        if self.l2 is not None and not 0 <= self.l2 < math.inf:
            raise UsageError(f"l2: expected a number >= 0, got {self.l2}")

    def asked(self) -> list[Problem]:
        """Return the rows of the problems that are asked for.

        Raises:
            UnknownNameError: a name is not registered; the message suggests others.
        """
        if self.problems:
            return [pick(PROBLEMS, name, "problem") for name in self.problems]
        return [problems_of(model, self.dataset) for model in self.models]

    def study(self, name: str) -> Study:
        """Return the study that is asked for, on the data that are asked for.

        Raises:
            UsageError: optimizers are not valid, or model and data do not go together.
        """
        workloads = [self._adjusted(problem.workload) for problem in self.asked()]
        for workload in workloads:
            _check_shapes(workload)
        try:
            specs = describe(self.opts)
        except SpecError as error:
            raise UsageError(f"--opts: {error}") from None
        return Study(
            name=name,
            workloads=tuple(workloads),
            optimizers=tuple(specs),
            seeds=tuple(range(self.seeds)),
            accelerators=self.accelerators,
            precisions=self.precisions,
            threads=self.threads,
            log_every=self.log_every,
            diagnostics_every=self.diagnostics_every,
        )

    def stand_ins(self) -> dict[str, Workload]:
        """Return what may stand in for a problem whose data cannot be had, by the problem's name.

        A data set that is asked for by name is not replaced.
        """
        if self.dataset is not None:
            return {}
        return {
            problem.name: self._adjusted(PROBLEMS[problem.twin].workload)
            for problem in self.asked()
            if problem.twin
        }

    def _adjusted(self, workload: Workload) -> Workload:
        plugged = [name for name in (workload.model, workload.dataset) if "." in name]
        asked = {
            "source": "".join(map(source_digest, plugged)),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "dropout": self.dropout,
            "l2": self.l2,
        }
        return replace(workload, **{k: v for k, v in asked.items() if v is not None})  # type: ignore[arg-type]


def _check_shapes(workload: Workload) -> None:
    data, model = DATASETS.get(workload.dataset), MODELS.get(workload.model)
    if data and model and model.takes_images and len(data.input_shape) == 1:
        images = ", ".join(name for name, each in DATASETS.items() if len(each.input_shape) == 3)
        raise UsageError(
            f"model {workload.model!r} takes images and {workload.dataset!r} is a bag of words. "
            f"Data sets with images: {images}; for {workload.dataset!r} use --model logreg"
        )
