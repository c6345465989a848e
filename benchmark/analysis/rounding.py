"""To how many digits values and their means are compared."""

from benchmark.metrics import is_share

SHARE_DECIMALS = 7  # to which shares are read, see `rounded`
TIE_DECIMALS = 6  # to which means of them are compared: rounding moves a mean in the seventh


def rounded(metric: str, value: float) -> float:
    """Return `value` without the digits that recording it in single precision made up.

    0.9225 is recorded as 0.9225000143: counts that are equally far apart then seem not to be, and
    equal means not to be equal. Seven decimals tell apart the counts over a million examples.

    >>> rounded("val/accuracy", 0.9225000143), rounded("val/loss", 0.9225000143)
    (0.9225, 0.9225000143)
    """
    return round(value, SHARE_DECIMALS) if is_share(metric) else value
