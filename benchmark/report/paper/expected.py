"""The section on what was expected of the claims: whether the verdicts confirm it."""

from collections.abc import Sequence

from benchmark.paper.judgement import Finding, PaperVerdict
from benchmark.paper.rules import Expectation
from benchmark.report.markdown_text import as_cell, raw_table
from benchmark.report.paper.found import Reproduction
from benchmark.report.paper.table import WITHOUT_RUNS, outcome


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
    is_shown = [each.is_shown if one.expected == "holds" else each.is_refuted for each in findings]
    is_refuted = [
        each.is_refuted if one.expected == "holds" else each.is_shown for each in findings
    ]
    if all(is_shown):
        return "confirmed"
    if all(is_refuted):
        return "refuted"
    if not any(is_shown) and not any(is_refuted):
        return "open"
    parts = ((is_shown, "confirmed"), (is_refuted, "refuted"))
    words = [f"{word} by {sum(some)}" for some, word in parts if any(some)]
    left = len(findings) - sum(is_shown) - sum(is_refuted)
    return ", ".join([*words, *[f"open in {left}"] * bool(left)])


def _words(one: Expectation, verdict: PaperVerdict, finding: Finding) -> str:
    name = verdict.claim.name
    if one.variant:
        return f"{name}, if {one.variant}: {outcome(finding)}"
    is_new = finding.obstacle == WITHOUT_RUNS
    return f"{name}: {'not run' if is_new else verdict.words}"
