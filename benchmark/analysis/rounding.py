"""Rounding of shares, such as accuracies, so that equal values compare as equal."""

from benchmark.metrics import is_share

SHARE_DECIMALS = 7  # decimals of shares, see `rounded`
TIE_DECIMALS = 6  # decimals for comparing means of shares, whose seventh decimal is not exact


def rounded(metric: str, value: float) -> float:
    """Return `value` without the spurious digits of its record in single precision.

    0.9225 is recorded as 0.9225000143, so that equal differences of counts, and equal means, would
    look unequal. Seven decimals distinguish all counts over a million examples.

    >>> rounded("val/accuracy", 0.9225000143), rounded("val/loss", 0.9225000143)
    (0.9225, 0.9225000143)
    """
    return round(value, SHARE_DECIMALS) if is_share(metric) else value
