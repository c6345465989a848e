"""The learning rates of a landscape: default values, option type, and the rates shown at first."""

import math
import re
from typing import Any, Literal

import click

DEFAULT_RATES = "0.0003,0.001,0.003,0.01,0.03,0.1,0.3,1,3"  # two per decade


class Rates(click.ParamType[Any]):
    """A comma-separated list of positive numbers; the result is sorted, without repetitions."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            rates = {float(word) for word in str(value).split(",") if word.strip()}
        except ValueError:
            rates = set()
        if not rates or not all(0 < rate < math.inf for rate in rates):
            self.fail(f"expected positive numbers such as 0.01,0.1,1, got {value!r}", param, ctx)
        return tuple(sorted(rates))


def rate_shown(opts: str) -> Literal["best", "own"]:
    """Return the initial choice of learning rates: "own" if `opts` gives a rate, otherwise "best".

    >>> rate_shown("adam,sgd:momentum=0.9"), rate_shown("adam,sgd:lr=0.5")
    ('best', 'own')
    """
    return "own" if re.search(r":\s*lr\s*=", opts) else "best"
