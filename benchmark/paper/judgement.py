"""From measured quantities to the verdicts on the claims of a paper.

Each contrast of a claim is tested in both directions: that its statement is true, and that it is
not. The gain is the amount by which the statement is true in one seed, so both are one-sided tests
of the sign of a mean, by the suite's paired t test; where a seed diverged, by its signed-rank test
with divergence as worst. A claim is shown if all of its contrasts are, so its p is their largest
(intersection-union, Berger 1982, doi:10.1080/00401706.1982.10487790); two contrasts that bound a
difference from both sides are two one-sided tests of equivalence. Its opposite is shown if one
contrast fails, so that p is their smallest by Bonferroni's method. Holm's method corrects each kind
over all claims, and once more over all variants of all claims. What was not run counts with p = 1.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.analysis.compare import gains, holm
from benchmark.analysis.intervals import Array
from benchmark.analysis.paired import paired_t, rank_p, t_p
from benchmark.analysis.signed_rank import effect_and_p, signed_ranks
from benchmark.analysis.verdicts import Values
from benchmark.metrics import RUNNING
from benchmark.paper.rules import Claim, Contrast, Rules, Scale, Variant, chosen_at, horizon_of
from optimizers.pick import pick

Word = Literal["holds", "holds only if", "does not hold", "not testable"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The quantities measured for a claim or for one of its variants.

    Args:
        claim: Name of the claim.
        variant: Name of its variant; empty under the conditions of the experiment.
        epochs: Epochs that the trials were to train.
        values: Quantities by series and seed; None for the worst, such as a diverged trial.
        at_edge: Series whose best rate is at an end of its grid, after widening.
    """

    claim: str
    variant: str = ""
    epochs: int
    values: Mapping[str, Values]
    at_edge: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The numbers of one contrast.

    Args:
        contrast: The contrast.
        n: Number of paired seeds.
        difference: Mean of first − second, on the claim's scale, over the seeds in which both have
            a value; None without such seeds.
        low, high: Its 95 % interval by Student's t; None below two such seeds.
        p: One-sided p that the statement is true, uncorrected.
        p_opposite: One-sided p that it is not.
        smallest_p: The smallest p that so many seeds can give with this test.
        worst, second_worst: Seeds without a value, of the first series and of the second.
    """

    contrast: Contrast
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float
    p_opposite: float
    smallest_p: float
    worst: int
    second_worst: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A claim tested under its own conditions or under those of a variant.

    Args:
        variant: The variant; None for the conditions of the experiment.
        measured: One entry for each contrast; empty if it is not testable.
        obstacle: End of the sentence "not testable …", such as "without runs"; empty if it was
            tested.
        p: p of the claim, Holm-corrected over its family.
        p_opposite: p of its opposite, Holm-corrected over its family.
        raw_p, raw_p_opposite: The same before correction.
        is_shown, is_refuted: Either p is at most α.
        note: A sentence on what is unusual about the numbers, otherwise empty.
    """

    variant: Variant | None
    measured: tuple[Measured, ...] = ()
    obstacle: str = ""
    p: float = 1.0
    p_opposite: float = 1.0
    raw_p: float = 1.0
    raw_p_opposite: float = 1.0
    is_shown: bool = False
    is_refuted: bool = False
    note: str = ""

    @property
    def has_claimed_sign(self) -> bool:
        """Whether all intervals lie on the claimed side of zero; never where a seed diverged."""
        return bool(self.measured) and all(
            each.contrast.relation == "lower by more than"
            and each.high is not None
            and each.high < 0
            and not each.worst + each.second_worst
            for each in self.measured
        )


@dataclass(frozen=True, kw_only=True)
class PaperVerdict:
    """The verdict on one claim.

    Args:
        claim: The claim.
        word: The verdict.
        qualifier: Completes the word: the conditions after "holds only if", those that refute it
            after "holds", why it is "not testable"; otherwise empty.
        finding: The claim under the conditions of its experiment.
        variants: The claim under each declared variant, in order.
    """

    claim: Claim
    word: Word
    qualifier: str
    finding: Finding
    variants: tuple[Finding, ...]

    @property
    def words(self) -> str:
        """The verdict: "holds only if t counts epochs"."""
        comma = "," * self.qualifier.startswith("but ")
        return f"{self.word}{comma} {self.qualifier}".strip()


def judge_paper(rules: Rules, evidence: Sequence[Evidence]) -> list[PaperVerdict]:
    """Return the verdict on each claim, in the order of the rules.

    Args:
        rules: The rules.
        evidence: Everything that was measured, each claim and variant at most once.

    Raises:
        ValueError: evidence names no claim or variant of the rules, comes twice, or has a value
            that is not finite, or not positive on a logarithmic scale.
    """
    given = _by_place(rules, evidence)
    claims = _corrected(rules, [(claim, None) for claim in rules.claims], given)
    variants = _corrected(
        rules, [(claim, each) for claim in rules.claims for each in claim.variants], given
    )
    rest = iter(variants)
    return [
        _verdict(rules, claim, finding, tuple(next(rest) for _ in claim.variants))
        for claim, finding in zip(rules.claims, claims, strict=True)
    ]


def measure(contrast: Contrast, values: Mapping[str, Values], scale: Scale) -> Measured:
    """Return the numbers of one contrast.

    Args:
        contrast: The contrast.
        values: Quantities by series and seed; None for the worst.
        scale: Scale on which they are subtracted.
    """
    first, second = (_scaled(values[name], scale) for name in (contrast.first, contrast.second))
    gain = gains(RUNNING, first, second)  # positive where the first is lower, as it should be
    seeds = sorted(first.keys() & second.keys())
    done = np.array([math.isfinite(first[s]) and math.isfinite(second[s]) for s in seeds], bool)
    t = paired_t(-gain[done] + 0.0)  # no negative zero
    tests = [_one_sided(each, is_ranked=not done.all()) for each in _truths(contrast, gain)]
    return Measured(
        contrast=contrast,
        n=len(seeds),
        difference=t.difference,
        low=t.low,
        high=t.high,
        p=max(p for p, _ in tests),
        p_opposite=min(1.0, len(tests) * min(opposite for _, opposite in tests)),
        smallest_p=_smallest_p(len(seeds), is_ranked=not done.all()),
        worst=sum(math.isinf(first[seed]) for seed in seeds),
        second_worst=sum(math.isinf(second[seed]) for seed in seeds),
    )


def _truths(contrast: Contrast, gain: Array) -> Iterator[Array]:
    """Yield by how much the contrast is true in each seed; twice if it bounds from both sides."""
    if contrast.relation == "lower by more than":
        yield gain - contrast.margin
        return
    yield gain + contrast.margin
    if contrast.relation == "within":
        yield contrast.margin - gain


def _one_sided(truth: Array, *, is_ranked: bool) -> tuple[float, float]:
    """Return the p that the mean of `truth` is above 0, and that it is below."""
    if truth.size == 0:
        return 1.0, 1.0
    if is_ranked:
        direction, p = effect_and_p(signed_ranks(truth))[0], float(rank_p(truth))
    else:
        direction, p = float(truth.mean()), float(t_p(truth))
    return (p / 2, 1 - p / 2) if direction >= 0 else (1 - p / 2, p / 2)


def _smallest_p(seeds: int, *, is_ranked: bool) -> float:
    if seeds < 2:
        return 1.0
    return 0.5**seeds if is_ranked else 0.0


def _scaled(values: Values, scale: Scale) -> dict[int, float]:
    """Return values on a scale, with infinity as the worst."""
    convert = math.log10 if scale == "log10" else float
    return {seed: math.inf if v is None else convert(v) for seed, v in values.items()}


_Place = tuple[str, str]
_Case = tuple[Claim, Variant | None]


def _by_place(rules: Rules, evidence: Sequence[Evidence]) -> dict[_Place, Evidence]:
    claims = {claim.name: claim for claim in rules.claims}
    found: dict[_Place, Evidence] = {}
    for each in evidence:
        claim = pick(claims, each.claim, "claim")
        if each.variant:
            names = {variant.name: variant for variant in claim.variants}
            pick(names, each.variant, f"variant of {claim.name}")
        place = each.claim, each.variant
        if place in found:
            raise ValueError(f"expected evidence once, got it twice for {_name(place)}")
        _check_values(claim, each)
        found[place] = each
    return found


def _check_values(claim: Claim, evidence: Evidence) -> None:
    least = 0.0 if claim.scale == "log10" else -math.inf
    for series, values in evidence.values.items():
        for seed, value in values.items():
            if value is not None and not least < value < math.inf:
                kind = "a positive finite" if claim.scale == "log10" else "a finite"
                raise ValueError(
                    f"{_name((claim.name, evidence.variant))}: expected {kind} value of {series} "
                    f"with seed {seed}, or None for the worst, got {value}"
                )


def _corrected(
    rules: Rules, family: Sequence[_Case], given: Mapping[_Place, Evidence]
) -> list[Finding]:
    """Return the findings on a family of cases, whose p are corrected together."""
    found = [_find(rules, case, given) for case in family]
    p = holm([one.p for one in found])
    opposite = holm([one.p_opposite for one in found])
    return [
        Finding(
            variant=one.variant,
            measured=one.measured,
            obstacle=one.obstacle or _weakness(one, place, found, rules.alpha),
            p=float(p[place]),
            p_opposite=float(opposite[place]),
            raw_p=one.p,
            raw_p_opposite=one.p_opposite,
            is_shown=bool(p[place] <= rules.alpha),
            is_refuted=bool(opposite[place] <= rules.alpha),
            note=one.note,
        )
        for place, one in enumerate(found)
    ]


def _find(rules: Rules, case: _Case, given: Mapping[_Place, Evidence]) -> Finding:
    """Return the finding on one case, uncorrected."""
    claim, variant = case
    evidence = given.get((claim.name, variant.name if variant else ""))
    obstacle = _obstacle(rules, case, evidence)
    if obstacle or evidence is None:
        return Finding(variant=variant, obstacle=obstacle)
    seeds = range(rules.experiment(claim).seeds)
    values = {name: {s: evidence.values[name][s] for s in seeds} for name in claim.series}
    measured = tuple(measure(each, values, claim.scale) for each in claim.contrasts)
    return Finding(
        variant=variant,
        measured=measured,
        p=max(each.p for each in measured),
        p_opposite=min(1.0, len(measured) * min(each.p_opposite for each in measured)),
        note=_note(claim, evidence),
    )


def _obstacle(rules: Rules, case: _Case, evidence: Evidence | None) -> str:
    """Return what keeps a case from being tested, empty for nothing."""
    claim, variant = case
    if evidence is None:
        return "without runs"
    needed = max(horizon_of(claim, variant), chosen_at(claim, variant))
    if evidence.epochs < needed:
        return f"with this horizon ({evidence.epochs} of {needed} epochs)"
    missing = [name for name in claim.series if not evidence.values.get(name)]
    if missing:
        return f"without {', '.join(missing)}"
    declared = set(range(rules.experiment(claim).seeds))
    paired = set.intersection(*(set(evidence.values[name]) for name in claim.series)) & declared
    if paired != declared:
        return f"with {_seeds(len(paired))} ({len(declared)} declared)"
    alike = [each for each in claim.contrasts if each.relation != "lower by more than"]
    values = evidence.values
    for each in alike:  # two that diverged are not alike in cost
        both = [s for s in declared if values[each.first][s] is None is values[each.second][s]]
        if both:
            return f"with {_seeds(len(both))} in which neither has a value"
    return ""


def _weakness(one: Finding, place: int, family: Sequence[Finding], alpha: float) -> str:
    """Return "with n seeds" where no outcome of a test could have passed Holm's correction."""
    clearest = [each.p for each in family]
    clearest[place] = max(each.smallest_p for each in one.measured)
    if holm(clearest)[place] <= alpha:
        return ""
    lost = ", some of which diverged" * any(m.worst or m.second_worst for m in one.measured)
    return f"with {_seeds(one.measured[0].n)}{lost} (no p could be small enough)"


def _verdict(
    rules: Rules, claim: Claim, finding: Finding, variants: tuple[Finding, ...]
) -> PaperVerdict:
    word, qualifier = _word(rules, claim, finding, variants)
    return PaperVerdict(
        claim=claim, word=word, qualifier=qualifier, finding=finding, variants=variants
    )


def _word(
    rules: Rules, claim: Claim, finding: Finding, variants: Sequence[Finding]
) -> tuple[Word, str]:
    if finding.is_shown:
        against = _names(each for each in variants if each.is_refuted)
        return "holds", f"but not if {against}" * bool(against)
    if finding.is_refuted:
        names = _names(each for each in variants if each.is_shown)
        sign = "with its margin (the difference has the claimed sign)" * finding.has_claimed_sign
        return ("holds only if", names) if names else ("does not hold", sign)
    seeds = f"with {_seeds(rules.experiment(claim).seeds)} (neither shown nor refuted)"
    return "not testable", finding.obstacle or seeds


def _names(variants: Iterable[Finding]) -> str:
    return " or if ".join(each.variant.name for each in variants if each.variant)


def _note(claim: Claim, evidence: Evidence) -> str:
    edges = [name for name in claim.series if name in evidence.at_edge]
    return f"best rate at an end of its grid: {', '.join(edges)}" if edges else ""


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"


def _name(place: _Place) -> str:
    claim, variant = place
    return f"{claim}, if {variant}" if variant else claim
