"""The section on what was expected of the claims: whether the verdicts confirm it."""

from collections.abc import Sequence

from benchmark.paper.judgement import Finding, PaperVerdict
from benchmark.paper.rules import Expectation
from benchmark.report.markdown_text import as_cell, raw_table
from benchmark.report.paper.found import Reproduction
from benchmark.report.paper.table import outcome, short_words


def expectations(found: Reproduction) -> list[str]:
    """Return the section with a row for each expectation whose claims are all asked for."""
    verdicts = {each.claim.name: each for each in found.verdicts}
    rows = [
        [
            as_cell(each.statement),
            f"**{_outcome(each, [finding for _, finding in findings])}**",
            "<br>".join(as_cell(_words(each, verdict, finding)) for verdict, finding in findings),
        ]
        for each in found.plan.rules.expectations
        if verdicts.keys() >= set(each.claims)
        for findings in [[_finding(each, verdicts[name]) for name in each.claims]]
    ]
    if not rows:
        return []
    return [
        "## What was expected",
        "Other reproductions, and a first look at the paper's settings, let us expect:",
        raw_table(["expectation", "here", "claims"], rows),
    ]


def _finding(one: Expectation, verdict: PaperVerdict) -> tuple[PaperVerdict, Finding]:
    if not one.variant:
        return verdict, verdict.finding
    found = (each for each in verdict.variants if each.variant and each.variant.name == one.variant)
    return verdict, next(found)


def _outcome(one: Expectation, findings: Sequence[Finding]) -> str:
    """Return whether an expectation is confirmed, refuted, both in part, or open."""
    shown, refuted = (
        sum(each.is_shown for each in findings),
        sum(each.is_refuted for each in findings),
    )
    as_expected, contrary = (shown, refuted) if one.expected == "holds" else (refuted, shown)
    left = len(findings) - shown - refuted
    counts = {"confirmed by": as_expected, "refuted by": contrary, "open in": left}
    for words, count in counts.items():
        if count == len(findings):
            return words.partition(" ")[0]
    return ", ".join(f"{words} {count}" for words, count in counts.items() if count)


def _words(one: Expectation, verdict: PaperVerdict, finding: Finding) -> str:
    name = verdict.claim.name
    if one.variant:
        return f"{name}, if {one.variant}: {outcome(finding)}"
    return f"{name}: {short_words(verdict)}"
