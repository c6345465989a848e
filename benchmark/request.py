"""A request to run a study, in names and numbers; reading one does not load torch.

Optimizers by import path are the exception: their modules are imported.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType
from typing import TypedDict, get_args

from benchmark.baselines import PerProblem, per_problem
from benchmark.context import Stack
from benchmark.errors import UsageError
from benchmark.models.registry import MODELS, ModelRow
from benchmark.problems import PROBLEMS, Problem, problems_of
from benchmark.protocols import SAMPLERS
from benchmark.protocols.tuned import Tuned
from benchmark.spec import ACCELERATORS, FIRST_TUNING_SEED, PRECISIONS, Workload
from benchmark.study import Study
from datamodules.registry import DATASETS, DatasetRow
from optimizers.grammar import describe, describe_tunables, without_hyperparameters
from optimizers.pick import is_import_path, pick, shown
from optimizers.source import source_digest
from optimizers.spaces import Kind
from optimizers.spec import OptimizerSpec

DIAGNOSTICS_EVERY = 20  # measured in docs/performance.md
_NAMES = ("problems", "models", "accelerators", "precisions", "train_here")
MOST_STACKED = 4_096
MOST_COUNTED = 10**9
_COUNTS = ("epochs", "batch_size", "threads", "log_every", "tune")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A study as it is, with the folders of its data.

    Args:
        wanted: The study.
        stack, data_dir, cache_dir: As in `Request`.
    """

    wanted: Study
    stack: Stack = "auto"
    data_dir: Path | None = None
    cache_dir: Path | None = None

    def study(self, name: str) -> Study:
        """Return the study under a name."""
        return replace(self.wanted, name=name)


class _Contestants(TypedDict, total=False):
    optimizers: tuple[OptimizerSpec | PerProblem, ...]
    seeds: tuple[int, ...]
    tuned: Tuned


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for trials, with the folders of their data.

    Args:
        problems: Registered names, or pairs ``MODEL/DATASET`` of names or import paths.
        models: Registered names or import paths; an alternative to `problems`.
        dataset: Registered name or import path; None for the data set of the model's paper.
        opts: Optimizers, as on the command line; `optimizers.grammar` reads them. Without
            hyperparameters and without `tune`, a registered one has those that shipped baselines
            tuned for each problem.
        seeds: Number of seeds, where 3 means seeds 0, 1 and 2; or the seeds themselves.
        epochs: Passes over the training split; None for the problem's default.
        batch_size: Examples per step; None for the problem's default.
        dropout: The model's own dropout, on or off; None for the problem's default.
        l2: Coefficient of the L2 penalty; None for the problem's default.
        accelerators: One or more of cpu, gpu, mps.
        precisions: Lightning's names, such as ``32-true``.
        threads: CPU threads per trial.
        log_every: Steps between two running losses.
        diagnostics_every: Steps between two looks inside the optimizer; 0 for none.
        tune: Points that every optimizer tries before its evaluation; None to train it as given.
        space: ``lr`` tunes the learning rate alone, ``full`` the whole space of an optimizer;
            ranges in `opts` come first. It also chooses among the baselines.
        sampler: Name of what chooses the points: halton, random or optuna.
        budget_curve: Evaluate the choices of smaller budgets too; needs `tune`.
        reuse_baselines: Take the results of trials that shipped baselines have, and do not train
            them again.
        train_here: Problems whose trials are trained here all the same, as are those of the problem
            that replaces one of them.
        reference: Label of the optimizer that all others are compared with; empty for none.
        stages: Number of looks at the evaluation seeds, 1 or 2; None for as many as were declared
            before, and 1 for a new study.
        stack: Trials of one problem that train as one network: ``auto`` for as many as gain time
            and keep every bit of their results, ``off`` for none, or the most of them, also where
            the last bits then differ.
        data_dir: Folder of data sets that the user downloaded; None for the default.
        cache_dir: Folder for prepared data; None for the default.

    Raises:
        UsageError, UnknownNameError: the request cannot be carried out; the message is one line.
    """

    problems: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    dataset: str | None = None
    opts: str = "all"
    seeds: int | tuple[int, ...] = 5
    epochs: int | None = None
    batch_size: int | None = None
    dropout: bool | None = None
    l2: float | None = None
    accelerators: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("32-true",)
    threads: int = 1
    log_every: int = 50
    diagnostics_every: int = 0
    tune: int | None = None
    space: Kind = "lr"
    sampler: str = "halton"
    budget_curve: bool = False
    reuse_baselines: bool = True
    train_here: tuple[str, ...] = ()
    reference: str = ""
    stages: int | None = None
    stack: Stack = "auto"
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
        if not isinstance(self.dataset, (str, NoneType)):
            raise UsageError(f"dataset: expected a name or None, got {shown(str(self.dataset))}")
        self._check_kinds()
        self._check_train_here(self.asked())  # names are checked before torch is loaded

    def _check_kinds(self) -> None:
        """Raise UsageError for values that only a caller in Python can give."""
        self._check_names()
        self._check_numbers()
        if not isinstance(self.opts, str):
            raise UsageError(f"opts: expected a text as for --opts, got {shown(str(self.opts))}")
        if not isinstance(self.dropout, (bool, NoneType)):
            raise UsageError(f"dropout: expected True, False or None, got {self.dropout!r}")
        for name in ("budget_curve", "reuse_baselines"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise UsageError(f"{name}: expected True or False, got {shown(str(value))}")
        if self.budget_curve and self.tune is None:
            raise UsageError(
                "--budget-curve shows what more points bring, so it needs a search: add --tune 16"
            )
        self._check_folders()

    def _check_folders(self) -> None:
        for name in ("data_dir", "cache_dir"):
            value = getattr(self, name)
            if not isinstance(value, (str, Path, NoneType)):
                raise UsageError(f"{name}: expected a path, got {shown(str(value))}")
            if "\0" in str(value):
                raise UsageError(f"{name}: a path cannot contain the character NUL")
            object.__setattr__(self, name, None if value is None else Path(value))

    def _check_train_here(self, asked: Sequence[Problem]) -> None:
        """Raise UsageError for a problem that is neither asked for nor stands in for one that is.

        All registered problems together mean all that are asked for.
        """
        names = [problem.name for problem in asked]
        fitting = {*names, *(problem.twin for problem in asked)}
        wrong = [name for name in self.train_here if name not in fitting]
        if wrong and not {*PROBLEMS} <= {*self.train_here}:
            raise UsageError(
                f"--train-here {shown(str(wrong[0]))} is none of the problems: {', '.join(names)}"
            )

    def _check_names(self) -> None:
        for name in _NAMES:
            _check_tuple_of_names(name, getattr(self, name))
        for name in ("accelerators", "precisions"):
            if not getattr(self, name):
                raise UsageError(f"{name}: expected at least one name, got none")
        for name in ("space", "sampler", "reference"):
            if not isinstance(getattr(self, name), str):
                raise UsageError(f"{name}: expected a text, got {shown(str(getattr(self, name)))}")
        for accelerator in self.accelerators:
            pick(dict.fromkeys(ACCELERATORS), accelerator, "accelerator")
        for precision in self.precisions:
            pick(dict.fromkeys(PRECISIONS), precision, "precision")
        pick(SAMPLERS, self.sampler, "sampler")
        pick(dict.fromkeys(get_args(Kind)), self.space, "space")

    def _check_numbers(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and not (_is_whole(value) and 1 <= value <= MOST_COUNTED):
                raise UsageError(
                    f"{name}: expected a whole number from 1 to {MOST_COUNTED:,}, "
                    f"got {shown(str(value))}"
                )
        if self.stages is not None and not (_is_whole(self.stages) and self.stages in (1, 2)):
            raise UsageError(
                f"stages: expected 1 or 2 looks at the seeds, got {shown(str(self.stages))}; "
                "later looks need another study"
            )
        self._check_stack()
        self._check_seeds()
        if not _is_whole(self.diagnostics_every) or self.diagnostics_every < 0:
            raise UsageError(
                f"diagnostics_every: expected a whole number from 0, got {self.diagnostics_every!r}"
            )
        if self.l2 is not None and not (_is_number(self.l2) and 0 <= self.l2 < math.inf):
            raise UsageError(f"l2: expected a number >= 0, got {shown(str(self.l2))}")

    def _check_stack(self) -> None:
        size: object = self.stack
        is_size = isinstance(size, int) and _is_whole(size) and 1 < size <= MOST_STACKED
        if size not in ("auto", "off") and not is_size:
            raise UsageError(
                "stack: expected 'auto', 'off', or the most trials in one network, from 2 to "
                f"{MOST_STACKED:,}, got {shown(str(size))}"
            )

    def _check_seeds(self) -> None:
        found = self.seeds if isinstance(self.seeds, tuple) else (self.seeds,)
        most = FIRST_TUNING_SEED - isinstance(self.seeds, tuple)
        least = 0 if isinstance(self.seeds, tuple) else 1
        for seed in found:
            if not (_is_whole(seed) and least <= seed <= most):
                raise UsageError(
                    f"seeds: expected a number of seeds from 1, or a tuple of seeds below "
                    f"{FIRST_TUNING_SEED:,} (higher ones are for tuning), got {shown(str(seed))}"
                )
        if not found:
            raise UsageError("seeds: expected at least one seed, got an empty tuple")

    def evaluation_seeds(self) -> tuple[int, ...]:
        """Return the seeds of the trials that are compared, each once."""
        if isinstance(self.seeds, tuple):
            return tuple(dict.fromkeys(self.seeds))
        return tuple(range(self.seeds))

    def asked(self) -> list[Problem]:
        """Return the rows of the requested problems.

        Raises:
            UnknownNameError: a name is not registered; the message suggests others.
        """
        if self.problems:
            return [_problem(name) for name in self.problems]
        return [problems_of(model, self.dataset) for model in self.models]

    def trained_here(self) -> frozenset[str]:
        """Return the problems of `train_here`, and those that replace them if data are unavailable.

        A replacement that is also asked for by its own name is trained here only by that name.
        """
        asked = {problem.name: problem.twin for problem in self.asked()}
        twins = {asked.get(name, "") for name in self.train_here} - {"", *asked}
        return frozenset({*self.train_here, *twins})

    def study(self, name: str) -> Study:
        """Return the requested study, on the requested data.

        Raises:
            SpecError: an optimizer is not valid.
            UsageError: a model does not take its data set.
        """
        workloads = [self._adjusted(problem.workload) for problem in self.asked()]
        for workload in workloads:
            _check_shapes(workload)
        return Study(
            name=name,
            workloads=tuple(workloads),
            **self._contestants(),
            accelerators=self.accelerators,
            precisions=self.precisions,
            threads=self.threads,
            log_every=self.log_every,
            diagnostics_every=self.diagnostics_every,
        )

    def _contestants(self) -> _Contestants:
        seeds = self.evaluation_seeds()
        if self.tune is None:
            specs = self._as_tuned_before()
            _check_reference(self.reference, [spec.label for spec in specs])
            return {"optimizers": specs, "seeds": seeds}
        tunables = tuple(describe_tunables(self.opts, self.space))
        _check_reference(self.reference, [tunable.label for tunable in tunables])
        tuned = Tuned(
            tunables=tunables,
            budget=self.tune,
            seeds=seeds,
            sampler=self.sampler,
            budget_curve=self.budget_curve,
        )
        return {"tuned": tuned}

    def _as_tuned_before(self) -> tuple[OptimizerSpec | PerProblem, ...]:
        """Return the optimizers; those without hyperparameters as shipped baselines have them."""
        bare = without_hyperparameters(self.opts)
        return tuple(
            per_problem(spec, self.space) if spec.label in bare else spec
            for spec in describe(self.opts)
        )

    def stand_ins(self) -> dict[str, Workload]:
        """Return by problem the workload that replaces it when its data are unavailable.

        A data set that was requested by name is never replaced.
        """
        if self.dataset is not None:
            return {}
        return {
            problem.name: self._adjusted(PROBLEMS[problem.twin].workload)
            for problem in self.asked()
            if problem.twin
        }

    def _adjusted(self, workload: Workload) -> Workload:
        plugged = [name for name in (workload.model, workload.dataset) if is_import_path(name)]
        asked = {
            "source": "".join(map(source_digest, plugged)),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "dropout": self.dropout,
            "l2": self.l2,
        }
        return replace(workload, **{k: v for k, v in asked.items() if v is not None})  # type: ignore[arg-type]


def _check_tuple_of_names(field: str, value: object) -> None:
    """Raise UsageError for what is no tuple of names, such as one name as a text."""
    if isinstance(value, str):
        raise UsageError(f"{field}: expected a tuple of names, got the text {shown(value)}")
    if not isinstance(value, (tuple, list)):
        raise UsageError(f"{field}: expected a tuple of names, got {shown(str(value))}")
    for name in value:
        if not isinstance(name, str) or not name:
            raise UsageError(f"{field}: expected names, got {shown(str(name))}")


def _problem(name: str) -> Problem:
    model, slash, dataset = name.partition("/")
    if slash and is_import_path(name) and name not in PROBLEMS:
        return problems_of(model, dataset)
    return pick(PROBLEMS, name, "problem")


def _check_reference(reference: str, labels: Sequence[str]) -> None:
    if reference and reference not in labels:
        raise UsageError(
            f"reference {shown(reference)} is none of the optimizers: {', '.join(labels)}"
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_shapes(workload: Workload) -> None:
    data, model = DATASETS.get(workload.dataset), MODELS.get(workload.model)
    if data is None or model is None or _fits(model, data):
        return
    fitting = [row.name for row in DATASETS.values() if _fits(model, row)]
    models = [row.name for row in MODELS.values() if _fits(row, data)]
    raise UsageError(
        f"model {workload.model!r} takes {_taken_by(model)} and {workload.dataset!r} is "
        f"{_kind_of(data)}. "
        f"Data sets for it: {', '.join(fitting)}; for {workload.dataset!r} use --model "
        f"{'|'.join(models)}"
    )


def _taken_by(model: ModelRow) -> str:
    if model.takes_text:
        return "text"
    return "images" if model.takes_images else "dense inputs"


def _kind_of(data: DatasetRow) -> str:
    if data.text:
        return "text"
    if data.sparse:
        return "a bag of words"
    return "images" if len(data.input_shape) == 3 else f"rows of {data.input_shape[0]} numbers"


def _fits(model: ModelRow, data: DatasetRow) -> bool:
    if data.text or model.takes_text:
        return data.text and model.takes_text
    if data.sparse:
        return model.takes_sparse
    return len(data.input_shape) == 3 or not model.takes_images
