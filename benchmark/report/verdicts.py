"""Who is compared with whom, and what a comparison says in a word or two."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.compare import Comparison, against, pairwise, seeds_needed
from benchmark.analysis.finals import best_variants, only, scores, winners
from benchmark.analysis.frame import Frames
from benchmark.metrics import CHOOSING
from benchmark.spec import UsageError

METRIC = CHOOSING[0]  # what is compared is what chose the hyperparameters

_SIGNS = {"better": "▲", "worse": "▼", "no difference shown": "="}


@dataclass(frozen=True, kw_only=True)
class Versus:
    """Who is compared with whom in one setting.

    Args:
        reference: The variant that all others are compared with, None where nobody is.
        family: The comparisons.
        missing: The optimizer that was named to compare with, if it has no result in this setting.
    """

    reference: str | None = None
    family: Sequence[Comparison] = ()
    missing: str = ""


def versus(frames: Frames, reference: str | None) -> dict[str, Versus]:
    """Return the comparisons of each setting, from `references` and `compare`."""
    chosen = references(frames, reference)
    families = compare(frames, chosen, is_named=reference is not None)
    return {
        name: Versus(
            reference=chosen.get(name),
            family=families.get(name, ()),
            missing="" if reference is None or name in chosen else reference,
        )
        for name in frames.trials["setting"].unique(maintain_order=True)
    }


def references(frames: Frames, reference: str | None) -> dict[str, str]:
    """Return the variant of each setting that others are compared with; none where nobody is.

    Args:
        frames: All trials.
        reference: An optimizer or label, its best variant being meant, even if seeds of it
            diverged: those are pairs that it loses. None takes the best of all, if one has none,
            the first where several are equal.

    Raises:
        UsageError: there is no such optimizer.
    """
    if reference is None:
        return {setting: variants[0] for setting, variants in winners(frames).items()}
    named = frames.trials.filter(pl.any_horizontal(pl.col("optimizer", "label") == reference))
    if named.is_empty():
        known = ", ".join(frames.trials["label"].unique(maintain_order=True))
        raise UsageError(f"no trials of reference {reference!r}. Known: {known}")
    best = best_variants(only(frames, named["variant"].unique().to_list()))
    settings = named.filter(pl.col("variant").is_in(best)).select("setting", "variant")
    return dict(settings.unique("setting", keep="first", maintain_order=True).iter_rows())


def compare(
    frames: Frames, chosen: Mapping[str, str], *, is_named: bool
) -> dict[str, list[Comparison]]:
    """Compare each optimizer's best variant with the one chosen, on the validation loss at the end.

    Other hyperparameters stay out: each of them would make every comparison harder.

    Args:
        frames: All trials.
        chosen: A variant of each setting in question, from `references`.
        is_named: Whether it was named beforehand. One that was chosen by its results is compared
            as one of all pairs, any of which might have come to be looked at.
    """
    taking_part = {*best_variants(frames), *chosen.values()}
    numbers = scores(frames, METRIC).filter(pl.col("variant").is_in(taking_part))
    found = {}
    for setting, variant in chosen.items():
        here = numbers.filter(setting=setting)
        family = against(here, variant) if is_named else pairwise(here, [variant])
        found[setting] = [one for one in family if one.reference == variant]
    return found


def verdict_in_short(one: Comparison) -> str:
    """Return whether the variant is better than the reference, in at most eight characters.

    ``▲`` better, ``▼`` worse, ``=`` no difference shown, each with Holm's p; or ``n<8``: with so
    few paired seeds no outcome could be significant among as many comparisons as were made.
    """
    if one.verdict == "too few seeds to conclude":
        return f"n<{seeds_needed(one.corrected_for)}"
    return f"{_SIGNS[one.verdict]} {short_p(one.p_holm)}"


def short_p(p: float) -> str:
    """Return p in short, rounded up, so that it never looks smaller than it is.

    >>> short_p(0.03125), short_p(0.00004), short_p(1.0)
    ('.032', '<.001', '1')
    """
    if p < 0.001:
        return "<.001"
    digits = 3 if p < 0.1 else 2
    rounded = math.ceil(p * 10**digits - 1e-9) / 10**digits if p < 1 else 1.0
    return "1" if rounded >= 1 else f"{rounded:.{digits}f}"[1:]
