"""The runner of a pack: trials of one problem, trained as one network."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmark.callbacks.clock import Clock
from benchmark.callbacks.curves import CurveWriter, MetricsFile, Row, Sink
from benchmark.callbacks.divergence import Divergence
from benchmark.callbacks.sigterm import PlainSigterm
from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.evaluation import POINTS
from benchmark.record import Record
from benchmark.runner import build_model, device_name, fit, loaders_of, set_up_data
from benchmark.spec import Trial
from benchmark.stacked.callback import Members, StackedOptimizerCost
from benchmark.stacked.loaders import joined
from benchmark.stacked.members import Member, Share
from benchmark.stacked.model import Seed, StackedModel
from benchmark.stacked.packing import why_not
from benchmark.stacked.steppers import RandomState
from datamodules.base import ResidentDataModule
from datamodules.sparse import Bag

Watch = Callable[[Trial, Row], None]


def run_pack(
    trials: Sequence[Trial],
    context: Context,
    *,
    folders: Sequence[Path] | None = None,
    watch: Watch | None = None,
    points: int = POINTS,
) -> list[Record]:
    """Train `trials` as one network, and return their records in the same order.

    On a CPU each record is the one that the trial would get in a pack of its own, except for its
    seconds, which are the pack's divided by the number of trials, and `Environment.stacked`, that
    number. On a GPU the last bits depend on the other trials.

    Args:
        trials: Trials that differ in optimizer, seed and purpose alone.
        context: Folders of the data, and the environment for the records.
        folders: A folder for each trial's ``metrics.jsonl``; None writes no files.
        watch: Function that is called with every new row of metrics and its trial.
        points: Number of evaluations after that of the initial weights.

    Raises:
        UsageError: the trials cannot be one pack; see `packing.why_not`.
        Exception: any exception of the network, the data or an optimizer; no trial then has a
            result.
    """
    started = time.perf_counter()
    if reason := why_not(trials):
        raise UsageError(f"these trials cannot be stacked: {reason}")
    torch.set_num_threads(trials[0].threads)
    clock, cost = Clock(started), StackedOptimizerCost()
    device = torch.device({"gpu": "cuda"}.get(trials[0].accelerator, trials[0].accelerator))
    first = {trial.seed: trial for trial in reversed(trials)}
    data = {seed: set_up_data(trial, context) for seed, trial in first.items()}
    with ExitStack() as files:
        members = []
        for k, trial in enumerate(trials):
            sinks: list[Sink] = [_told(watch, trial)] if watch else []
            if folders is not None:
                sinks.append(files.enter_context(MetricsFile(folders[k] / "metrics.jsonl")))
            share = Share(clock, len(trials))
            members.append(_member(trial, data[trial.seed], sinks, share, device))
        _fit(members, data, device, [PlainSigterm(), clock, cost, Members()], points)
    step = cost.step_seconds()
    environment = replace(context.environment, device=device_name(trials[0]), stacked=len(trials))
    return [
        Record(
            trial=member.trial,
            status="diverged" if member.divergence.reason else "done",
            reason=member.divergence.reason,
            progress=member.curves.progress,
            metrics=member.curves.last,
            clocks=replace(
                Share(clock, len(trials)).clocks(), optimizer_step=step and step / len(trials)
            ),
            cost=member.cost,
            environment=replace(environment, data=data[member.trial.seed].checksum),
            weights_sha256=member.digest,
        )
        for member in members
    ]


def _told(watch: Watch, trial: Trial) -> Sink:
    return lambda row: watch(trial, row)


def _member(
    trial: Trial,
    data: ResidentDataModule,
    sinks: Sequence[Sink],
    clock: Clock,
    device: torch.device,
) -> Member:
    model = build_model(trial, data)
    random = RandomState(device)
    model.to(device)
    with random:
        optimizer = model.build_optimizer()
    curves = CurveWriter(
        clock,
        sinks,
        batch_size=trial.batch_size,
        num_train=data.num_train,
        log_every=trial.log_every,
    )
    return Member(
        trial=trial,
        model=model,
        optimizer=optimizer,
        random=random,
        curves=curves,
        divergence=Divergence(curves),
    )


def _fit(
    members: Sequence[Member],
    data: Mapping[int, ResidentDataModule],
    device: torch.device,
    callbacks: list[Any],
    points: int,
) -> None:
    first = {member.trial.seed: member for member in reversed(members)}
    seeds = {value: Seed(member) for value, member in first.items()}
    examples = next(iter(data[members[0].trial.seed].val_dataloader()))[0]
    module = StackedModel(
        members,
        tuple(seeds.values()),
        members_last=isinstance(examples, Bag),
        device=device,
    )
    for value, seed in seeds.items():
        data[value].to(device)
        seed.loaders = loaders_of(first[value].trial, module, data[value], points)
    together = joined([seed.loaders for seed in seeds.values()])
    trial = members[0].trial
    fit(trial, module, data[trial.seed], callbacks, points=points, loaders=together)
