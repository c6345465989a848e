"""Live progress of a study: a row per optimizer in a terminal, otherwise a line per trial."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from benchmark.plain_text import LABEL_LENGTH, plain
from benchmark.record import Record
from benchmark.report.words import duration_words
from benchmark.spec import Trial

_SHORT = 80  # characters of a reason; the table at the end shows more
_SLOW_START_SECONDS = 5.0  # a trial without a step after this time is probably compiling


@dataclass
class _Line:
    """The state of one optimizer on one problem, accelerator and precision."""

    total: int = 0
    over: int = 0
    running: set[str] = field(default_factory=set)  # keys, because a crashed trial starts twice
    starting: dict[str, float] = field(default_factory=dict)  # start of trials without a step
    left: float = 0.0  # expected seconds of the trials that are not over
    loss: float | None = None


class Progress:
    """A `launchers.Watcher` that shows the progress of the trials.

    Args:
        console: The console to print on.
        trials: All trials that will run.
        estimate: Expected seconds of one trial; used until the first trial has finished.
        workers: Number of trials that run in parallel.
    """

    def __init__(
        self,
        console: Console,
        trials: Sequence[Trial],
        estimate: Callable[[Trial], float],
        workers: int,
    ) -> None:
        self._console = console
        self._workers = workers
        self._started = time.perf_counter()
        self._expected = {trial.key: estimate(trial) for trial in trials}
        self._left = dict(self._expected)
        self._lines: dict[tuple[str, str], _Line] = {}
        places = {(trial.accelerator, trial.precision) for trial in trials}
        self._names_place = len(places) > 1
        for trial in trials:
            line = self._line(trial)
            line.total += 1
            line.left += self._expected[trial.key]
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._show(self._live.start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._show(self._live.stop)

    def _show(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as error:  # a display error must not stop the trials
            warnings.warn(
                f"progress is not shown ({type(error).__name__}: {error}); trials go on",
                stacklevel=2,
            )

    def started(self, trial: Trial) -> None:
        """Count one more running trial."""
        line = self._line(trial)
        line.running.add(trial.key)
        line.starting[trial.key] = time.perf_counter()

    def begun(self, trial: Trial) -> None:
        """Do nothing: a trial that has begun has not taken a step yet."""

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Show the latest loss."""
        line = self._line(trial)
        line.loss = loss
        line.starting.pop(trial.key, None)

    def said(self, text: str) -> None:
        """Print it."""
        self._console.print(text, markup=False, soft_wrap=True)

    def finished(self, record: Record) -> None:
        """Count one more finished trial; print a line for it where there is no live table."""
        line = self._line(record.trial)
        line.over += 1
        line.running.discard(record.trial.key)
        line.starting.pop(record.trial.key, None)
        line.left -= self._left.pop(record.trial.key, 0.0)
        if not self._console.is_terminal:
            over, total = len(self._expected) - len(self._left), len(self._expected)
            problem, label = self._name(record.trial)
            words = f"{problem} {label} seed {record.trial.seed}"
            ending = f" ({plain(record.reason, most=_SHORT)})" if record.reason else ""
            self._console.print(
                f"[{over}/{total}] {words}: {record.status}{ending}; "
                f"{duration_words(self._eta())} left",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def _name(self, trial: Trial) -> tuple[str, str]:
        place = f" {trial.accelerator} {trial.precision}" if self._names_place else ""
        return plain(trial.problem), plain(trial.label, LABEL_LENGTH) + place

    def _line(self, trial: Trial) -> _Line:
        return self._lines.setdefault(self._name(trial), _Line())

    def _eta(self, left: float | None = None) -> float:
        """Return the seconds until `left` is done, scaled by the pace so far if it is known.

        Args:
            left: Expected seconds of work; None for all remaining work.
        """
        all_left = sum(self._left.values())
        left = all_left if left is None else left
        over = sum(self._expected.values()) - all_left
        if over > 0:
            return left * (time.perf_counter() - self._started) / over
        return left / self._workers

    def _left_of(self, line: _Line) -> str:
        return duration_words(self._eta(line.left)) if line.over < line.total else ""

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("problem", "optimizer", "trials", "running", "loss", "left"):
            justify = "left" if name in ("problem", "optimizer") else "right"
            table.add_column(name, justify=justify, no_wrap=name != "optimizer")  # type: ignore[arg-type]
        for (problem, label), line in self._lines.items():
            loss = "-" if line.loss is None else f"{line.loss:.4g}"
            running = str(len(line.running) or "")
            left = _starting(line) or self._left_of(line)
            trials = f"{line.over}/{line.total}"
            table.add_row(Text(problem), Text(label), trials, running, loss, left)
        table.caption = f"{duration_words(self._eta())} left in all"
        table.caption_justify = "left"
        return table


def _starting(line: _Line) -> str:
    """Return the words for a line where no running trial has taken a step yet."""
    if not line.running or line.running - line.starting.keys():
        return ""
    seconds = time.perf_counter() - min(line.starting.values())
    if seconds < _SLOW_START_SECONDS:
        return "starting"
    return f"starting (compiling?), {duration_words(seconds)}"
