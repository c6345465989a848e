"""The check of shipped trials: one of them trains again here, and how far off it is.

A trial of more than `MOST_SECONDS` is checked by its first epoch: training does not depend on how
many epochs follow, unless a schedule ends with the last of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmark.decode import Row
from benchmark.estimates import Durations
from benchmark.metrics import CHOOSING
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import Store

MOST_SECONDS = 20.0
_RUNNING = "train/running_loss"


@dataclass(frozen=True, kw_only=True)
class SpotCheck:
    """The check of a shipped trial.

    Args:
        record: The shipped record.
        trial: The trial to train here: the shipped one, or its first epoch.
        curve: The shipped curve.
    """

    record: Record
    trial: Trial
    curve: Sequence[Row]

    @property
    def title(self) -> str:
        """What trains again, in words."""
        shipped = self.record.trial
        part = "" if self.trial == shipped else f" (the first of {shipped.epochs} epochs)"
        return f"{shipped.label} on {shipped.problem}, seed {shipped.seed}{part}"

    def outcome(self, store: Store) -> str:
        """Return in words how far the trial is off that a launcher has trained in a store."""
        again = store.record(self.trial)
        if self.trial == self.record.trial:
            found = _how_far(self.record, again)
        elif again is None or again.status != "done":
            found = _other_status("done", again)
        else:
            found = _how_far_then(self.curve, store.metrics(self.trial))
        return f"{self.title}, trained again here: {found}"


def spot_check(reused: Sequence[Record], curve: Callable[[Trial], list[Row]]) -> SpotCheck:
    """Return the check of the fastest of some shipped trials, of those that are done if any.

    Args:
        reused: Shipped records, one at least.
        curve: A function that returns the shipped curve of a trial.
    """
    seconds = Durations(()).estimate_seconds
    done = [each for each in reused if each.status == "done"] or list(reused)
    record = min(done, key=lambda each: seconds(each.trial))
    trial, rows = record.trial, curve(record.trial)
    is_long = seconds(trial) > MOST_SECONDS and record.status == "done"
    is_constant = trial.optimizer.schedule.kind != "cosine" and not trial.optimizer.schedule.warmup
    if is_long and is_constant and any(_is_end_of_first_epoch(row) for row in rows):
        trial = replace(trial, epochs=1)
    return SpotCheck(record=record, trial=trial, curve=rows)


def _is_end_of_first_epoch(row: Row) -> bool:
    return row.get("epoch") == 1.0 and _RUNNING in row


def _how_far(shipped: Record, again: Record | None) -> str:
    """Return in words how a trial that was trained again differs from the shipped one."""
    if again is None or again.status != shipped.status:
        return _other_status(shipped.status, again)
    bits = "equal" if again.weights_sha256 == shipped.weights_sha256 else "not equal"
    metric = CHOOSING[0]
    values = [each.metrics.get(metric) for each in (again, shipped)]
    if None in values:
        return f"the weights are {bits} in every bit"
    now, then = (value or 0.0 for value in values)
    return f"{_off(metric, now, then)}, and the weights are {bits} in every bit"


def _how_far_then(shipped: Sequence[Row], again: Sequence[Row]) -> str:
    """Return in words how the first epoch of a trial differs from that of the shipped one."""
    ends = [next(filter(_is_end_of_first_epoch, rows), None) for rows in (again, shipped)]
    if ends[0] is None or ends[1] is None or ends[0]["step"] != ends[1]["step"]:
        return f"no {_RUNNING} at the same step"
    now, then = (row[_RUNNING] for row in ends if row)
    return f"{_off(_RUNNING, now, then)} after step {ends[0]['step']:g}"


def _off(metric: str, now: float, then: float) -> str:
    return f"{metric} is off by {abs(now - then):.3g} from {then:.6g}"


def _other_status(wanted: str, again: Record | None) -> str:
    found = f"{again.status} ({again.reason})" if again else "no record"
    return f"{found} instead of {wanted}"
