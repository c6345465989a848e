"""The values that a hyperparameter may take, checked when an optimizer is built."""

from collections.abc import Collection
from dataclasses import dataclass
from numbers import Real
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The values that a hyperparameter may take: `count` finite numbers, low ≤ number < high."""

    low: float = 0.0
    high: float = float("inf")
    count: int = 1

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise ValueError unless `value` consists of `count` numbers, all within bounds."""
        numbers = value if self.count > 1 and isinstance(value, (tuple, list)) else (value,)
        if len(numbers) == self.count and all(map(self._holds, numbers)):
            return
        kind = "a number" if self.count == 1 else f"{self.count} numbers"
        high = "" if self.high == float("inf") else f" and < {self.high:g}"
        raise ValueError(
            f"{owner}: expected {name} to be {kind} >= {self.low:g}{high}, got {value!r}"
        )

    def _holds(self, value: Any) -> bool:
        number = value.item() if hasattr(value, "numel") and value.numel() == 1 else value
        is_number = isinstance(number, Real) and not isinstance(number, bool)
        return is_number and self.low <= float(number) < self.high


def check_choice(owner: str, name: str, known: Collection[str | None], value: Any) -> None:
    """Raise ValueError unless `value` is one of the `known` ones."""
    if value not in known:
        raise ValueError(
            f"{owner}: expected {name} to be one of {', '.join(map(str, known))}, got {value!r}"
        )
