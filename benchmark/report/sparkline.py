"""Sparklines: curves in a few characters, for a terminal."""

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """Return one character per value, from the lowest block at `low` to the full one at `high`.

    The scale is logarithmic if `low` is positive. Values outside the range are clipped, and NaN
    becomes a blank.

    >>> sparkline([8, 4, 2, 1], 1, 8), sparkline([0, 0.5, 1], 0, 1), sparkline([3, 3], 3, 3)
    ('█▆▃▁', '▁▅█', '▁▁')
    """
    bend = math.log if low > 0 else float
    bottom, top = bend(low), bend(high)
    span = top - bottom

    def block(value: float) -> str:
        if math.isnan(value):
            return " "
        clipped = min(max(value, low), high)
        share = (bend(clipped) - bottom) / span if span > 0 else 0.0
        return _BLOCKS[min(int(share * len(_BLOCKS)), len(_BLOCKS) - 1)]

    return "".join(map(block, values))


def pick(values: Sequence[float], count: int) -> list[float]:
    """Return at most `count` (≥ 2) of `values`, evenly spaced and with both ends.

    >>> pick([0, 1, 2, 3, 4], 3), pick([0, 1], 3)
    ([0, 2, 4], [0, 1])
    """
    if len(values) <= count:
        return list(values)
    last = len(values) - 1
    return [values[round(i * last / (count - 1))] for i in range(count)]
