"""The forecast of a run: its trials, their duration and the disk space they need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.context import Stack
from benchmark.estimates import UNKNOWN_EPOCH_SECONDS, Durations
from benchmark.launchers import Launcher, Packer
from benchmark.planning import TrialPlan
from benchmark.record import was_busy
from benchmark.report.words import busy_words, counted, duration_words, together
from benchmark.spec import Trial
from benchmark.stacked.packs import Packs, seconds_saved, sizes
from benchmark.store import Store

_NONE = Packs()


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The summary that is printed before a run.

    Args:
        problems: Names, each with its epochs.
        optimizers: Labels.
        num_seeds: Seeds per optimizer.
        num_trials: All trials of the study.
        num_to_run: Trials without a result.
        doing: Purpose of the trials to run now, if others follow; otherwise empty.
        num_later: Trials that will follow, as far as that is known.
        seconds: Estimated duration of the trials to run and of those that follow.
        guessed: Problems whose time is a guess, because no such trial of them is done.
        disk_bytes: Estimated disk space of these trials and of data still to be prepared.
        workers: Number of trials that run in parallel.
        folder: Folder of the results.
        origins: Lines on settings and trials of shipped baselines.
        num_reused: Number of such trials that are not trained again.
        rules: Lines on what is compared, and on the looks that are declared.
        widened: Lines on ranges that were widened.
        obstacles: Lines on what will keep the study from verdicts.
        busy: A warning about the records so far, whose seconds the estimate rests on; empty if the
            machine was not busy.
        packs: The trials to run, as packs and alone.
        says_why: Say why trials are alone.
    """

    problems: tuple[str, ...]
    optimizers: tuple[str, ...]
    num_seeds: int
    num_trials: int
    num_to_run: int
    doing: str
    num_later: int
    seconds: float
    disk_bytes: int
    workers: int
    folder: Path
    origins: tuple[str, ...] = ()
    num_reused: int = 0
    rules: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    busy: str = ""
    packs: Packs = _NONE
    says_why: bool = False
    guessed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the values that ``--dry-run --json`` prints."""
        return {
            "problems": list(self.problems),
            "optimizers": list(self.optimizers),
            "seeds": self.num_seeds,
            "trials": self.num_trials,
            "to run": self.num_to_run,
            "later": self.num_later,
            "reused": self.num_reused,
            "minutes": round(self.seconds / 60, 1),
            "guessed": list(self.guessed),
            "disk MB": self._megabytes(),
            "packs": sizes(self.packs),
            "alone": dict(self.packs.reasons),
            "busy": self.busy,
            "results": str(self.folder),
            "warnings": list(self.obstacles),
        }

    def lines(self) -> list[str]:
        """Return the lines that a terminal shows."""
        return [
            f"problems    {', '.join(self.problems)}",
            f"optimizers  {', '.join(self.optimizers)}",
            *self.rules,
            *self.origins,
            *map(widened_line, self.widened),
            f"trials      {self._trials()}, "
            f"about {duration_words(self.seconds)} with {counted(self.workers, 'worker')}",
            *self._guess(),
            *self.packs.lines(says_why=self.says_why),
            f"results     {self.folder}, about {self._megabytes()} MB with prepared data",
            *(f"warning     {each}" for each in self.obstacles),
            *[self.busy] * bool(self.busy),
        ]

    def _trials(self) -> str:
        if not self.doing:
            seeds = counted(self.num_seeds, "seed")
            return f"{self.num_trials} with {seeds}, {self.num_to_run} to run"
        later = f", then about {self.num_later} more" if self.num_later else ""
        return f"{self.num_to_run} to run for {self.doing}{later}"

    def _guess(self) -> Iterator[str]:
        if self.guessed:
            yield (
                f"            the time is a guess: {together(self.guessed)} at "
                f"{UNKNOWN_EPOCH_SECONDS:g} s an epoch; the first trial that is done corrects it"
            )

    def _megabytes(self) -> float:
        return round(self.disk_bytes / 1e6, 1)


def widened_line(words: str) -> str:
    """Return a line of the terminal on a widened range."""
    return f"widened     {words}"


def forecast(
    plan: TrialPlan, store: Store, launcher: Launcher, workers: int, *, is_full: bool = False
) -> Forecast:
    """Return the forecast of `plan`, estimated from the records so far.

    Args:
        plan: The trials.
        store: The study's folder.
        launcher: The launcher that is to run them.
        workers: Number of trials that run in parallel.
        is_full: Say why trials are in no pack.
    """
    records = store.records() if plan.missing else []
    done = [record for record in records if record.status == "done"]
    durations = Durations(records)
    problems = {f"{t.problem} ({counted(t.epochs, 'epoch')})": None for t in plan.trials}
    later = [trial for trial, count in plan.later for _ in range(count)]
    everything = [*plan.missing, *later]
    packs_of = partial(_packs, stack=plan.stack, launcher=launcher, store=store)
    return Forecast(
        problems=tuple(problems),
        optimizers=plan.contestants or tuple({trial.label: None for trial in plan.trials}),
        num_seeds=len({trial.seed for trial in plan.trials}),
        num_trials=len(plan.trials),
        num_to_run=len(plan.missing),
        doing=plan.doing if plan.missing else "",
        num_later=len(later),
        seconds=_seconds(everything, packs_of(everything), durations, workers),
        guessed=tuple(durations.guessed(everything)),
        disk_bytes=plan.num_bytes,
        workers=workers,
        folder=store.folder,
        origins=plan.origins,
        num_reused=len(plan.reused),
        rules=plan.rules,
        widened=plan.widened,
        obstacles=plan.obstacles,
        busy=busy_words(sum(map(was_busy, done)), len(done)),
        packs=packs_of(plan.missing),
        says_why=is_full,
    )


def _packs(trials: Sequence[Trial], stack: Stack, launcher: Launcher, store: Store) -> Packs:
    if stack == "off" or not trials:
        return Packs(alone=tuple(trials))
    if isinstance(launcher, Packer):
        return launcher.packs(trials, stack, store)
    name = type(launcher).__name__
    why = f"the {name} gives each trial a process of its own; LocalLauncher makes packs"
    return Packs(alone=tuple(trials), reasons={why: len(trials)})


def _seconds(trials: Sequence[Trial], packs: Packs, durations: Durations, workers: int) -> float:
    """Return the estimated duration of `trials`, some of which take less because of packs."""
    saved = seconds_saved(packs, durations.estimate_seconds)
    return durations.estimate_in_all(trials, workers) - saved / workers
