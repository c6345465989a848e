"""The runner of one trial: it builds the Trainer and seeds the trial."""

import hashlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import LightningModule, Trainer, seed_everything

from benchmark.callbacks.clock import Clock
from benchmark.callbacks.curves import CurveWriter, MetricsFile, Row, Sink
from benchmark.callbacks.diagnostics import Diagnostics
from benchmark.callbacks.divergence import Divergence
from benchmark.callbacks.optimizer_cost import OptimizerCost
from benchmark.callbacks.sigterm import PlainSigterm
from benchmark.context import Context
from benchmark.evaluation import POINTS, Alternating, schedule_of
from benchmark.metrics import SPLITS, own_rows
from benchmark.models.base import Model, StepCall
from benchmark.plugins import data_module_class, model_for, seen_by
from benchmark.prepared import check_as_launched
from benchmark.problems import is_augmented
from benchmark.record import Record
from benchmark.spec import Trial
from datamodules.base import ResidentDataModule

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # importing Lightning resets it


def run(
    trial: Trial,
    context: Context,
    *,
    folder: Path | None = None,
    watch: Callable[[Row], None] | None = None,
    points: int = POINTS,
) -> Record:
    """Train `trial` from its first step to its last, and return its record.

    If `context` asks for its first steps only, training ends after them, and nothing is evaluated.

    Args:
        trial: The trial to run.
        context: Folders of the data, and the environment for the record.
        folder: Folder for ``metrics.jsonl``; None writes no file.
        watch: Function that is called with every new row of metrics.
        points: Number of evaluations after that of the initial weights.

    Raises:
        Exception: any exception of the network, the data or the optimizer; the trial then has no
            result.
    """
    started = time.perf_counter()
    torch.set_num_threads(trial.threads)
    data = set_up_data(trial, context)
    model = build_model(trial, data)
    clock, cost = Clock(started), OptimizerCost()
    with ExitStack() as stack:
        sinks: list[Sink] = [watch] if watch else []
        if folder is not None:
            sinks.append(stack.enter_context(MetricsFile(folder / "metrics.jsonl")))
        curves = _curve_writer(trial, data, clock, sinks)
        divergence = Divergence(curves)
        inside = [Diagnostics(curves, trial.diagnostics_every)] if trial.diagnostics_every else []
        callbacks = [PlainSigterm(), clock, cost, *inside, curves, divergence]
        loaders = _first_part(data, context.first_steps) if context.first_steps else None
        fit(trial, model, data, callbacks, points=points, loaders=loaders)
        return Record(
            trial=trial,
            status="diverged" if divergence.reason else "done",
            reason=divergence.reason,
            progress=curves.progress,
            metrics=curves.last,
            clocks=replace(clock.clocks(), optimizer_step=cost.step_seconds()),
            cost=cost.memory,
            environment=replace(context.environment, device=device_name(trial), data=data.checksum),
            weights_sha256=weights_sha256(model.network),
            own_metrics=own_rows(model.task.metrics),
        )


def _curve_writer(
    trial: Trial, data: ResidentDataModule, clock: Clock, sinks: list[Sink]
) -> CurveWriter:
    return CurveWriter(
        clock,
        sinks,
        batch_size=trial.batch_size,
        num_train=data.num_train,
        log_every=trial.log_every,
    )


def set_up_data(trial: Trial, context: Context) -> ResidentDataModule:
    """Return the data module of `trial`, with the split and the batches of its seed.

    Raises:
        UsageError: the data are not those that the launching process read.
    """
    data = data_module_class(trial.dataset)(
        data_dir=context.data_dir,
        cache_dir=context.cache_dir,
        batch_size=trial.batch_size,
        seed=derived_seed(trial, "batches"),
        split_seed=derived_seed(trial, "split"),
        chunk_size=trial.log_every,
    )
    if folder := context.prepared.get(trial.dataset):
        data.use_prepared(folder)
    if is_augmented(trial.model, trial.dataset):
        data.augmentation_seed = derived_seed(trial, "augmentation")
    data.setup("fit")
    check_as_launched(trial.dataset, data.checksum, context.checksums)
    return seen_by(trial.model, data)


def derived_seed(trial: Trial, purpose: str) -> int:
    """Return a 32-bit seed that depends on (problem, seed, purpose), never on the optimizer."""
    text = f"{trial.problem}|{trial.seed}|{purpose}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def build_model(trial: Trial, data: ResidentDataModule) -> Model:
    """Return the model of `trial` for `data`, with the initial weights of its problem and seed."""
    spec = trial.optimizer
    epoch_steps = -(-data.num_train // trial.batch_size)
    factor = partial(
        spec.schedule.factor, total=trial.epochs * epoch_steps, epoch_steps=epoch_steps
    )
    model_class, size = model_for(trial.model, data)
    seed_everything(derived_seed(trial, "weights"), verbose=False)
    model = model_class(
        data.input_shape,
        size,
        optimizer=partial(spec.build, execution="packed"),  # nothing else holds its parameters
        lr_factor=None if spec.schedule.constant else factor,
        l2=trial.l2,
        dropout=trial.dropout,
        dropout_seed=derived_seed(trial, "dropout"),
    )
    model.step_call = StepCall(
        create_graph=spec.create_graph, gradients_first=spec.gradients == "first"
    )
    return model


def weights_sha256(network: torch.nn.Module) -> str:
    """Return the SHA-256 of the bits of all parameters, in their order."""
    digest = hashlib.sha256()
    for parameter in network.parameters():
        values = parameter.detach().cpu().contiguous().reshape(-1)
        digest.update(values.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Loaders:
    """The loaders of one training run.

    Args:
        training: Loader that goes through `iterations` parts of training, with an evaluation
            after each. To Lightning such a part is an epoch.
        iterations: Number of these parts.
        evaluation: One loader for each of `metrics.SPLITS`.
    """

    training: Any
    iterations: int
    evaluation: list[Any]


class Steps(Protocol):
    """Whatever counts the steps of a training run."""

    steps: int


def loaders_of(trial: Trial, model: Steps, data: ResidentDataModule, points: int) -> Loaders:
    """Return the loaders of `data` for the schedule of `trial`.

    Args:
        trial: The trial.
        model: The model that is trained; its number of steps decides what is evaluated.
        data: The data module of `trial`, on its device.
        points: Number of evaluations after that of the initial weights.
    """
    schedule = schedule_of(trial, data.num_train, data.num_evaluated, points)

    def is_whole() -> bool:
        return model.steps in (0, schedule.steps[-1])

    return Loaders(
        training=data.training_stretches(schedule.steps),
        iterations=len(schedule.steps),
        evaluation=[
            Alternating(data.train_eval_dataloader(), None, is_whole),
            Alternating(data.val_dataloader(), data.val_dataloader(schedule.examples), is_whole),
            Alternating(data.test_dataloader(), None, is_whole),
        ],
    )


def _first_part(data: ResidentDataModule, steps: int) -> Loaders:
    """Return the loaders of the first steps of training, which evaluate nothing."""
    empty = Alternating(data.val_dataloader(), None, lambda: False)
    return Loaders(
        training=data.training_stretches([steps]), iterations=1, evaluation=[empty] * len(SPLITS)
    )


def fit(
    trial: Trial,
    model: LightningModule,
    data: Any,
    callbacks: list[Any],
    *,
    points: int = POINTS,
    loaders: Loaders | None = None,
) -> None:
    """Train and evaluate `model` with the settings of `trial`.

    Args:
        trial: Settings, such as device and precision.
        model: The model of `trial`.
        data: The data module of `trial`, set up; it is moved to the device.
        callbacks: Callbacks for the Trainer.
        points: Number of evaluations after that of the initial weights.
        loaders: Loaders of another training run; None for those of `data`.
    """
    if trial.accelerator != "cpu":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.allow_tf32 = False  # convolutions too compute in the precision named
        data.to(torch.device("cuda" if trial.accelerator == "gpu" else trial.accelerator))
    loaders = loaders or loaders_of(trial, cast(Model, model), data, points)
    trainer = _trainer(trial, callbacks, loaders.iterations)
    with warnings.catch_warnings(), _slurm_unseen():
        # Lightning 2.6 with torch 2.15: https://github.com/Lightning-AI/pytorch-lightning/issues/21326
        warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated")
        trainer.validate(model, dataloaders=loaders.evaluation, verbose=False)  # step 0
        trainer.fit(model, loaders.training, loaders.evaluation)


def _trainer(trial: Trial, callbacks: list[Any], iterations: int) -> Trainer:
    return Trainer(
        accelerator=trial.accelerator,
        devices=1,
        precision=trial.precision,  # type: ignore[arg-type]  # checked by `devices.why_not`
        max_epochs=iterations,
        min_epochs=0,
        callbacks=callbacks,
        plugins=[LightningEnvironment()],  # otherwise variables of Slurm would choose one
        logger=False,
        # Torch is deterministic on the CPU anyway, where this flag would fill every empty tensor.
        deterministic=None if trial.accelerator == "cpu" else "warn",
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
        inference_mode=False,  # metrics made in inference mode could not be reset outside it
    )


@contextmanager
def _slurm_unseen() -> Iterator[None]:
    """Hide Slurm from Lightning during the block.

    Otherwise it would resume from any checkpoint of a job that it finds in the working directory,
    refuse some numbers of tasks, and warn wherever there is a command ``srun``.
    """
    tasks = os.environ.pop("SLURM_NTASKS", None)
    warnings.filterwarnings("ignore", message="The `srun` command is available")
    try:
        yield
    finally:
        if tasks is not None:
            os.environ["SLURM_NTASKS"] = tasks


def device_name(trial: Trial) -> str:
    """Return the name of the GPU that trains a trial, otherwise of its accelerator."""
    return torch.cuda.get_device_name() if trial.accelerator == "gpu" else trial.accelerator
