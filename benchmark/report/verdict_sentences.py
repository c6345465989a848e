"""The sentence of one verdict of a declared study: word, numbers, reason and advice.

The argument `name` is a function that escapes names, for forms that need it.
"""

import math
import statistics
from collections.abc import Callable, Iterable

from benchmark.analysis.judging import Judgement, looks_of
from benchmark.analysis.power import MOST_FURTHER
from benchmark.analysis.verdicts import Verdict
from benchmark.obstacles import cure, level_words, more_seeds
from benchmark.report.cost_words import cost_words
from benchmark.report.differences import (
    deciding_test,
    difference_words,
    margin_of_verdict,
    p_of,
    p_words,
)
from benchmark.report.search_words import edge_words, how_tuned, space_words, wider_range
from benchmark.report.verdicts import shown_word
from benchmark.report.words import NO_BREAK, counted, duration_words, together

Name = Callable[[str], str]
RELATIONS = {
    "better": "better than {reference} on {problem}: difference {size}",
    "worse": "worse than {reference} on {problem}: difference {size}",
    "equivalent": "equivalent to {reference} on {problem}: difference {size}, within the margin "
    "{margin}",
    "undecided": "undecided against {reference} on {problem}: difference {size}",
    "untuned": "no verdict against {reference} on {problem}: {reason}; difference {size}",
}
# Where seeds diverged, the difference over the others may point the other way.
_RANKED = "{word} than {reference} on {problem}, {diverged}"


def verdict_sentence(judgement: Judgement, verdict: Verdict, name: Name = str) -> str:
    """Return the verdict on one optimizer on one problem, with its numbers."""
    entrant = judgement.entrant(verdict.setting, verdict.optimizer)
    is_by_rank = _is_by_rank(verdict)
    said = (_RANKED if is_by_rank else RELATIONS[verdict.word]).format(
        word=verdict.word,
        reference=name(verdict.reference),
        problem=name(title_of(judgement, verdict.setting)),
        size=difference_words(judgement, verdict),
        diverged=_divergence_words(verdict),
        margin=margin_of_verdict(judgement, entrant.problem, verdict),
        reason=reason_words(judgement, verdict),
    )
    if is_by_rank and verdict.difference is not None:
        said += f"; where neither diverged the difference is {difference_words(judgement, verdict)}"
    more = "".join(f"; {words}" for words in [advice_words(judgement, verdict)] if words)
    note = f"; {verdict.note}" if verdict.note and not is_by_rank else ""
    costs = cost_words(judgement.costs[verdict.setting, verdict.optimizer], name(verdict.reference))
    cost = f" {costs[0].upper()}{costs[1:]}." if costs else ""
    return (
        f"{name(verdict.optimizer)} ({name(how_tuned(entrant))}): {said} "
        f"({numbers_words(verdict)}{_level(judgement, verdict)}){more}{note}.{cost}"
    )


def short_verdict(verdict: Verdict) -> str:
    """Return the word of a verdict as sentences print it, for table cells."""
    return shown_word(verdict.word)


def title_of(judgement: Judgement, setting: str) -> str:
    """Return the name of the problem, or the whole setting if the problem has several."""
    problems = {each.setting: each.problem for each in judgement.entrants}
    several = list(problems.values()).count(problems[setting]) > 1
    return setting if several else problems[setting]


def numbers_words(verdict: Verdict) -> str:
    """Return the numbers beside a verdict: seeds, effect size, p and divergence."""
    found = [counted(verdict.n, "seed")]
    if verdict.dz is not None:
        found.append(f"d_z{NO_BREAK}={NO_BREAK}{verdict.dz:.2g}".replace("-", "−"))
    if verdict.word != "untuned":
        found.append(f"{p_words(p_of(verdict))} by {deciding_test(verdict)}")
    if verdict.diverged or verdict.reference_diverged:
        found.append(f"diverged in {verdict.diverged}, reference in {verdict.reference_diverged}")
    return ", ".join(found)


def reason_words(judgement: Judgement, verdict: Verdict) -> str:
    """Return the reason for no verdict, with its numbers; empty if there is a verdict."""
    if verdict.untuned is None:
        return ""
    one = judgement.entrant(verdict.setting, verdict.optimizer)
    other = judgement.entrant(verdict.setting, verdict.reference)
    details: dict[str, Iterable[str]] = {
        "best learning rate at an edge": (edge_words(each) for each in (one, other) if each.edge),
        "unequal budgets": [f"{one.tried} and {other.tried} points"],
        "unequal kinds of hyperparameters": [space_words(each) for each in (one, other)],
        "declared seeds incomplete": [
            f"{len(each.records)} of {len(judgement.declaration.seeds)} of {each.label}"
            for each in (one, other)
            if len(each.records) < len(judgement.declaration.seeds)
        ],
    }
    found = together(list(details.get(verdict.untuned, ())) or [""])
    return f"{verdict.untuned} ({found})" if found else verdict.untuned


def advice_words(judgement: Judgement, verdict: Verdict) -> str:
    """Return what would probably give a verdict: seeds or another option; empty for no advice.

    Only a study that declared two looks may add seeds, and only once.
    """
    if verdict.word == "undecided" and not verdict.more_seeds:
        return _open_words(verdict)
    if not verdict.more_seeds:
        return _cure_words(judgement, verdict)
    declaration = judgement.declaration
    if declaration.stages == 1:
        total = verdict.n + verdict.more_seeds
        first = 100 * (max(declaration.seeds) // 100 + 1)
        seeds = f"--seeds {first}-{first + total - 1}"
        return (
            f"about {total} fresh seeds would probably decide (another study: --study NAME "
            f"{seeds}{_time_of_seeds(judgement, verdict, total)})"
        )
    if looks_of(declaration):
        return "another study with other seeds may decide"
    noun = "more seed" if verdict.more_seeds == 1 else "more seeds"
    command = (
        f"the second look: the same command with {more_seeds(declaration, verdict.more_seeds)}"
        f"{_time_of_seeds(judgement, verdict, verdict.more_seeds)}"
    )
    return f"about {verdict.more_seeds} {noun} would probably decide ({command})"


def _level(judgement: Judgement, verdict: Verdict) -> str:
    """Return the level beside p, where it is not the usual one."""
    stages = judgement.declaration.stages
    if stages == 1 or verdict.word == "untuned":
        return ""
    return f", level {level_words(stages)} of each of {stages} looks"


def _cure_words(judgement: Judgement, verdict: Verdict) -> str:
    """Return the option that gives a verdict in another study; empty if no option does."""
    if verdict.untuned is None:
        return ""
    both = [
        judgement.entrant(verdict.setting, label)
        for label in (verdict.optimizer, verdict.reference)
    ]
    searches = judgement.declaration.tuning is not None
    one, other = (each.contestant for each in both)
    words = cure(verdict.untuned, one, other, searches=searches)
    if verdict.untuned == "best learning rate at an edge" and searches:
        ranges = [wider_range(each) for each in both if each.edge]
        words = f"a wider range: {together(ranges)}, all else as before" if all(ranges) else ""
    return f"for a verdict, {words}, in another study (--study NAME)" if words else ""


def _is_by_rank(verdict: Verdict) -> bool:
    """Return whether a word that names a direction was decided with diverged seeds as worst."""
    return verdict.word in ("better", "worse") and verdict.test == "signed ranks"


def _divergence_words(verdict: Verdict) -> str:
    ours, theirs, n = verdict.diverged, verdict.reference_diverged, verdict.n
    is_cause = ours > theirs if verdict.word == "worse" else ours < theirs
    how = "because of diverged seeds" if is_cause else "with diverged seeds counted as worst"
    return f"{how} ({ours} of {n}; reference {theirs} of {n})"


def _open_words(verdict: Verdict) -> str:
    """Return why no number of seeds is given that would decide."""
    if verdict.diverged or verdict.reference_diverged:
        return "how many more seeds would decide is not estimated, because seeds diverged"
    return f"more than {MOST_FURTHER} more seeds would probably be needed to decide"


def _time_of_seeds(judgement: Judgement, verdict: Verdict, seeds: int) -> str:
    """Return how long both optimizers would train with so many seeds; empty if this is unknown."""
    labels = (verdict.optimizer, verdict.reference)
    entrants = [judgement.entrant(verdict.setting, label) for label in labels]
    known = [
        [record.clocks.total for record in each.records.values() if record.clocks.total is not None]
        for each in entrants
    ]
    if not all(known):
        return ""
    seconds = seeds * math.fsum(map(statistics.median, known))
    return f", about {duration_words(seconds)} in one worker"
