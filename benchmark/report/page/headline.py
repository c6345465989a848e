"""Headlines: the result of each setting in sentences that claim no more than the seeds support."""

from dataclasses import dataclass

from benchmark.report.findings import Findings, SettingFindings
from benchmark.report.untuned import claim_sentence, passed_over_sentences, rival_sentences


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The headline of one setting.

    Args:
        claim: The best optimizer and its value, or a statement that there is none.
        evidence: Sentences on the other optimizers, each with p and verdict.
    """

    claim: str
    evidence: tuple[str, ...]


def headlines(findings: Findings) -> list[Headline | None]:
    """Return the headline of each setting, None for those of tuned studies: they have verdicts."""
    settings = findings.settings.values()
    return [None if setting.judgement else _headline(setting) for setting in settings]


def _headline(setting: SettingFindings) -> Headline:
    claim = setting.claim
    rivals = rival_sentences(setting) if claim.names else []
    return Headline(
        claim=claim_sentence(claim, has_spread=True),
        evidence=(*passed_over_sentences(claim), *rivals),
    )
