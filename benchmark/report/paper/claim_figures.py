"""The figures of each claim with their captions."""

from collections.abc import Iterator, Sequence

from benchmark.paper.bands import Band
from benchmark.paper.cases import Case
from benchmark.paper.curves import printed_over
from benchmark.paper.judgement import PaperVerdict
from benchmark.paper.rate_curves import RateCurve, printed_at, rate_curves
from benchmark.report.figures.write import Drawing
from benchmark.report.paper.drawing import (
    MOST,
    cost_limits,
    draw_claim,
    draw_rates,
    draw_variants,
    has_window,
)
from benchmark.report.paper.found import Reproduction
from benchmark.report.paper.table import outcome
from benchmark.report.words import counted

_RIGHT = (
    " Right: the epochs that are compared, on an axis at least as high as the claim's margin; the "
    "printed curves are there as far as it reaches."
)


def drawings_of(found: Reproduction, verdict: PaperVerdict) -> Iterator[Drawing]:
    """Yield the figures of a claim: that of its main case, and that of its other variants."""
    claim, main = verdict.claim, found.main_case(verdict)
    shown = found.bands(main) if main else []
    panels_by_rate = _panels_by_rate(found, main) if main else []
    if main and panels_by_rate:
        yield Drawing(
            name=claim.name,
            figure=draw_rates(panels_by_rate),
            caption=_caption_by_rate(found, main, panels_by_rate),
            setting=claim.name,
        )
    elif main and shown:
        horizon = found.plan.needed(main, "evaluation")
        marked = horizon if any(len(each.mean) > horizon for each in shown) else None
        yield Drawing(
            name=claim.name,
            figure=draw_claim(shown, claim, marked),
            caption=_caption(shown, main, marked),
            setting=claim.name,
        )
    panels, undrawn = [], []
    for finding in verdict.variants:
        case = found.case(verdict, finding.variant.name if finding.variant else "")
        drawn = found.bands(case) if case else []
        if drawn and case and case != main and finding.variant:
            if case.is_evaluated:
                undrawn.append(finding.variant.name)
            else:
                panels.append((f"{finding.variant.name}: {outcome(finding)}", drawn))
    if panels:
        yield Drawing(
            name=f"{claim.name}-variants",
            figure=draw_variants(panels, claim.scale),
            caption=_caption_of_variants([band for _, bands in panels for band in bands], undrawn),
            setting=claim.name,
        )


def _panels_by_rate(found: Reproduction, case: Case) -> list[list[RateCurve]]:
    """Return the pairs that a claim compares, if the paper prints their costs by rate."""
    curves = {each.series.name: each for each in rate_curves(found.plan, case, found.known)}
    every = curves.values()
    if not (any(curve.printed for curve in every) and any(curve.costs for curve in every)):
        return []
    pairs = [(each.first, each.second) for each in case.claim.contrasts]
    panels = ([curves[name] for name in pair if name in curves] for pair in pairs)
    return [panel for panel in panels if panel]  # the rates of a whole pair may be unknown yet


def _caption_by_rate(found: Reproduction, case: Case, panels: Sequence[Sequence[RateCurve]]) -> str:
    seeds = max(len(curve.compared) for curves in panels for curve in curves)
    tuning = counted(len(found.plan.seeds(case, "tuning")), "tuning seed")
    most = cost_limits(panels)[1]
    is_any_beyond = any(curve.beyond(most) for curves in panels for curve in curves)
    crosses = (
        f" Crosses: rates at which training diverged or cost over {MOST:g} times the lowest cost."
    )
    return (
        f"Training cost in epoch {case.epochs('evaluation')} by learning rate{_under(case)}: mean "
        f"over {tuning}; at the chosen rate, mean (open marker) and range over "
        f"{counted(seeds, 'other seed')}, "
        "side by side where both have the same rate. Dashed, with dots: the printed curves, as far "
        "as the axes reach." + crosses * is_any_beyond
    )


def _caption_of_variants(shown: Sequence[Band], undrawn: Sequence[str]) -> str:
    """Return the caption of the variants, which names those that are not drawn."""
    printed = _dashed(shown, "as far as the axes reach")
    left = f" Not drawn, as it is known only at the end of a trial: {', '.join(undrawn)}."
    return f"The same under other conditions, on equal axes.{printed}" + left * bool(undrawn)


def _caption(shown: Sequence[Band], case: Case, marked: int | None) -> str:
    rate = case.rate
    counts = [each.seeds + each.diverged for each in shown]
    fewest = f"{min(counts)} to " * (min(counts) < max(counts))  # some are not run yet
    seeds = fewest + counted(max(each.seeds for each in shown), "seed")
    lost = [f"{each.diverged} of {each.series.name}" for each in shown if each.diverged]
    printed = _dashed(shown)
    if rate and any(printed_at(each.series.published, len(each.mean), rate) for each in shown):
        printed = f" Circles: what is printed for the last epoch at α = {rate:g}."
    compared = "" if marked is None else f" Vertical line: epoch {marked}, which is compared."
    compared += _RIGHT * has_window(shown, case.claim)
    diverged = f" Diverged and not drawn: {', '.join(lost)}." if lost else ""
    return (
        f"Training cost of each epoch{_under(case)}: mean and range over {seeds}."
        f"{printed}{compared}{diverged}"
    )


def _under(case: Case) -> str:
    """Return under which variant a figure is, as the end of a part of a sentence; or nothing."""
    return f", if {case.variant.name}" if case.variant else ""


def _dashed(shown: Sequence[Band], how_far: str = "") -> str:
    """Return the sentence on printed curves; empty where none is over as many epochs."""
    printed = [each for each in shown if printed_over(each.series.published, len(each.mean))]
    others = [
        f"that of {each.series.stands_for} for {each.series.name}"
        for each in printed
        if each.series.stands_for
    ]
    whose = f" ({', '.join(others)})" if others else ""
    end = f", {how_far}" if how_far else ""
    return f" Dashed: the printed curves{whose}{end}." if printed else ""
