"""A run in the terminal: its output while a study is completed, and its mirrors."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from benchmark.cli.forecast import forecast, widened_line
from benchmark.cli.sentences import print_statements
from benchmark.estimates import Durations
from benchmark.launchers import Launcher, Watcher
from benchmark.launchers.watchers import Together
from benchmark.mirror.destination import WandbOptions
from benchmark.mirror.ledger import has_left_over
from benchmark.mirror.logger import LoggerSpec
from benchmark.planning import TrialPlan
from benchmark.prepared import Prepared
from benchmark.record import Record
from benchmark.report.kept import verdicts_in
from benchmark.report.table import print_tables, tables_as_json
from benchmark.report.words import counted
from benchmark.spec import Trial
from benchmark.store import Store

if TYPE_CHECKING:
    from benchmark.mirror.live import Sink


class Terminal:
    """A `complete.StudyWatcher` that prints progress and mirrors the trials that run.

    Args:
        console: The console to print on.
        store: The study's folder.
        launcher: The launcher that runs the trials; it says how many run in parallel.
        wandb: Options for the copies on W&B.
        loggers: Lightning loggers that get copies too.
    """

    def __init__(
        self,
        console: Console,
        store: Store,
        launcher: Launcher,
        wandb: WandbOptions,
        loggers: Sequence[LoggerSpec] = (),
    ) -> None:
        self._console = console
        self._store = store
        self._launcher = launcher
        self._wandb = wandb
        self._loggers = loggers
        self._sinks: Sequence[Sink] = ()
        self._has_run = False
        self._plan = TrialPlan(trials=(), missing=())

    def say(self, text: str) -> None:
        """Print one line, unformatted and unwrapped."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def noticed(self, notice: str) -> None:
        """Print the notice."""
        self.say(notice)

    def planned(self, plan: TrialPlan) -> None:
        """Print what will run and where its copies go; if nothing will, complete older copies.

        Raises:
            UsageError: a requested mirror is not possible.
        """
        self._plan = plan
        if self._has_run:
            self._say_stage(plan)
            return
        if plan.missing or plan.reused:
            self._has_run = True
            self._say_plan(plan, self._choose_sinks(plan.missing))
            return
        if self._copies_are_left_over():
            self._complete_mirrors()
        elif self._loggers:
            self._say_how_loggers_are_fed()

    def _say_how_loggers_are_fed(self) -> None:
        """Check the loggers, and say that trials on record are not fed to them."""
        from benchmark.cli.loggers import logger_sinks

        for sink in logger_sinks(self._loggers, self._store):
            push = _verb("push", self._store)
            self.say(f"{sink.name}: trials on record are not fed to it; `{push} --logger …` does")

    def checked(self, outcome: str) -> None:
        """Print the outcome of a spot check."""
        self.say(f"spot check  {outcome}")

    def prepared(self, data: Prepared) -> None:
        """Print the origin of a data set, and its notices."""
        self.say(f"data        {data}")
        for notice in data.notices:
            self.say(f"warning: {notice}")

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Return a context that shows `doing` while it lasts."""
        return self._console.status(doing)

    @contextmanager
    def launching(self, trials: Sequence[Trial]) -> Iterator[Watcher]:
        """Show the progress of `trials`, and mirror them."""
        from benchmark.cli.mirrors import mirrored
        from benchmark.cli.progress import Progress

        durations, workers = Durations(self._store.records()), self._workers(trials)
        with (
            mirrored(self._sinks, self._store, self._console) as mirrors,
            Progress(self._console, trials, durations.estimate_seconds, workers) as progress,
        ):
            yield Together(progress, *mirrors)

    def report(self, records: Sequence[Record], *, as_json: bool) -> int:
        """Print the tables of the completed study, and return the exit code."""
        if as_json:
            click.echo(json.dumps(self._as_json(records), indent=1))
        else:
            # of all that was declared, even if less was asked for now
            verdicts = verdicts_in(self._store, self._store.records)
            print_tables(self._console, records, verdicts=verdicts)
            if verdicts is not None:
                print_statements(self._console, verdicts.statements)
            done = "" if self._has_run else "all trials were on record; "
            again = _verb("show", self._store)
            self.say(f"\n{done}files: {self._store.folder}   again: {again}")
            self.say(f"as a page: {_verb('report', self._store)}")
        lacking = len(self._plan.trials) - len(records)
        if lacking:
            self.say(
                f"{counted(lacking, 'trial')} without a record: another process or a job has them; "
                "the same command goes on"
            )
        failed = [record.trial.purpose for record in records if record.status == "failed"]
        if points := len(failed) - failed.count("evaluation"):
            self.say(
                f"{counted(points, 'trial')} of the tuning failed: these points count as worst"
            )
        return 1 if lacking or "evaluation" in failed else 0

    def _as_json(self, records: Sequence[Record]) -> object:
        """Return the tables; with those of a tuned study, its verdicts."""
        verdicts = verdicts_in(self._store, self._store.records)
        tables = tables_as_json(records)
        return tables if verdicts is None else {"tables": tables, **verdicts.as_json}

    def _choose_sinks(self, missing: Sequence[Trial]) -> list[str]:
        """Choose the sinks, try the loggers on one trial, and return a line for each sink."""
        from benchmark.cli.loggers import logger_sinks, try_loggers
        from benchmark.cli.mirrors import choose_sinks

        sinks, place = choose_sinks(self._wandb, self._store, len(missing))
        loggers = logger_sinks(self._loggers, self._store)
        self._sinks = [*sinks, *loggers]
        return [place, *(try_loggers(loggers, missing[0]) if missing else ())]

    def _copies_are_left_over(self) -> bool:
        places = ("", *(logger.place for logger in self._loggers))
        return any(has_left_over(self._store.folder, place) for place in places)

    def _complete_mirrors(self) -> None:
        """Complete the mirrored runs that a process left incomplete when it ended."""
        from benchmark.cli.mirrors import mirrored

        self._choose_sinks(())
        with mirrored(self._sinks, self._store, self._console):
            pass

    def _say_plan(self, plan: TrialPlan, places: Sequence[str]) -> None:
        for line in forecast(plan, self._store, self._launcher, self._workers(plan.trials)).lines():
            self.say(line)
        for place in filter(None, places):
            self.say(place)

    def _say_stage(self, plan: TrialPlan) -> None:
        for words in plan.widened:
            self.say(widened_line(words))
        if plan.doing and plan.missing:
            trials = counted(len(plan.missing), "trial")
            self.say(f"{plan.doing:<11} {trials}")
        if plan.reused:
            self.say(plan.origins[-1])

    def _workers(self, trials: Sequence[Trial]) -> int:
        threads = max((trial.threads for trial in trials), default=1)
        places = {trial.accelerator for trial in trials} or {"cpu"}
        return min(self._launcher.num_at_once(threads, place) for place in places)


def _verb(verb: str, store: Store) -> str:
    """Return the command line that runs `verb` on the study of `store`."""
    root = store.folder.parent
    option = "" if root == Path("results") else f" --results {root}"
    return f"python -m benchmark {verb} {store.study}{option}"
