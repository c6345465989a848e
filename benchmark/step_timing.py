"""Timing of the steps of several optimizers on one problem, in turn, in one process.

The model and the data are those of a trial, and each step is a training step: zeroing, forward and
backward pass, and the optimizer's own part, which a clock inside the step separates.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from msgspec.structs import replace

from benchmark.context import Context
from benchmark.declaration import now
from benchmark.garbage import no_garbage_collection
from benchmark.plain_text import error_line
from benchmark.runner import build_model, set_up_data
from benchmark.spec import Trial
from benchmark.step_costs import FEWEST_ROUNDS, StepCost, ratio_of
from optimizers.contract import switch_to_training

SECONDS = 2.0  # of timing per problem
_MOST_SECONDS = 15.0  # where the fewest rounds take longer than that, nothing is known
_MOST_ROUNDS = 61
_WINDOW_SECONDS = 0.004  # a turn: short against other work's bursts, several steps of small models
_START_STEPS = 3  # the first ones allocate and compile
_NUM_BATCHES = 16
_PLUG_IN_ERRORS = (Exception, SystemExit, KeyboardInterrupt)  # Ctrl-C does not reach this process


def time_steps(trials: Sequence[Trial], context: Context) -> list[StepCost]:
    """Time the training steps of `trials`, which differ in their optimizers.

    Args:
        trials: One trial per optimizer, that of the reference first.
        context: Folders of the data, and the environment with the processor's name.

    Returns:
        A cost for each trial but the first. If an optimizer, or the reference, cannot be timed,
        its cost says why.
    """
    torch.set_num_threads(trials[0].threads)
    runners = [_started(trial, context) for trial in trials]
    able = [runner for runner in runners if not runner.failure]
    if not runners[0].failure and len(able) > 1:
        _take_turns(able)
    return [_cost(runner, runners[0], context.environment.cpu or "") for runner in runners[1:]]


class StepClock:
    """A `StepWatcher` that times the optimizer's own part of every step.

    Args:
        finish: Waits for the device.
    """

    def __init__(self, finish: Callable[[], object]) -> None:
        self.seconds = 0.0
        self.gradients = 0
        self._finish = finish
        self._begun = 0.0

    def wants(self, step: int) -> bool:
        """Return True."""
        return True

    def step_starts(self) -> None:
        """Reset and start the clock."""
        self.seconds, self.gradients = 0.0, 0
        self._resume()

    def closure_starts(self) -> None:
        """Stop the clock."""
        self._pause()

    def closure_ends(self) -> None:
        """Restart the clock."""
        self.gradients += 1
        self._resume()

    def step_ends(self) -> None:
        """Stop the clock."""
        self._pause()

    def _resume(self) -> None:
        self._finish()
        self._begun = time.perf_counter()

    def _pause(self) -> None:
        self._finish()
        self.seconds += time.perf_counter() - self._begun


@dataclass(frozen=True, kw_only=True)
class _Step:
    """Seconds of a training step and of the optimizer's own part; number of gradients."""

    training: float
    own: float
    gradients: float


@dataclass(kw_only=True)
class _Runner:
    """A trial whose steps are timed, with a median step of each round."""

    trial: Trial
    step: Callable[[], _Step] | None = None
    steps_per_turn: int = 1
    rounds: list[_Step] = field(default_factory=list)
    failure: str = ""

    def take_turn(self) -> None:
        """Take the steps of one turn; short ones after one that loads the caches."""
        assert self.step is not None
        if self.steps_per_turn > 1:
            self.step()
        steps = [self.step() for _ in range(self.steps_per_turn)]
        self.rounds.append(_median(steps))


def _started(trial: Trial, context: Context) -> _Runner:
    """Return a runner after the first steps of `trial`, or one that says why it cannot start."""
    if trial.precision != "32-true":
        return _Runner(trial=trial, failure=f"steps are not timed in {trial.precision}")
    try:
        step = _step_of(trial, context)
        first = [step().training for _ in range(_START_STEPS)]
        count = round(_WINDOW_SECONDS / min(first))
    except _PLUG_IN_ERRORS as error:
        return _Runner(trial=trial, failure=error_line(error, 200))
    return _Runner(trial=trial, step=step, steps_per_turn=max(1, count))


def _step_of(trial: Trial, context: Context) -> Callable[[], _Step]:
    """Return a function that takes the next training step of `trial` and times it."""
    data = set_up_data(trial, context)
    model = build_model(trial, data)
    finish: Callable[[], object] = lambda: None  # noqa: E731
    if trial.accelerator != "cpu":
        device = torch.device("cuda" if trial.accelerator == "gpu" else trial.accelerator)
        data.to(device)
        model.to(device)
        finish = torch.accelerator.synchronize
    model.train()
    batches = itertools.cycle(itertools.islice(_each(data.train_dataloader()), _NUM_BATCHES))
    optimizer = model.build_optimizer()
    switch_to_training(optimizer)
    clock = StepClock(finish)
    model.watchers.append(clock)

    def step() -> _Step:
        batch = next(batches)
        finish()
        began = time.perf_counter()
        model.take_step(optimizer, batch)
        finish()
        seconds = time.perf_counter() - began
        return _Step(training=seconds, own=clock.seconds, gradients=clock.gradients)

    return step


def _each(loader: Any) -> Iterator[Any]:
    """Yield the batches of a loader that yields them one by one or in chunks."""
    for found in loader:
        yield from [found] if isinstance(found, (tuple, list)) else found


def _take_turns(runners: list[_Runner]) -> None:
    """Let the runners take turns; the order is reversed from round to round."""
    with no_garbage_collection():
        started, order = time.perf_counter(), list(runners)
        while order and not _is_over(runners, time.perf_counter() - started):
            for runner in order:
                try:
                    runner.take_turn()
                except _PLUG_IN_ERRORS as error:
                    runner.failure = error_line(error, 200)
            order = [runner for runner in reversed(order) if not runner.failure]


def _is_over(runners: Sequence[_Runner], seconds: float) -> bool:
    rounds = max(len(runner.rounds) for runner in runners)
    if rounds < FEWEST_ROUNDS:
        return seconds > _MOST_SECONDS
    return rounds >= _MOST_ROUNDS or seconds > SECONDS


def _cost(runner: _Runner, reference: _Runner, cpu: str) -> StepCost:
    failure = runner.failure or reference.failure
    rounds = min(len(runner.rounds), len(reference.rounds))
    if not failure and rounds < FEWEST_ROUNDS:
        failure = f"{FEWEST_ROUNDS} rounds take more than {_MOST_SECONDS:g} s"
    untimed = StepCost(
        trial=runner.trial.key, reference=reference.trial.key, cpu=cpu, at=now(), failure=failure
    )
    if failure:
        return untimed
    mine, theirs = runner.rounds[:rounds], reference.rounds[:rounds]
    step, other = _median(mine), _median(theirs)
    return replace(
        untimed,
        rounds=rounds,
        own=ratio_of([each.own for each in mine], [each.own for each in theirs]),
        training=ratio_of([each.training for each in mine], [each.training for each in theirs]),
        share=statistics.median(each.own / each.training for each in mine),
        own_seconds=step.own,
        training_seconds=step.training,
        gradients=step.gradients,
        reference_gradients=other.gradients,
    )


def _median(steps: Sequence[_Step]) -> _Step:
    return _Step(
        training=statistics.median(step.training for step in steps),
        own=statistics.median(step.own for step in steps),
        gradients=statistics.median(step.gradients for step in steps),
    )
