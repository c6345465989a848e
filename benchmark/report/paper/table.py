"""The verdicts on a paper as a table of the terminal, and as JSON."""

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmark.paper.judgement import Finding, Measured, PaperVerdict
from benchmark.paper.rules import Claim

_LEAST_P = 0.001
WITHOUT_RUNS = "without runs"  # as judgement.py says


def print_verdicts(console: Console, verdicts: Sequence[PaperVerdict]) -> None:
    """Print a row for each claim, and one for each further contrast of a claim."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("claim", "quotation", "verdict", "difference [95 %]", "p"):
        table.add_column(heading, overflow="fold")
    for verdict in verdicts:
        words, scale = difference_words(verdict.finding), scale_words(verdict.claim).strip()
        words += f"\n{scale}" * bool(verdict.finding.measured and scale)
        quoted = f"“{verdict.claim.quotation}”"
        p = p_words(deciding_p(verdict.finding))
        table.add_row(verdict.claim.name, quoted, verdict.words, words, p)
    console.print(table, markup=False)


def scale_words(claim: Claim) -> str:
    """Return the scale of a claim's differences, after a blank; empty for that of its quantity."""
    return " in log₁₀ of the cost" * (claim.scale == "log10")


def difference_words(finding: Finding) -> str:
    """Return the difference of each contrast with its interval, a line for each."""
    return "\n".join(map(_measured_words, finding.measured)) or "–"


def _measured_words(measured: Measured) -> str:
    first, second = measured.contrast.first, measured.contrast.second
    return f"{first} − {second}: {number_words(measured)}"


def number_words(measured: Measured) -> str:
    """Return the difference with its interval: "-0.031 [-0.035, -0.027]"."""
    if measured.difference is None:
        return "–"
    words = _three_digits(measured.difference)
    if measured.low is None or measured.high is None:
        return words
    return f"{words} [{_three_digits(measured.low)}, {_three_digits(measured.high)}]"


def _three_digits(value: float) -> str:
    """Return a number with three digits that count, and no exponent below a million.

    >>> _three_digits(-0.03127), _three_digits(-1812.3), _three_digits(1.5e9)
    ('-0.0313', '-1810', '1.5e+09')
    """
    rounded = f"{value:.3g}"
    return f"{float(rounded):.0f}" if 1e3 <= abs(value) < 1e6 else rounded


def deciding_p(finding: Finding) -> float | None:
    """Return the corrected p of the claim or of its opposite, whichever is smaller.

    None if the claim was not tested.
    """
    return min(finding.p, finding.p_opposite) if finding.measured else None


def p_words(p: float | None) -> str:
    """Return a p-value in words.

    >>> p_words(0.0321), p_words(1e-9), p_words(None)
    ('0.032', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return f"< {_LEAST_P:g}" if p < _LEAST_P else f"{p:.2g}"


def verdicts_as_json(verdicts: Sequence[PaperVerdict]) -> list[dict[str, Any]]:
    """Return the verdicts with all their numbers, JSON-able."""
    return [
        {
            "claim": each.claim.name,
            "quotation": each.claim.quotation,
            "statement": each.claim.statement,
            "added": each.claim.added,
            "verdict": each.word,
            "qualifier": each.qualifier,
            **_finding(each.finding),
            "variants": [
                {"name": one.variant.name, **_finding(one)} for one in each.variants if one.variant
            ],
        }
        for each in verdicts
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "obstacle": finding.obstacle,
        "p": finding.p,
        "p of the opposite": finding.p_opposite,
        "is shown": finding.is_shown,
        "is refuted": finding.is_refuted,
        "note": finding.note,
        "contrasts": [
            {
                "contrast": each.contrast.words,
                "n": each.n,
                "difference": _finite(each.difference),
                "low": _finite(each.low),
                "high": _finite(each.high),
                "without_value": [each.worst, each.second_worst],
            }
            for each in finding.measured
        ],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def short_words(verdict: PaperVerdict) -> str:
    """Return a verdict, or that its claim was not run."""
    return "not run" if verdict.finding.obstacle == WITHOUT_RUNS else verdict.words


def outcome(finding: Finding) -> str:
    """Return what was found under a variant: "shown", "refuted …" or "not testable …"."""
    if finding.is_shown:
        return "shown"
    if finding.is_refuted:
        return "refuted by its margin only" if finding.has_claimed_sign else "refuted"
    if finding.obstacle == WITHOUT_RUNS:
        return "not run"
    return f"not testable {finding.obstacle}" if finding.obstacle else "neither shown nor refuted"
