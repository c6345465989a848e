"""The record of a trial in typed parts, and its form in JSON.

The form in JSON is older than the parts: its ``metrics`` also hold the progress and the cost, and
its ``seconds`` are the clocks. Only `Record.to_json` and `Record.from_text` know that form. They
take the names from the fields of the parts, so that a new field needs one line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from benchmark.decode import (
    Status,
    check_part,
    decode_metric,
    decode_record,
    given,
    metric_as_json,
)
from benchmark.errors import Misfit
from benchmark.metrics import Metric, bring
from benchmark.plain_text import plain
from benchmark.spec import Trial


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The end of training, on each of `axes.AXES`; None is unknown, as in the next parts."""

    step: int | None = None
    epoch: float | None = None
    samples: int | None = None
    train_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Durations in seconds, and how much of the processor training got.

    Args:
        training: Training steps alone, without evaluation and logging.
        evaluation: Evaluation on all splits.
        startup: Time before the first evaluation.
        total: The trial from beginning to end.
        per_step: Median time of a step over chunks, which leaves out the extra cost of the first
            steps.
        optimizer_step: Median time of the optimizer's part of a step, without forward and backward
            pass.
        load: Processor time of the training process over `training`: near the number of threads
            on an idle machine, less where other programs took their share.
    """

    training: float | None = None
    evaluation: float | None = None
    startup: float | None = None
    total: float | None = None
    per_step: float | None = None
    optimizer_step: float | None = None
    load: float | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The memory that the optimizer needs.

    Args:
        state_bytes: Size of all tensors in the optimizer's state, in bytes.
        parameters: Number of trained parameters.
    """

    state_bytes: int | None = None
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Facts that may explain a difference between two records of the same trial.

    Args:
        suite: Version of the suite.
        commit: Commit of the suite, with ``+`` if files differ from it; empty outside git.
        python: Version of Python.
        packages: Versions of installed packages, by name.
        system: Operating system and architecture.
        cpu: Name of the processor.
        cores: Number of processor cores that the process may use.
        device: Name of the GPU that trained, otherwise the accelerator.
        data: SHA-256 of the data set's tensors.
        stacked: Number of trials in the pack that was trained as one network; None for a trial of
            its own. The seconds of a stacked trial are its share of the pack's.
    """

    suite: str | None = None
    commit: str | None = None
    python: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    cpu: str | None = None
    cores: int | None = None
    device: str | None = None
    data: str | None = None
    stacked: int | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """The outcome of a trial.

    Args:
        trial: The trial.
        status: ``done`` or ``diverged``, which are results; ``failed`` or ``skipped``, which are
            not.
        reason: One line that explains the status; empty if done.
        progress: The end of training.
        metrics: Last value of every metric and diagnostic, and of the learning rate ``lr``.
        clocks: Durations.
        cost: Memory of the optimizer.
        environment: Versions, machine, device, commit, data checksum.
        weights_sha256: Digest of the final parameters; it is equal for runs that agree in every
            bit.
        own_metrics: Rows for those metrics of a user's task that the table lacks; a new record
            adds them to it.
    """

    trial: Trial
    status: Status
    reason: str = ""
    progress: Progress = Progress()
    metrics: Mapping[str, float] = field(default_factory=dict)
    clocks: Clocks = Clocks()
    cost: Cost = Cost()
    environment: Environment = field(default_factory=Environment)
    weights_sha256: str = ""
    own_metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        bring(self.own_metrics)

    @property
    def own_clocks(self) -> Clocks:
        """The durations that can be compared with those of other trials; none in a pack."""
        return self.clocks if self.environment.stacked is None else Clocks()

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON-able mapping."""
        own = [metric_as_json(each) for each in self.own_metrics]
        return {
            "trial": self.trial.to_json(),
            "status": self.status,
            "reason": self.reason,
            "metrics": {**known(self.progress), **self.metrics, **known(self.cost)},
            "seconds": known(self.clocks),
            "environment": known(self.environment),
            "weights_sha256": self.weights_sha256,
            **({"own_metrics": own} if own else {}),
        }

    @classmethod
    def from_text(cls, text: bytes) -> "Record":
        """Build a record from the text of a ``record.json``.

        Raises:
            Misfit: the suite does not write such a text.
        """
        found = given(decode_record(text))
        trial = Trial.from_fields(found.pop("trial"))
        metrics, seconds = found.pop("metrics", {}), found.pop("seconds", {})
        own = tuple(decode_metric(each) for each in found.pop("own_metrics", ()))
        clocks = _take(Clocks, seconds)
        if seconds:
            raise Misfit(f"no clock has the name {plain(', '.join(seconds), 60)}")
        return cls(
            trial=trial,
            progress=_take(Progress, metrics),
            cost=_take(Cost, metrics),
            metrics=metrics,
            own_metrics=own,
            clocks=clocks,
            environment=_take(Environment, found.pop("environment", {}), rest="packages"),
            **found,
        )


BUSY_BELOW = 0.8  # of a processor; a trial with less shared it, and its seconds are too long


def was_busy(record: Record) -> bool:
    """Return whether other programs took so much of the processor that seconds are too long.

    Those of a stacked trial are compared with nothing, so for it the answer is no.
    """
    load = record.own_clocks.load
    return record.trial.accelerator == "cpu" and load is not None and load < BUSY_BELOW


def origin_of_times(record: Record) -> tuple[str | None, ...] | None:
    """Return the version and machine that a record's time per step is from; None without one."""
    if record.own_clocks.per_step is None:
        return None
    environment = record.environment
    return environment.suite, environment.commit, environment.cpu, environment.device


Part = Progress | Clocks | Cost | Environment
_P = TypeVar("_P", Progress, Clocks, Cost, Environment)


def known(part: Part) -> dict[str, Any]:
    """Return the known fields of a part by name; those of a mapping stand in its place.

    >>> known(Environment(python="3.12", packages={"torch": "2.14"}, cores=8))
    {'python': '3.12', 'torch': '2.14', 'cores': 8}
    """
    found: dict[str, Any] = {}
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, Mapping):
            found |= value
        elif value is not None:
            found[each.name] = value
    return found


def _take(kind: type[_P], values: dict[str, Any], rest: str = "") -> _P:
    """Remove the fields of a part from `values`, and return the part.

    Args:
        kind: The part's type.
        values: A mapping that the part shares with others in JSON.
        rest: The part's field for all other values, which are removed too; none if empty.

    Raises:
        Misfit: a value has a wrong type.
    """
    own = {name: values.pop(name) for name in _NAMES[kind] if name in values and name != rest}
    if rest:
        own[rest] = dict(values)
        values.clear()
    check_part(own, kind)
    return kind(**own)


_NAMES = {
    kind: tuple(each.name for each in fields(kind))
    for kind in (Progress, Clocks, Cost, Environment)
}
