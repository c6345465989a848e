"""Mirroring of trials while they run: one thread of the launching process reads their files.

No failure here affects the study: an error, a crash or a hang of the service costs only a warning.
The files are the truth, so after an error every open run is sent again from its file. Runs that
cannot be completed are noted in the `ledger`, and the next command completes them.
"""

import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from benchmark.decode import Row
from benchmark.errors import Misfit
from benchmark.mirror.ledger import Ledger
from benchmark.mirror.tail import Tail
from benchmark.plain_text import error_line
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import Store

_SECONDS_BETWEEN_LOOKS = 1.0
_MOST_FAILURES = 3  # in a row, after which mirroring is given up
_MOST_FAILURES_OF_A_TRIAL = 3
_SECONDS_TO_STOP = 1.0  # for the thread to end by itself, before the service is ended


class Run(Protocol):
    """The copy of a trial elsewhere.

    Attributes:
        id: Its id there, which may differ from the requested one.
    """

    id: str

    def log(self, row: Row) -> None:
        """Send one row."""

    def finish(self, record: Record) -> None:
        """Send the record, and return when everything has arrived."""

    def fail(self, reason: str) -> None:
        """Close the run of a trial that gave no result."""


class Sink(Protocol):
    """A destination of copies. One thread calls its methods, which may raise any exception.

    Attributes:
        name: Name for messages.
        cure: Instruction to complete incomplete runs, for messages.
        completes: True if a later process can complete a run that this one has begun.
        place: Name that tells its ledger from those of other sinks.
    """

    name: str
    cure: str
    completes: bool
    place: str

    def start(self) -> None:
        """Get ready."""

    def new_id(self, trial: Trial) -> str:
        """Return a new id for a run of `trial`; any thread may call this."""

    def may_open(self) -> bool:
        """Return whether another run may be opened now."""

    def open(self, trial: Trial, run_id: str) -> Run:
        """Return a run of `trial`; an existing run with this id is overwritten.

        If this id cannot be used, the run has another one.
        """

    def forget(self, trial: Trial) -> None:
        """Drop a run of `trial` that was begun and kept; a new attempt sends other rows."""

    def start_again(self, failures: int) -> str:
        """Abandon all runs and get ready again; return a notice for the user, or ""."""

    def end(self, *, at_once: bool) -> None:
        """Close the sink after everything is sent; with `at_once`, do not wait.

        With `at_once`, any thread may call this.
        """


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Time limits, in seconds, for a study that waits for its mirror at the end.

    Args:
        silent: Limit for a time in which nothing is sent; longer than any working service needs.
        in_all: Limit for the whole wait.
        interrupted: Limit after Ctrl-C or an error.
    """

    silent: float = 40.0
    in_all: float = 120.0
    interrupted: float = 0.5


@dataclass(kw_only=True)
class _Followed:
    """A mirrored trial: its log, its run if one is open, and its record once that exists."""

    trial: Trial
    run_id: str
    tail: Tail
    run: Run | None = None
    record: Record | None = None
    failures: int = 0

    def new_rows(self) -> list[Row]:
        """Return the rows that were added since the last call; none if the log is damaged."""
        try:
            return self.tail.rows() + (self.tail.last_rows() if self.record else [])
        except Misfit:
            return []  # the store warns of damage when it reads the whole log


class LiveMirror:
    """A `launchers.Watcher` and context manager that mirrors the trials of a launcher.

    It also completes runs that earlier processes left incomplete, if the sink can do that.

    Args:
        sink: The destination of the copies.
        store: The study.
        patience: Time limits for the wait at the end.
    """

    def __init__(self, sink: Sink, store: Store, patience: Patience | None = None) -> None:
        self._sink = sink
        self._patience = patience or Patience()
        self._ledger = Ledger(store.folder if sink.completes else None, sink.place)
        self._follower = _Follower(sink, store, self._ledger)
        self._closed = False

    def __enter__(self) -> Self:
        self._try(self._start)
        return self

    def started(self, trial: Trial) -> None:
        """Print the thread's notes."""
        self._say_news()

    def begun(self, trial: Trial) -> None:
        """Follow the files of `trial`; after a crash of its worker, again from their start."""
        self._try(lambda: self._follow(trial))

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Print the thread's notes."""
        self._say_news()

    def said(self, text: str) -> None:
        """Do nothing: runs say nothing of launchers."""

    def finished(self, record: Record) -> None:
        """Complete the run of a trial that this process ran."""
        self._try(lambda: self._follower.tell(lambda: self._follower.complete(record)))

    def close(self, *, at_once: bool = False) -> None:
        """Wait within `patience` until everything is sent; Ctrl-C ends only this wait.

        Args:
            at_once: Do not wait; the next command sends the rest.
        """
        if not self._closed:
            self._closed = True
            self._try(lambda: self._close(at_once))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(at_once=kind is not None)

    def _try(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as error:
            self._follower.lose(error)
        self._say_news()

    def _start(self) -> None:
        self._ledger.__enter__()
        self._follower.start()

    def _follow(self, trial: Trial) -> None:
        run_id = self._ledger.owed.get(trial.key) or self._sink.new_id(trial)
        self._ledger.begin(trial.key, run_id)
        self._follower.tell(lambda: self._follower.follow(trial, run_id))

    def _close(self, at_once: bool) -> None:
        try:
            self._follower.close(self._patience, at_once=at_once)
        except KeyboardInterrupt:
            self._follower.give_up()
        if not at_once:
            self._follower.note_what_is_left()
        self._ledger.__exit__(None, None, None)

    def _say_news(self) -> None:
        while self._follower.notes:
            warnings.warn(self._follower.notes.popleft(), stacklevel=3)


class _Follower:
    """The thread that reads files and sends new rows.

    Attributes:
        notes: Messages for the user, in order.
    """

    def __init__(self, sink: Sink, store: Store, ledger: Ledger) -> None:
        self.notes: deque[str] = deque()
        self._sink = sink
        self._store = store
        self._ledger = ledger
        self._followed: dict[str, _Followed] = {}
        self._news: deque[Callable[[], None]] = deque()
        self._wake, self._closing, self._stop = (threading.Event() for _ in range(3))
        self._failures = 0  # since a run was completed
        self._error = ""  # the last error
        self._changed = ""  # notice of a change, shown once the change has proved to work
        self._is_lost = False
        self._moved = time.monotonic()  # when something was last sent
        self._thread = threading.Thread(target=self._work, name="mirror", daemon=True)

    # Methods for the launching thread

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self, what: Callable[[], None]) -> None:
        """Have the thread do `what` next."""
        if not self._is_lost:
            self._news.append(what)
            self._wake.set()

    def close(self, patience: Patience, *, at_once: bool) -> None:
        """Wait until the thread has sent everything, or patience ends."""
        if not self._thread.is_alive():
            return
        self._closing.set()
        if at_once:
            self._stop.set()
        self._wake.set()
        began = time.monotonic()
        most = patience.interrupted if at_once else patience.in_all
        while self._thread.is_alive():
            self._thread.join(_SECONDS_BETWEEN_LOOKS / 20)
            now = time.monotonic()
            if now - began > most or now - max(began, self._moved) > patience.silent:
                self.give_up()
                return

    def give_up(self) -> None:
        """Stop the thread, and end the service, in which it may hang."""
        self._stop.set()
        self._wake.set()
        self._thread.join(_SECONDS_TO_STOP)
        if self._thread.is_alive():
            self._sink.end(at_once=True)

    def lose(self, error: BaseException) -> None:
        """Add one note that nothing more is mirrored."""
        if not self._is_lost:
            self._is_lost = True
            why = f"{self._sink.name}: {error_line(error, 200)}"
            self.notes.append(f"{why}; no more is mirrored, {self._sink.cure}")

    def note_what_is_left(self) -> None:
        """Add a note with the number of incomplete runs, if there are any."""
        left = len(self._ledger.owed)
        if left and not self._is_lost:
            why = self._error or "it takes long"
            self.notes.append(
                f"{self._sink.name}: {why}; runs that are not complete: {left}, {self._sink.cure}"
            )

    # Methods for the thread itself

    def follow(self, trial: Trial, run_id: str) -> None:
        """Read the files of `trial` from now on, and nothing of an earlier attempt."""
        followed = _Followed(trial=trial, run_id=run_id, tail=self._tail(trial))
        before = self._followed.pop(trial.key, None)
        if before is not None:
            before.tail.close()
            if run := before.run:
                self._guarded(before, lambda: run.fail("its worker ended; it is tried once more"))
        # An error may have closed the run here, while the sink has kept it.
        self._guarded(followed, lambda: self._sink.forget(trial))
        self._followed[trial.key] = followed

    def complete(self, record: Record) -> None:
        """Take the record of a trial that is followed."""
        followed = self._followed.get(record.trial.key)
        if followed is not None:
            followed.record = record

    def _work(self) -> None:
        try:
            self._start()
            while self._look():
                self._wake.wait(_SECONDS_BETWEEN_LOOKS)
                self._wake.clear()
            left_open = any(each.run for each in self._followed.values())  # without a record
            self._sink.end(at_once=left_open or self._stop.is_set())
        except BaseException as error:  # wandb calls sys.exit at times
            if not self._stop.is_set():
                self.lose(error)
            with suppress(BaseException):
                self._sink.end(at_once=True)

    def _start(self) -> None:
        try:
            self._sink.start()
        except BaseException as error:
            self._start_again(error)
        owed = dict(self._ledger.owed)
        for record in self._store.records() if owed else ():
            if record.trial.key in owed:
                self.follow(record.trial, owed[record.trial.key])
                self.complete(record)

    def _look(self) -> bool:
        """Read new rows in all files; return whether it is worth looking again at once."""
        closing = self._closing.is_set()  # read first, because rows may arrive during the reading
        while self._news:
            self._news.popleft()()
        for followed in list(self._followed.values()):
            if self._stop.is_set():
                return False
            if followed.run is not None or self._sink.may_open():
                self._guarded(followed, partial(self._advance, followed))
        return not closing or any(each.record for each in self._followed.values())

    def _advance(self, followed: _Followed) -> None:
        if followed.run is None:
            followed.run = self._sink.open(followed.trial, followed.run_id)
            self._note_id(followed, followed.run.id)
        for row in followed.new_rows():
            followed.run.log(row)
            self._moved = time.monotonic()
        if followed.record is not None:
            followed.run.finish(followed.record)
            self._settle(followed)

    def _note_id(self, followed: _Followed, run_id: str) -> None:
        """Keep the actual id of a run, so that it is completed later and not duplicated."""
        if run_id != followed.run_id:
            followed.run_id = run_id
            self._ledger.begin(followed.trial.key, run_id)

    def _guarded(self, followed: _Followed, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            self._recover(followed, error)

    def _settle(self, followed: _Followed) -> None:
        del self._followed[followed.trial.key]
        self._ledger.settle(followed.trial.key)
        self._moved = time.monotonic()
        self._failures = 0
        if self._changed:
            self.notes.append(self._changed)
            self._changed = ""

    def _tail(self, trial: Trial) -> Tail:
        return Tail(self._store.trial_folder(trial) / "metrics.jsonl")

    def _recover(self, followed: _Followed, error: BaseException) -> None:
        """Send all runs again from their files, after an error in one of them."""
        if self._stop.is_set():
            return
        followed.failures += 1
        for each in self._followed.values():
            each.run = None
            each.tail.close()
            each.tail = self._tail(each.trial)
        if followed.failures >= _MOST_FAILURES_OF_A_TRIAL:
            self._followed.pop(followed.trial.key, None)
        self._start_again(error)

    def _start_again(self, error: BaseException) -> None:
        while True:
            self._error = error_line(error, 200)
            self._failures += 1
            self._moved = time.monotonic()
            if self._failures > _MOST_FAILURES:
                raise error
            try:
                changed = self._sink.start_again(self._failures)
            except BaseException as found:
                error = found
            else:
                self._wake.set()  # to look again without a pause
                if changed:
                    self._changed = f"{self._sink.name}: {self._error}; {changed}"
                return
