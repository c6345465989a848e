"""The check of shipped trials: one of them trains again here, and how far off it is.

A trial of more than `SECONDS` is checked by its first steps: the running loss after them does not
depend on how many follow, nor on evaluations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmark.decode import Row
from benchmark.estimates import Durations
from benchmark.metrics import CHOOSING, RUNNING
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import Store

SECONDS = 8.0  # of training, at most, where a trial is not checked whole


@dataclass(frozen=True, kw_only=True)
class SpotCheck:
    """The check of a shipped trial.

    Args:
        record: The shipped record, whose trial is to train here.
        first: A row of the shipped curve with the running loss after its first steps, up to which
            the trial is to train here; None for the whole trial.
    """

    record: Record
    first: Row | None = None

    @property
    def trial(self) -> Trial:
        """The trial that trains again."""
        return self.record.trial

    @property
    def first_steps(self) -> int:
        """The number of steps to train; 0 for all."""
        return int(self.first["step"]) if self.first else 0

    @property
    def title(self) -> str:
        """What trains again, in words."""
        part = f" (its first {self.first_steps:,} steps)" if self.first else ""
        return f"{self.trial.label} on {self.trial.problem}, seed {self.trial.seed}{part}"

    def outcome(self, store: Store) -> str:
        """Return in words how far the trial is off that a launcher has trained in a store."""
        again = store.record(self.trial)
        if again is None or again.status != self.record.status:
            found = _other_status(self.record.status, again)
        elif self.first:
            found = _how_far_then(self.first, store.metrics(self.trial))
        else:
            found = _how_far(self.record, again)
        return f"{self.title}, trained again here: {found}"


def spot_check(reused: Sequence[Record], curve: Callable[[Trial], Sequence[Row]]) -> SpotCheck:
    """Return the check of the fastest of some shipped trials, of those that are done if any.

    Args:
        reused: Shipped records, one at least.
        curve: A function that returns the shipped curve of a trial.
    """
    seconds = Durations(()).estimate_seconds
    done = [each for each in reused if each.status == "done"] or list(reused)
    record = min(done, key=lambda each: seconds(each.trial))
    part = SECONDS / seconds(record.trial)
    if part >= 1 or record.status != "done":
        return SpotCheck(record=record)
    rows = [row for row in curve(record.trial) if RUNNING in row]
    most = part * max((row["step"] for row in rows), default=0.0)
    affordable = [row for row in rows if row["step"] <= most]
    return SpotCheck(record=record, first=affordable[-1] if affordable else next(iter(rows), None))


def _how_far(shipped: Record, again: Record) -> str:
    """Return in words how a trial that was trained again differs from the shipped one."""
    bits = "equal" if again.weights_sha256 == shipped.weights_sha256 else "not equal"
    metric = CHOOSING[0]
    values = [each.metrics.get(metric) for each in (again, shipped)]
    if None in values:
        return f"the weights are {bits} in every bit"
    now, then = (value or 0.0 for value in values)
    return f"{_off(metric, now, then)}, and the weights are {bits} in every bit"


def _how_far_then(first: Row, again: Sequence[Row]) -> str:
    """Return in words how the first steps of a trial differ from those of the shipped one."""
    rows = [row for row in again if row["step"] == first["step"] and RUNNING in row]
    if not rows:
        return f"it has no {RUNNING} after step {first['step']:g}"
    return f"{_off(RUNNING, rows[-1][RUNNING], first[RUNNING])} after step {first['step']:g}"


def _off(metric: str, now: float, then: float) -> str:
    return f"{metric} is off by {abs(now - then):.3g} from {then:.6g}"


def _other_status(wanted: str, again: Record | None) -> str:
    found = f"{again.status} ({again.reason})" if again else "no record"
    return f"{found} instead of {wanted}"
