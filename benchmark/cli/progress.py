"""What is going on, live: a row per optimizer in a terminal, a line per trial elsewhere."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from benchmark.spec import Trial
from benchmark.store import Record


@dataclass
class _Line:
    """The state of one optimizer on one problem."""

    total: int = 0
    over: int = 0
    running: int = 0
    loss: float | None = None


class Progress:
    """Shows how far the trials are; it is a `launchers.Watcher`.

    Args:
        console: Where to show it.
        trials: All that will run.
        estimate: Seconds that one trial takes, for the time left before the first one is over.
        workers: Trials at once.
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
        for trial in trials:
            self._line(trial).total += 1
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def started(self, trial: Trial) -> None:
        """Count one more running trial."""
        self._line(trial).running += 1

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Show the latest loss."""
        self._line(trial).loss = loss

    def finished(self, record: Record) -> None:
        """Count one more trial that is over; say so where there is no live table."""
        line = self._line(record.trial)
        line.over += 1
        line.running = max(0, line.running - 1)
        self._left.pop(record.trial.key, None)
        if not self._console.is_terminal:
            over, total = len(self._expected) - len(self._left), len(self._expected)
            words = f"{record.trial.problem} {record.trial.label} seed {record.trial.seed}"
            ending = f" ({record.reason})" if record.reason else ""
            self._console.print(
                f"[{over}/{total}] {words}: {record.status}{ending}; {in_words(self._eta())} left",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def _line(self, trial: Trial) -> _Line:
        return self._lines.setdefault((trial.problem, trial.label), _Line())

    def _eta(self) -> float:
        """Return seconds left, from the pace so far once some trial is over."""
        left = sum(self._left.values())
        over = sum(self._expected.values()) - left
        if over > 0:
            return left * (time.perf_counter() - self._started) / over
        return left / self._workers

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("problem", "optimizer", "trials", "running", "loss"):
            justify = "left" if name in ("problem", "optimizer") else "right"
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for (problem, label), line in self._lines.items():
            loss = "-" if line.loss is None else f"{line.loss:.4f}"
            running = str(line.running or "")
            table.add_row(problem, label, f"{line.over}/{line.total}", running, loss)
        table.caption = f"{in_words(self._eta())} left"
        table.caption_justify = "left"
        return table


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
