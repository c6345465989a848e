"""Short verdicts on comparisons, for table cells."""

import math

from benchmark.analysis.compare import Comparison, seeds_needed

_SIGNS = {"better": "▲", "worse": "▼", "no difference shown": "="}


def verdict_in_short(one: Comparison) -> str:
    """Return the verdict on a variant against its reference, in at most eight characters.

    ``▲`` is better, ``▼`` worse, ``=`` no difference shown, each followed by the Holm-corrected p.
    ``n<8`` means: with fewer than 8 paired seeds, no outcome could be significant after correction
    for the number of comparisons made.
    """
    if one.verdict == "too few seeds to conclude":
        return f"n<{seeds_needed(one.corrected_for)}"
    return f"{_SIGNS[one.verdict]} {short_p(one.p_holm)}"


def short_p(p: float) -> str:
    """Return p in at most five characters, rounded up so that it never looks smaller than it is.

    >>> short_p(0.03125), short_p(0.00004), short_p(1.0)
    ('.032', '<.001', '1')
    """
    if p < 0.001:
        return "<.001"
    digits = 3 if p < 0.1 else 2
    rounded = math.ceil(p * 10**digits - 1e-9) / 10**digits if p < 1 else 1.0
    return "1" if rounded >= 1 else f"{rounded:.{digits}f}"[1:]
