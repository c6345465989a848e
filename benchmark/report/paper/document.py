"""The reproduction of a paper as a Markdown document with pictures.

A strip of verdicts comes first, then a block for each claim that was run, and last what was not
run, with its hours and its command. The same records give the same bytes.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

import matplotlib as mpl

from benchmark.atomic import replacing
from benchmark.errors import UsageError
from benchmark.paper.cases import Case
from benchmark.paper.evidence import compared_costs
from benchmark.paper.judgement import Finding, PaperVerdict
from benchmark.paper.others import OTHERS
from benchmark.paper.plan import Plan
from benchmark.paper.rate_curves import (
    is_printed_over_rates,
    printed_cost,
    printed_over_rates,
)
from benchmark.paper.rules import Experiment, Series
from benchmark.report.figures.look import RC
from benchmark.report.figures.write import Drawing, Kind, save, save_picture
from benchmark.report.markdown_text import as_cell, as_prose, raw_table
from benchmark.report.paper.claim_figures import drawings_of
from benchmark.report.paper.expected import expectations
from benchmark.report.paper.found import Reproduction
from benchmark.report.paper.not_run import not_run
from benchmark.report.paper.table import (
    WITHOUT_RUNS,
    deciding_p,
    number_words,
    outcome,
    p_words,
    scale_words,
    short_words,
)
from benchmark.report.words import counted, together

_NONE = "–"
_DEVICES = {"gpu": "a GPU", "mps": "an Apple GPU"}  # beside the CPU


def write_paper(found: Reproduction, target: Path) -> list[Path]:
    """Write the document to `target` and its pictures to a folder beside it; return all paths.

    The folder has the same name as the document, without the suffix.

    Raises:
        UsageError: no claim has a result.
        OSError: the folder cannot be written.
    """
    folder = target.with_suffix("")
    drawings = draw_paper(found)
    text = paper_markdown(found, drawings, quote(folder.name))
    folder.mkdir(exist_ok=True)
    with ExitStack() as written:  # all files are replaced together, or none
        pictures = [save_picture(drawing, "svg", folder, written) for drawing in drawings]
        written.enter_context(replacing(target)).write_text(text, encoding="utf-8")
    return [target, *pictures]


def write_paper_figures(found: Reproduction, kind: Kind, folder: Path) -> list[Path]:
    """Write every figure, with a file for its caption, to `folder`; return all paths.

    Raises:
        UsageError: no claim has a result.
        OSError: the folder cannot be written; no file has changed.
    """
    drawings = draw_paper(found)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as written:
        return [path for each in drawings for path in save(each, kind, folder, written)]


def draw_paper(found: Reproduction) -> list[Drawing]:
    """Return the figures of all claims that were run.

    Raises:
        UsageError: no claim has a result.
    """
    if not found.run:
        raise UsageError(
            "no claim has a result yet: run the same command without --out and --format first"
        )
    with mpl.rc_context(RC):
        return [drawing for verdict in found.run for drawing in drawings_of(found, verdict)]


def paper_markdown(found: Reproduction, drawings: Sequence[Drawing], folder: str) -> str:
    """Return the document.

    Args:
        found: The results.
        drawings: The figures, as `draw_paper` returns them.
        folder: Address of the folder with the pictures and the rules; empty for a page, which
            has the pictures inside.
    """
    rules = found.plan.rules
    parts = [
        "# The Adam paper, re-examined",
        _opening(found),
        _strip(found),
        _legend(found, folder),
    ]
    shown = dict.fromkeys(verdict.claim.experiment for verdict in found.run)
    for experiment in (each for each in rules.experiments if each.name in shown):
        parts += _experiment(experiment, found)
        for verdict in found.run:
            if verdict.claim.experiment == experiment.name:
                own = [each for each in drawings if each.setting == verdict.claim.name]
                parts += _block(found, verdict, own, folder)
    parts += expectations(found)
    parts += not_run(found)
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(found: Reproduction) -> str:
    words = [each.word for each in found.run_as_declared]
    outcomes = ", ".join(f"{word} ({words.count(word)})" for word in dict.fromkeys(words))
    left = len(found.verdicts) - len(words)
    rest = f" The other {left} were not run, or not for all of their epochs." if left else ""
    verdicts = f" Verdicts: {outcomes}." if outcomes else ""
    late = [each.claim.name for each in found.verdicts if each.claim.added]
    were = "was" if len(late) == 1 else "were"
    added = f" {together(late)} {were} added after other claims had been judged." if late else ""
    return (
        f"{as_prose(found.plan.rules.paper)}, section 6. Run here: {len(words)} of "
        f"{counted(len(found.verdicts), 'claim')}.{verdicts}{rest}{added}"
    )


def _strip(found: Reproduction) -> str:
    """Return the table of all verdicts, beside what other reproductions found."""
    header = ["claim", "the paper says", "here", "p", *(each.name for each in OTHERS)]
    with_block = {verdict.claim.name for verdict in found.run}
    rows = [
        [
            f"[{name}](#{name})" if name in with_block else as_cell(name),
            as_cell(f"“{verdict.claim.quotation}”"),
            f"**{as_cell(short_words(verdict))}**",
            p_words(deciding_p(verdict.finding)),
            *(as_cell(each.results.get(name, _NONE)) for each in OTHERS),
        ]
        for verdict in found.verdicts
        for name in [verdict.claim.name]
    ]
    return raw_table(header, rows)


def _legend(found: Reproduction, folder: str) -> str:
    rules = found.plan.rules
    file = f"[rules.toml]({folder}/rules.toml)" if folder else "docs/paper/rules.toml"
    others = "\n".join(f"- {as_prose(each.name)}: {as_prose(each.about)}." for each in OTHERS)
    return (
        f"Conditions, statements, margins and grids were fixed before the runs that they judge: "
        f"{file}, which says what was added later: remarks, expectations, words of verdicts that "
        "decide nothing, and the claims so marked. A cost here is the mean over an epoch; the "
        "paper does not say which part of an epoch its points stand for. "
        "Each learning rate that the claim does not name was "
        "chosen by training cost on tuning seeds; the chosen ones then trained on fresh "
        "seeds, the same for all optimizers. p is that of a one-sided test, of the claim or of its "
        "opposite, whichever is smaller. Holm's method corrects it over all "
        f"{len(rules.claims)} claims, and apart over their opposites, and p ≤ {rules.alpha:g} "
        "decides; intervals are not corrected. The last two columns have the results of two other "
        f"reproductions, which ran each setting once:\n\n{others}"
    )


def _experiment(experiment: Experiment, found: Reproduction) -> list[str]:
    training = experiment.training
    accelerator = found.plan.accelerators.get(experiment.name, "cpu")
    device = "" if accelerator == "cpu" else f" Trained on {_DEVICES[accelerator]}."
    own = [each for each in found.plan.rules.claims if each.experiment == experiment.name]
    rates = f", rates chosen on {counted(experiment.tuning_seeds, 'other seed')}"
    return [
        f"## Figure {as_prose(experiment.figure)}",
        f"`{training.problem}`, {experiment.epochs} epochs, {experiment.seeds} seeds"
        f"{rates * any(each.rate is None for each in own)}.{_shortened(experiment, found)}"
        f"{device} The paper states: "
        f"{as_prose(experiment.stated)}. Chosen here: {as_prose(experiment.chosen)}."
        f"{_left_out(experiment, found)}",
    ]


def _left_out(experiment: Experiment, found: Reproduction) -> str:
    """Return a sentence on the printed series that no case has a result of; empty without any."""
    own = [each for each in found.plan.rules.claims if each.experiment == experiment.name]
    cases = [each for each in found.plan.cases if each.experiment.name == experiment.name]
    if not {each.name for each in own} <= {each.claim.name for each in cases}:
        return ""  # other claims, which were not asked for, may have results of them
    drawn = {band.series.name for case in cases for band in found.bands(case)}
    printed = [each for each in experiment.series if each.published]
    left = [each.name for each in printed if each.name not in drawn] if drawn else []
    return f" Printed too, and not run here: {as_prose(', '.join(left))}." if left else ""


def _shortened(experiment: Experiment, found: Reproduction) -> str:
    """Return a sentence on what was carried out of the rules; empty if that is all of them."""
    most = found.plan.extent
    limits = (
        (most.epochs, experiment.epochs, "epoch", "{}"),
        (most.seeds, experiment.seeds, "seed", "{}"),
        (most.tuning_seeds, experiment.tuning_seeds, "other seed", "rates chosen on {}"),
    )
    parts = [
        words.format(counted(int(limit), thing))
        for limit, declared, thing, words in limits
        if limit < declared
    ]
    return f" **Carried out here: at most {', '.join(parts)}.**" if parts else ""


def _block(
    found: Reproduction, verdict: PaperVerdict, drawings: Sequence[Drawing], folder: str
) -> list[str]:
    """Return the block of a claim: words, verdict, rates, figure and variants."""
    claim, own, main = verdict.claim, found.case(verdict), found.main_case(verdict)
    pictures = {
        each.name: f"![{as_prose(each.caption)}]({folder}/{each.name}.svg)" for each in drawings
    }
    captions = {each.name: as_prose(each.caption) for each in drawings}
    parts = [
        f"### {claim.name}",
        f"> “{as_prose(claim.quotation)}”",
        f"Reproduced if, {as_prose(claim.statement)}.",
        _sentence(found, verdict),
    ]
    parts += [f"Added {as_prose(claim.added)}."] if claim.added else []
    parts += [f"Remark: {as_prose(claim.remark)}."] if claim.remark else []
    parts += _rates(found, own) if own else []
    parts += _rates(found, main) if main and main != own else []
    for name, variants in ((claim.name, False), (f"{claim.name}-variants", True)):
        parts += [_variants(found, verdict)] * variants
        parts += [pictures[name], captions[name]] if name in pictures else []
    return parts


def _sentence(found: Reproduction, verdict: PaperVerdict) -> str:
    """Return the verdict with its numbers."""
    finding = verdict.finding
    numbers = list(map(as_cell, _differences(finding)))
    unit = scale_words(verdict.claim)
    seeds = f", {counted(finding.measured[0].n, 'seed')}" if finding.measured else ""
    if any(each.worst or each.second_worst for each in finding.measured):
        seeds += ", diverged ones as worst; intervals are over the others"
    where = " under its own conditions" * (finding.obstacle == WITHOUT_RUNS)
    words = f"**{as_prose(_sentence_case(short_words(verdict) + where))}.**"
    if numbers:
        p = p_words(deciding_p(finding))
        p = p if p.startswith("<") else f"= {p}"
        if not finding.is_shown and not finding.is_refuted:
            least = min(finding.raw_p, finding.raw_p_opposite)
            p += f" ({p_words(least)} before correction)"
        words += f" Difference [95 % interval]{unit}: {'; '.join(numbers)}; p {p}{seeds}."
    return words + _as_sentence(finding.note)


def _as_sentence(words: str) -> str:
    """Return words as one more sentence of a paragraph; empty for none."""
    return f" {as_prose(_sentence_case(words))}." if words else ""


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


def _rates(found: Reproduction, case: Case) -> list[str]:
    """Return the table of mean costs with its heading; nothing while none is known.

    It has those on tuning seeds by rate, with the chosen rates bold, and those that the claim
    compares, beside the printed ones.
    """
    costs = {each.name: found.plan.tuning_costs(case, each, found.known) for each in case.series}
    rates = sorted({rate for by_rate in costs.values() for rate in by_rate})
    plan, known = found.plan, found.known
    here = {each.name: compared_costs(plan, case, each, known) for each in case.series}
    if not rates and not any(here.values()):
        return []
    rows = []
    for series in case.series:
        best = found.plan.choice(case, series, found.known).best
        cells = [_cost(costs[series.name], rate, is_best=rate == best) for rate in rates]
        whose = f" ({as_cell(series.stands_for)})" * bool(series.stands_for)
        cells += [_mean(here[series.name]), _printed(plan, case, series) + whose]
        rows.append([as_cell(series.name), *cells])
    header = ["series", *(f"{rate:g}" for rate in rates), "here", "printed"]
    return [_words_on_rates(found, case), raw_table(header, rows)]


def _words_on_rates(found: Reproduction, case: Case) -> str:
    """Return the heading of the table of mean costs."""
    last, chosen = (found.plan.needed(case, step) for step in ("evaluation", "tuning"))
    epochs = _epochs(case, last)
    under = f", if {case.variant.name}," if case.variant else ""
    if case.rate is not None:
        return (
            f"Mean cost{under} {epochs} at the learning rate {case.rate:g}, on the compared seeds "
            "(here) and in the paper (printed):"
        )
    at_choice = f" {_epochs(case, chosen)}" if chosen != last else ""
    is_by_rate = any(printed_over_rates(each.published, last) for each in case.series)
    return (
        f"Mean cost{under}{at_choice} on tuning seeds by learning rate, the chosen one bold; and "
        "the mean "
        f"{epochs}, at the chosen rate on the compared seeds (here) and in the paper (printed"
        f"{', at its best rate' * is_by_rate}):"
    )


def _epochs(case: Case, last: int) -> str:
    """Return in words over which epochs a cost is averaged that is known at the end of `last`."""
    window = case.window(last)
    return f"over epochs {last - window + 1} to {last}" if window > 1 else f"in epoch {last}"


def _mean(costs: Sequence[float | None]) -> str:
    """Return the mean cost of the seeds that did not diverge, and how many did."""
    finite = [cost for cost in costs if cost is not None]
    return _diverged(_number(fmean(finite) if finite else None), len(costs) - len(finite))


def _cost(by_rate: dict[float, tuple[int, float | None]], rate: float, *, is_best: bool) -> str:
    if rate not in by_rate:
        return ""
    diverged, mean = by_rate[rate]
    words = _diverged(_number(mean), diverged)
    return f"**{words}**" if is_best else words


def _printed(plan: Plan, case: Case, series: Series) -> str:
    """Return the printed cost; figure 4 prints no point whose cost is above its axis."""
    cost = printed_cost(plan, case, series)
    is_off = cost is None and is_printed_over_rates(series.published)
    return "off the chart" if is_off else _number(cost)


def _number(cost: float | None) -> str:
    return _NONE if cost is None else f"{cost:.4g}"


def _diverged(words: str, seeds: int) -> str:
    return words + f" ({seeds} diverged)" * bool(seeds)


def _variants(found: Reproduction, verdict: PaperVerdict) -> str:
    """Return the table of the variants of a claim; empty if it has none."""
    if not verdict.variants:
        return ""
    difference = f"difference [95 %]{scale_words(verdict.claim)}"
    header = ["condition", "the claim is", difference, "p", "chosen rates"]
    rows = [
        [
            as_cell(each.variant.name),
            f"**{outcome(each)}**" if _flips(verdict, each) else outcome(each),
            "<br>".join(map(as_cell, _differences(each))) or _NONE,
            p_words(deciding_p(each)),
            _chosen(found, verdict, each),
        ]
        for each in verdict.variants
        if each.variant
    ]
    return (
        "Under other conditions (p is corrected over all variants; bold: the opposite of the "
        "verdict above):\n\n" + raw_table(header, rows)
    )


def _differences(finding: Finding) -> list[str]:
    return [
        f"{one.contrast.first} − {one.contrast.second}: {number_words(one).replace('-', '−')}"
        for one in finding.measured
    ]


def _flips(verdict: PaperVerdict, finding: Finding) -> bool:
    own = verdict.finding
    return (own.is_shown and finding.is_refuted) or (own.is_refuted and finding.is_shown)


def _chosen(found: Reproduction, verdict: PaperVerdict, finding: Finding) -> str:
    case = found.case(verdict, finding.variant.name if finding.variant else "")
    if case is None or not finding.measured:
        return _NONE
    choices = {each.name: found.plan.choice(case, each, found.known) for each in case.series}
    return as_cell(", ".join(f"{name} {choice.words}" for name, choice in choices.items()))
