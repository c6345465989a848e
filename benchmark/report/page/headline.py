"""The answer in plain words, one for each setting, no bolder than the seeds allow."""

from dataclasses import dataclass

from benchmark.report.claims import claim_sentence, passed_over_sentences, rival_sentences
from benchmark.report.findings import Findings, SettingFindings


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What one setting says.

    Args:
        claim: Who is best, or that nobody is.
        evidence: Sentences on rivals, each with its p and verdict.
    """

    claim: str
    evidence: tuple[str, ...]


def headlines(findings: Findings) -> list[Headline]:
    """Return the headline of each setting."""
    return [_headline(setting) for setting in findings.settings.values()]


def _headline(setting: SettingFindings) -> Headline:
    claim = setting.claim
    rivals = rival_sentences(setting) if claim.names else []
    return Headline(
        claim=claim_sentence(claim, has_spread=True),
        evidence=(*passed_over_sentences(claim), *rivals),
    )
