"""The results of a reproduction, as its reports take them."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.paper.bands import Band, bands
from benchmark.paper.cases import Case
from benchmark.paper.judgement import PaperVerdict
from benchmark.paper.plan import Known, Plan
from benchmark.paper.rules import Claim, Variant


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """The results of a plan.

    Args:
        plan: The cases that were to be run.
        known: The costs on record.
        verdicts: The verdicts on the claims that are shown.
    """

    plan: Plan
    known: Known
    verdicts: Sequence[PaperVerdict]

    @property
    def run(self) -> list[PaperVerdict]:
        """The verdicts on claims with any result, if only under a variant."""
        return [each for each in self.verdicts if any(map(self._is_run, self.cases(each)))]

    @property
    def run_as_declared(self) -> list[PaperVerdict]:
        """The verdicts on claims with any result of trials with all of their epochs."""
        return [each for each in self.verdicts if self._is_run(self.case(each))]

    def cases(self, verdict: PaperVerdict) -> list[Case]:
        """Return the cases of a claim that are in the plan: its own, and those of its variants."""
        return [case for case in self.plan.cases if case.claim.name == verdict.claim.name]

    def case(self, verdict: PaperVerdict, variant: str = "") -> Case | None:
        """Return the case of a claim or of its variant; None if it is not in the plan."""
        for case in self.plan.cases:
            name = case.variant.name if case.variant else ""
            if (case.claim.name, name) == (verdict.claim.name, variant):
                return case
        return None

    def main_case(self, verdict: PaperVerdict) -> Case | None:
        """Return a claim as declared; without results there, its variant that only ends earlier."""
        own = self.case(verdict)
        if own is None or self._is_run(own):
            return own
        short = (v for v in verdict.claim.variants if _only_ends_earlier(verdict.claim, v))
        cases = (self.case(verdict, each.name) for each in short)
        return next((case for case in cases if case and self._is_run(case)), own)

    def bands(self, case: Case) -> list[Band]:
        """Return the costs of each series of a case that are not all diverged."""
        return [each for each in bands(self.plan, case, self.known) if each.seeds]

    def _is_run(self, case: Case | None) -> bool:
        return case is not None and bool(bands(self.plan, case, self.known))


def _only_ends_earlier(claim: Claim, variant: Variant) -> bool:
    changes = variant.changes.given
    return changes.keys() == {"horizon"} and changes["horizon"] < claim.horizon
