"""Search by Optuna's tree-structured Parzen estimator; needs the extra ``tuning``."""

import math
from typing import Any

from benchmark.errors import UsageError
from optimizers.spaces import Choice, Range
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

_MOST_REPEATS = 100  # in a row, before a space counts as exhausted
_WORST = math.inf  # Optuna's estimators put infinite values last


class OptunaSampler:
    """A sampler of the points that Optuna suggests, after the defaults.

    Optuna also learns the value of the defaults, if they lie in the space.

    Raises:
        UsageError: Optuna is not installed.
    """

    def __init__(self, tunable: Tunable, *, seed: int = 0) -> None:
        try:
            import optuna
        except ImportError:
            raise UsageError(
                "sampler optuna needs Optuna: pip install 'optimizer-benchmark[tuning]'"
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._tunable = tunable
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        self._first: OptimizerSpec | None = tunable.defaults()
        self._learns_first = _enqueue(self._study, tunable)
        self._open: dict[OptimizerSpec, list[Any]] = {}  # Optuna's trials that have no value yet
        self._asked: set[OptimizerSpec] = set()
        self._told: dict[OptimizerSpec, float | None] = {}

    def ask(self, count: int) -> list[OptimizerSpec]:
        """Return the next `count` points, chosen by the values told so far.

        Optuna may suggest a point of a space of choices again; it is then told the value that it
        knows, and asked for another one. There are fewer points if the space has no more.
        """
        found: list[OptimizerSpec] = []
        repeats = 0
        while len(found) < count and repeats <= _MOST_REPEATS:
            spec = self._next()
            repeats = repeats + 1 if spec in self._asked else 0
            if not repeats:
                self._asked.add(spec)
                found.append(spec)
            elif spec in self._told:
                self.tell(spec, self._told[spec])
        return found

    def tell(self, spec: OptimizerSpec, value: float | None) -> None:
        """Pass the value of a point on to Optuna; NaN and None count as worst."""
        self._told[spec] = value
        is_number = value is not None and not math.isnan(value)
        for trial in self._open.pop(spec, []):
            self._study.tell(trial, value if is_number else _WORST)

    def _next(self) -> OptimizerSpec:
        first, self._first = self._first, None
        if first is not None and not self._learns_first:
            return first
        trial = self._study.ask()
        u = [_suggested(trial, each) for each in self._tunable.space.ranges]
        spec = first or self._tunable.point(u)
        self._open.setdefault(spec, []).append(trial)
        return spec


def _enqueue(study: Any, tunable: Tunable) -> bool:
    """Let Optuna's first trial be the defaults; return whether they are in the space."""
    values = tunable.first_values()
    found = {each.name: _position(each, values[each.name]) for each in tunable.space.ranges}
    if None in found.values():
        return False
    study.enqueue_trial(found)
    return True


def _position(each: Range | Choice, value: Any) -> float | int | None:
    u = each.where(value)
    if u is None or isinstance(each, Range):
        return u
    return math.floor(u * len(each.values))


def _suggested(trial: Any, each: Range | Choice) -> float:
    if isinstance(each, Choice):
        count = len(each.values)
        chosen: int = trial.suggest_categorical(each.name, list(range(count)))
        return (chosen + 0.5) / count
    return min(float(trial.suggest_float(each.name, 0.0, 1.0)), 1 - 2**-53)
