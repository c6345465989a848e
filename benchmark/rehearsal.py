"""A rehearsal: before a study trains, a user's optimizer or network takes two steps.

It uses the runner's own Trainer, with evaluation between the steps, so that an optimizer that
would fail in the first steps of a trial fails here. The second step takes the last batch of an
epoch, which may be a small one. A rehearsal never changes how a trial is run: it only refuses an
optimizer, and names a cure.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.errors import BenchmarkError, ClosureNotCalledError, UsageError
from benchmark.metrics import SPLITS
from benchmark.models.base import Model
from benchmark.plain_text import error_line
from benchmark.rehearsal_words import contract, culprit
from benchmark.runner import Loaders, build_model, fit, weights_sha256
from benchmark.spec import Trial
from datamodules.base import ResidentDataModule
from datamodules.loaders import Batch
from optimizers.errors import CompilerError
from optimizers.grammar import parse
from optimizers.pick import is_import_path
from optimizers.spec import OptimizerSpec

_PLUG_IN_ERRORS = (Exception, SystemExit, KeyboardInterrupt)  # Ctrl-C does not reach this process


def rehearse(trial: Trial, data: ResidentDataModule) -> None:
    """Take two steps of `trial`, on the first and on the last batch of an epoch.

    Args:
        trial: The trial whose optimizer, model, device and precision are tested.
        data: The data module of `trial`, set up, with its batches.

    Raises:
        UsageError: the optimizer fails; the message is one line, with a cure if there is one.
    """
    try:
        digests = _digests(trial, data)
    except CompilerError as error:
        raise UsageError(f"{culprit(trial)} fails: {error}") from error
    except _PLUG_IN_ERRORS as error:
        raise UsageError(f"{culprit(trial)} fails{_failure(trial, data, error)}") from error
    spec = trial.optimizer
    if not is_import_path(spec.name):
        return
    if spec.gradients or not _takes_closure(spec) or _digests(trial, data) != digests:
        return  # it draws random numbers of its own, so digests prove nothing
    if _reads_gradients_first(_with(trial, spec, gradients="first"), data, digests):
        raise UsageError(
            f"{culprit(trial)} reads gradients before it calls its closure, when there are none "
            f"yet. Give {spec.name}:gradients=first to compute them before, like loss.backward() "
            f"before step(closure), or {spec.name}:gradients=closure to train it without them"
        )


def _takes_closure(spec: OptimizerSpec) -> bool:
    return "closure" in inspect.signature(resolve_name(spec.target).step).parameters


def _reads_gradients_first(trial: Trial, data: ResidentDataModule, digests: list[str]) -> bool:
    """Return whether `trial`, with gradients before its closure, gives other weights."""
    try:
        return _digests(trial, data) != digests
    except _PLUG_IN_ERRORS:
        return False


def _digests(
    trial: Trial, data: ResidentDataModule, *, only_first_batch: bool = False
) -> list[str]:
    """Return a digest of the weights after each step."""
    first, last = data.train_dataloader().ends()
    model = build_model(trial, data)
    seen = _Weights()
    loaders = Loaders(
        training=_Batches(first, first if only_first_batch else last),
        iterations=1,
        evaluation=[_Batches(first) for _ in SPLITS],
    )
    fit(trial, model, data, [seen], loaders=loaders)
    return seen.digests


class _Batches:
    """A loader of these batches; Lightning would take a list of batches apart."""

    def __init__(self, *batches: Batch) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)


class _Weights(Callback):
    def __init__(self) -> None:
        self.digests: list[str] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Model)
        self.digests.append(weights_sha256(pl_module.network))


def _failure(trial: Trial, data: ResidentDataModule, error: BaseException) -> str:
    """Return where and how `trial` fails, and what to do, in words that follow "fails"."""
    size = data.num_train % data.batch_size  # 0 if all batches of an epoch have one size
    if size and data.num_train > data.batch_size and _runs_on_the_first_batch(trial, data):
        return (
            f" on the last batch of an epoch, which has {size} of {data.batch_size} examples: "
            f"{_words(error)}. Another --batch-size leaves another number of examples"
        )
    if isinstance(error, ClosureNotCalledError) and error.__cause__ is None:
        return f": {_words(error)}"  # which has the cures; most have only forgotten the closure
    return f": {_words(error)}. {_cure(trial, data)}"


def _runs_on_the_first_batch(trial: Trial, data: ResidentDataModule) -> bool:
    try:
        _digests(trial, data, only_first_batch=True)
    except _PLUG_IN_ERRORS:
        return False
    return True


def _cure(trial: Trial, data: ResidentDataModule) -> str:
    """Return the first addition to the optimizer's description with which it runs, in words."""
    spec = trial.optimizer
    for words, make in _cures(spec):
        try:
            _digests(_with(trial, make()), data)
        except _PLUG_IN_ERRORS:
            continue
        bare = spec.label == spec.name
        return f"It runs as {spec.name}:{words}" if bare else f"It runs with :{words}"
    return contract(trial)


def _cures(spec: OptimizerSpec) -> Iterator[tuple[str, Callable[[], OptimizerSpec]]]:
    if not is_import_path(spec.name):
        return  # the registry knows what ours need
    if spec.create_graph is not True:
        yield "create_graph=true", lambda: replace(spec, create_graph=True)
    if spec.gradients != "first":
        yield "gradients=first", lambda: replace(spec, gradients="first")
    if spec.rest is None:
        yield "rest=adamw, which leaves it the matrices", lambda: replace(spec, rest=_adamw())


def _adamw() -> OptimizerSpec:
    return parse("adamw")[0]


def _with(trial: Trial, spec: OptimizerSpec, **changes: Any) -> Trial:
    return replace(trial, optimizer=replace(spec, **changes))


def _words(error: BaseException) -> str:
    if isinstance(error, NotImplementedError) and not error.args:
        return (
            "it raises NotImplementedError, as those do that update the weights in a backward "
            "pass of their own, which this loop does not call"
        )
    return error_line(error, 400 if isinstance(error, BenchmarkError) else 200)
