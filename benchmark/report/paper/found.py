"""The results of a reproduction, as its reports take them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.paper.bands import Band, bands
from benchmark.paper.cases import Case
from benchmark.paper.judgement import PaperVerdict
from benchmark.paper.plan import Known, Plan


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
        """The verdicts on claims with any result."""
        return [each for each in self.verdicts if any(self._bands_of(each))]

    def case(self, verdict: PaperVerdict, variant: str = "") -> Case | None:
        """Return the case of a claim or of its variant; None if it is not in the plan."""
        for case in self.plan.cases:
            name = case.variant.name if case.variant else ""
            if (case.claim.name, name) == (verdict.claim.name, variant):
                return case
        return None

    def main_case(self, verdict: PaperVerdict) -> Case | None:
        """Return a claim under its own conditions; without results there, its first variant run."""
        cases = [self.case(verdict, name) for name in ("", *_variants(verdict))]
        with_bands = (each for each in cases if each and self.bands(each))
        return next(with_bands, cases[0])

    def bands(self, case: Case) -> list[Band]:
        """Return the costs of each series of a case that are not all diverged."""
        return [each for each in bands(self.plan, case, self.known) if each.seeds]

    def _bands_of(self, verdict: PaperVerdict) -> Iterator[bool]:
        for variant in ("", *_variants(verdict)):
            case = self.case(verdict, variant)
            yield case is not None and bool(bands(self.plan, case, self.known))


def _variants(verdict: PaperVerdict) -> Iterator[str]:
    return (each.name for each in verdict.claim.variants)
