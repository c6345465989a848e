"""Sentences on the verdicts of a declared study, shared by all forms of a report.

The argument `name` is a function that escapes names, for forms that need it.
"""

import math
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.judging import (
    Aspect,
    CostRatio,
    Entrant,
    Judgement,
    cells_of,
    looks_of,
    num_contests,
)
from benchmark.analysis.pairs import Pair, all_pairs
from benchmark.analysis.power import MOST_FURTHER
from benchmark.analysis.verdicts import Verdict
from benchmark.declaration import Declaration
from benchmark.metrics import metric_words
from benchmark.obstacles import cure, level_words, more_seeds
from benchmark.report.differences import (
    convention_words,
    deciding_test,
    difference_words,
    margin_of_verdict,
    margins_sentence,
    p_of,
    p_words,
)
from benchmark.report.printed import Statement
from benchmark.report.verdicts import shown_word
from benchmark.report.words import NO_BREAK, counted, duration_words, together
from benchmark.step_costs import TimeRatio
from optimizers.pick import is_import_path
from optimizers.spaces import learning_rate

if TYPE_CHECKING:
    from benchmark.record import Record
    from benchmark.spec import Trial

Name = Callable[[str], str]

_RELATIONS = {
    "better": "better than {reference} on {problem}: difference {size}",
    "worse": "worse than {reference} on {problem}: difference {size}",
    "equivalent": "equivalent to {reference} on {problem}: difference {size}, within the margin "
    "{margin}",
    "undecided": "undecided against {reference} on {problem}: difference {size}",
    "untuned": "no verdict against {reference} on {problem}: {reason}; difference {size}",
}
# Where seeds diverged, the difference over the others may point the other way.
_RANKED = "{word} than {reference} on {problem}, {diverged}"
_OVERALL = {
    "better": "better than {reference}: better on at least one problem and worse on none",
    "worse": "worse than {reference}: worse on at least one problem and better on none",
    "mixed": "mixed against {reference}: better on some problems and worse on others",
    "equivalent": "equivalent to {reference} on every problem",
    "undecided": "undecided against {reference}",
    "untuned": "no verdict against {reference}",
}
_NOT_OF_PAIRS = ("reference", "more_seeds")  # `other` has the second of a pair
_MOST_NAMED = 6  # contests with one word in a sentence beside the verdicts
ASPECTS: dict[Aspect, str] = {
    "confirmatory": "verdict",
    "optimization": "optimization",
    "generalization": "generalization",
}


def progress_sentence(declaration: Declaration, records: "Iterable[Record]") -> str:
    """Return how far a tuned study has come; empty when every declared trial has a record."""
    tuning = declaration.tuning
    if tuning is None:
        return ""
    known = {record.trial.key: record.trial for record in records}
    searches = len(cells_of(declaration)) * len(declaration.labels)
    left = searches - len(declaration.chosen)
    if left > 0:
        tried = sum(_is_of_search(declaration, trial) for trial in known.values())
        return (
            f"Tuning is not finished: {searches - left} of {searches} searches have ended, and "
            f"{counted(tried, 'trial')} of at least {searches * tuning.budget} are on record. "
            "Verdicts follow when it has finished; the same command continues it."
        )
    wanted = {trial.key for trial in _evaluation_trials(declaration)}
    done, planned = len(wanted & known.keys()), len(wanted)
    if done >= planned:
        return ""
    return (
        f"Evaluation is not finished: {done} of {counted(planned, 'trial')} are on record. "
        "Verdicts follow when it has finished; the same command continues it."
    )


def _is_of_search(declaration: Declaration, trial: "Trial") -> bool:
    """Return whether a trial is a tuning trial that the declared searches may ask for."""
    tuning = declaration.tuning
    if tuning is None or trial.purpose != "tuning" or trial.seed not in tuning.seeds:
        return False
    label = trial.label
    is_declared = any(label == each or label.startswith(f"{each} ") for each in declaration.labels)
    cells = cells_of(declaration)
    return is_declared and any(
        cell.trial(trial.optimizer, trial.seed, trial.purpose) == trial for cell in cells
    )


def _evaluation_trials(declaration: Declaration) -> "Iterable[Trial]":
    """Yield the trials of the chosen optimizers on the evaluation seeds."""
    cells = {
        (cell.workload.problem, cell.accelerator, cell.precision): cell
        for cell in cells_of(declaration)
    }
    for each in declaration.chosen:
        cell = cells.get(each.place[:3])
        spec = each.optimizer
        for seed in declaration.seeds if cell else ():
            assert cell is not None
            yield cell.trial(spec, seed)


def overall_sentence(judgement: Judgement, label: str, name: Name = str) -> str:
    """Return the verdict on one optimizer over all problems; empty for a study of one problem."""
    problems = {one.setting for one in judgement.confirmatory if one.optimizer == label}
    if len(problems) < 2:
        return ""
    words = _OVERALL[judgement.overall[label]].format(reference=name(judgement.reference))
    return f"{name(label)} over {counted(len(problems), 'problem')}: {words}."


def verdict_sentence(judgement: Judgement, verdict: Verdict, name: Name = str) -> str:
    """Return the verdict on one optimizer on one problem, with its numbers."""
    entrant = judgement.entrant(verdict.setting, verdict.optimizer)
    is_by_rank = _is_by_rank(verdict)
    said = (_RANKED if is_by_rank else _RELATIONS[verdict.word]).format(
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
        ranges = [_wider_range(each) for each in both if each.edge]
        words = f"a wider range: {together(ranges)}, all else as before" if all(ranges) else ""
    return f"for a verdict, {words}, in another study (--study NAME)" if words else ""


def _wider_range(entrant: Entrant) -> str:
    """Return learning rates around the chosen one: two decades beyond, one before.

    Empty if the rate is not known, and for the registry's full space: a range given by the user
    replaces all of that, and the other side would be tuned over more.
    """
    name, rate = learning_rate(entrant.spec.hyperparameters) or ("", None)
    if not rate or (entrant.kind == "full" and len(entrant.tunes) > 1):
        return ""
    low, high = (0.1, 100) if entrant.edge == "high" else (0.01, 10)
    return f"{name}={low * rate:.3g}..{high * rate:.3g} for {entrant.label}"


def _is_by_rank(verdict: Verdict) -> bool:
    """Return whether a word that names a direction was decided with diverged seeds as worst."""
    return verdict.word in ("better", "worse") and verdict.test == "signed ranks"


def _divergence_words(verdict: Verdict) -> str:
    ours, theirs, n = verdict.diverged, verdict.reference_diverged, verdict.n
    is_cause = ours > theirs if verdict.word == "worse" else ours < theirs
    how = "because of diverged seeds" if is_cause else "with diverged seeds counted as worst"
    return f"{how} ({ours} of {n}; reference {theirs} of {n})"


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


def how_tuned(entrant: Entrant) -> str:
    """Return how an optimizer was tuned: "lr=0.01, tuned over lr, 16 points"."""
    if not entrant.tried or not entrant.tunes:
        return "as given"
    chosen = _short_numbers(entrant.spec.label.removeprefix(entrant.label).strip())
    tuned = f"tuned over {', '.join(entrant.tunes)}, {counted(entrant.tried, 'point')}"
    return f"{chosen}, {tuned}" if chosen else tuned


def how_tuned_in_short(entrant: Entrant | None) -> str:
    """Return how an optimizer was tuned, for table cells: "tuned, 16 points, edge"."""
    if entrant is None or not entrant.tried:
        return "as given"
    return f"tuned, {counted(entrant.tried, 'point')}" + ", edge" * bool(entrant.edge)


def _short_numbers(text: str) -> str:
    """Return `text` with numbers of three significant digits, or whose distance from 1 has two.

    >>> _short_numbers("lr=0.0316228 betas=(0.943942,0.999636) k=1e-08")
    'lr=0.0316 betas=(0.944,0.99964) k=1e-08'
    """
    return re.sub(r"\d+\.\d{4,}(?:e[+-]?\d+)?", lambda found: _short(float(found[0])), text)


def _short(number: float) -> str:
    decimals = 1 - math.floor(math.log10(1 - number)) if 0.9 < number < 1 else 0
    return f"{number:.{max(3, decimals)}g}"


def reason_words(judgement: Judgement, verdict: Verdict) -> str:
    """Return the reason for no verdict, with its numbers; empty if there is a verdict."""
    if verdict.untuned is None:
        return ""
    one = judgement.entrant(verdict.setting, verdict.optimizer)
    other = judgement.entrant(verdict.setting, verdict.reference)
    details: dict[str, Iterable[str]] = {
        "best learning rate at an edge": (edge_words(each) for each in (one, other) if each.edge),
        "unequal budgets": [f"{one.tried} and {other.tried} points"],
        "unequal kinds of hyperparameters": [_space_words(each) for each in (one, other)],
        "declared seeds incomplete": [
            f"{len(each.records)} of {len(judgement.declaration.seeds)} of {each.label}"
            for each in (one, other)
            if len(each.records) < len(judgement.declaration.seeds)
        ],
    }
    found = together(list(details.get(verdict.untuned, ())) or [""])
    return f"{verdict.untuned} ({found})" if found else verdict.untuned


def _space_words(entrant: Entrant) -> str:
    tunes = ", ".join(entrant.tunes)
    return f"{tunes} in the {entrant.kind} space" if entrant.kind else tunes


def edge_words(entrant: Entrant) -> str:
    """Return the chosen learning rate and the end of those tried at which it lies, if any."""
    if not entrant.edge:
        return ""
    end = "highest" if entrant.edge == "high" else "lowest"
    name, rate = learning_rate(entrant.spec.hyperparameters) or ("lr", None)
    value = "the learning rate" if rate is None else f"{name}={rate:g}"
    return f"{value} is the {end} rate that {entrant.label} tried"


def cost_words(cost: CostRatio, reference: str) -> str:
    """Return an optimizer's costs compared with those of the reference.

    >>> cost_words(CostRatio(step=1.34, state=0.5, state_per_parameter=4.0), "adam")
    "a training step takes 1.3 times as long as adam's and its state takes 0.5 times as much memory"
    >>> cost_words(CostRatio(step=None, state=1.0, state_per_parameter=8.0), "adam")
    'its state takes as much memory'
    """
    found = [words for words in [_time_words(cost, reference)] if words]
    if cost.state_per_parameter == 0:
        found.append("it keeps no state")
    elif cost.state is not None:
        found.append(f"its state takes {_times(cost.state)}as much memory")
    elif cost.state_per_parameter is not None:
        found.append(f"its state takes {cost.state_per_parameter:.2g} bytes per parameter")
    return together(found) if found else ""


def _time_words(cost: CostRatio, reference: str) -> str:
    """Return how long a step takes; empty if this is unknown or was timed with much scatter.

    With as many gradients as the reference it is the optimizer's own part that differs. Otherwise
    only whole training steps can be compared.
    """
    timed = cost.timed
    if timed is None or timed.own is None or timed.training is None:
        if cost.step is None:
            return ""
        return f"a training step takes {_times(cost.step)}as long as {reference}'s"
    if timed.gradients != timed.reference_gradients:
        if not timed.training.is_known:
            return ""
        long = f"a training step takes {measured_times(timed.training)}as long as {reference}'s"
        numbers = (timed.gradients, timed.reference_gradients)
        return f"{long} ({numbers[0]:g} gradients in place of {numbers[1]:g})"
    if not timed.own.is_known:
        return ""
    long = f"its step takes {measured_times(timed.own)}as long as {reference}'s"
    return f"{long} ({share_words(timed.share)} of a training step)"


def measured_times(ratio: TimeRatio) -> str:
    """Return a measured ratio before "as long", with "about" if rounds scattered.

    >>> measured_times(TimeRatio(median=1.34, low=1.1, high=1.4))
    'about 1.3 times '
    """
    return "about " * (not ratio.is_sure) + _times(ratio.median)


def share_words(share: float) -> str:
    r"""Return a share in per cent.

    >>> share_words(0.042), share_words(0.001)
    ('4\xa0%', 'under 1\xa0%')
    """
    return f"{100 * share:.0f}{NO_BREAK}%" if share >= 0.01 else f"under 1{NO_BREAK}%"


def _times(ratio: float) -> str:
    """Return a ratio before "as long" or "as much"; empty if it prints as 1."""
    words = f"{ratio:.2g}"
    return "" if words == "1" else f"{words} times "


def opening_sentences(judgement: Judgement, name: Name = str) -> list[str]:
    """Return at most six sentences: the comparison, its tuning and its outcome."""
    declaration = judgement.declaration
    labels = [name(label) for label in declaration.labels if label != judgement.reference]
    problems = together([name(problem) for problem in declaration.problems])
    reference, metric = name(judgement.reference), metric_words(declaration.confirmatory)
    if not labels:
        return [f"{reference} was tuned on {problems}; there is nothing to compare it with."]
    found = [
        f"{together(labels)} {'was' if len(labels) == 1 else 'were'} compared with {reference} on "
        f"{problems} by the {metric} at the end of training, on "
        f"{counted(len(declaration.seeds), 'seed')}, as declared on {declaration.at[:10]}"
        f"{looks_words(declaration)}.",
        _tuning_sentence(judgement, name),
    ]
    if judgement.confirmatory:
        scope = "Over all problems, against" if len(declaration.problems) > 1 else "Against"
        found.append(f"{scope} {reference}: {_by_word(judgement.overall, name)}.")
    else:
        found.append("Tuning has not ended, so there is no verdict yet.")
    deviations = deviation_sentences(judgement)
    if len(deviations) > 1:
        deviations = [f"The study deviates from its declaration in {len(deviations)} places."]
    return [*found, *deviations, "Everything but the verdicts is exploratory."]


def looks_words(declaration: Declaration) -> str:
    """Return ", with two looks …" if two are declared, otherwise nothing."""
    if declaration.stages == 1:
        return ""
    made = "second" if looks_of(declaration) else "first"
    level = level_words(declaration.stages)
    return f", with two looks at the level {level} each, of which this is the {made}"


def _settings_sentence(judgement: Judgement, name: Name) -> str:
    """Return which optimizers have the settings of shipped baselines, in a study without search."""
    source = next((each.source for each in judgement.declaration.chosen if each.source), "")
    tuned = list(dict.fromkeys(name(each.label) for each in judgement.entrants if each.tried))
    given = list(dict.fromkeys(name(each.label) for each in judgement.entrants if not each.tried))
    if not tuned:
        return "The optimizers were trained as given."
    verb = "was" if len(given) == 1 else "were"
    others = f"; {together(given)} {verb} trained as given" if given else ""
    return f"The hyperparameters of {together(tuned)} are those of {source}, tuned equally{others}."


def _tuning_sentence(judgement: Judgement, name: Name) -> str:
    """Return the number of points tried, and the optimizers whose best rate lies at an edge."""
    tuning = judgement.declaration.tuning
    if tuning is None:
        return _settings_sentence(judgement, name)
    tried = {each.tried for each in judgement.entrants} or {tuning.budget}
    points = f"{min(tried)} to {max(tried)} points" if len(tried) > 1 else f"{min(tried)} points"
    edges = list(dict.fromkeys(name(each.label) for each in judgement.entrants if each.edge))
    edge = f"; the best learning rate of {together(edges)} lies at an edge" if edges else ""
    return (
        f"Each optimizer tried {points} per problem on tuning seeds; the best point was trained "
        f"again on other seeds, which are reported{edge}."
    )


def _by_word(words: Mapping[str, str], name: Name) -> str:
    """Return labels by verdict: "better: a and b; undecided: c"."""
    found: dict[str, list[str]] = {}
    for label, word in words.items():
        found.setdefault(shown_word(word), []).append(name(label))
    order = list(map(shown_word, _OVERALL))
    return "; ".join(f"{word}: {together(found[word])}" for word in sorted(found, key=order.index))


def deviation_sentences(judgement: Judgement) -> list[str]:
    """Return the changes of a study after it was declared."""
    return [
        f"Deviation from the declaration, {each.at[:16].replace('T', ' ')} UTC, after "
        f"{counted(each.records, 'result')}: {'; '.join(each.what)}."
        for each in judgement.declaration.deviations
    ]


def as_json(judgement: Judgement) -> dict[str, Any]:
    """Return the verdicts for JSON, with a sentence each."""
    from dataclasses import asdict

    return {
        "reference": judgement.reference,
        "sign": convention_words(judgement.declaration.confirmatory),
        "margins": dict(judgement.declaration.margins),
        "overall": dict(judgement.overall),
        "verdicts": {
            aspect: [
                asdict(verdict) | {"sentence": verdict_sentence(judgement, verdict)}
                for verdict in verdicts
            ]
            for aspect, verdicts in judgement.verdicts.items()
        },
        "pairs": [_pair_as_json(pair) for pair in all_pairs(judgement)],
        "costs": [_cost_as_json(*place, cost) for place, cost in judgement.costs.items()],
        "sentences": sentences(judgement),
        "declared": judgement.declaration.at,
        "seeds": list(judgement.declaration.seeds),
    }


def _pair_as_json(pair: Pair) -> dict[str, Any]:
    from dataclasses import asdict

    family = "confirmatory" if pair.is_confirmatory else "exploratory"
    found = asdict(pair.verdict) | {"other": pair.verdict.reference, "family": family}
    return {name: value for name, value in found.items() if name not in _NOT_OF_PAIRS}


def _cost_as_json(setting: str, optimizer: str, cost: CostRatio) -> dict[str, Any]:
    from msgspec import to_builtins

    return {"setting": setting, "optimizer": optimizer, **to_builtins(cost)}


def sentences(judgement: Judgement, name: Name = str) -> list[str]:
    """Return all sentences on optimizers and the study, in the order of `statements`."""
    return [each.text for each in statements(judgement, name)]


def statements(judgement: Judgement, name: Name = str) -> list[Statement]:
    """Return the sentences on optimizers and the study, each with the word of its verdict.

    Those over all problems come first, then each optimizer's by problem, then deviations; the
    caller's own optimizers come first among the optimizers.
    """
    labels = own_first(judgement)
    found = [
        Statement(text=words, word=judgement.overall[label], optimizer=label)
        for label in labels
        if (words := overall_sentence(judgement, label, name))
    ]
    found += [
        Statement(
            text=verdict_sentence(judgement, one, name), word=one.word, optimizer=one.optimizer
        )
        for label in labels
        for one in judgement.confirmatory
        if one.optimizer == label
    ]
    return found + [Statement(text=words) for words in deviation_sentences(judgement)]


def aside_sentences(judgement: Judgement, name: Name = str) -> list[str]:
    """Return a sentence on optimization and one on generalization, as far as there are verdicts."""
    found = []
    for aspect, verdicts in judgement.verdicts.items():
        if aspect == "confirmatory" or not verdicts:
            continue
        metrics = together(list(dict.fromkeys(metric_words(one.metric) for one in verdicts)))
        words = [
            _contests_words(judgement, some, name)
            for word in _RELATIONS
            if (some := [one for one in verdicts if one.word == word])
        ]
        title = ASPECTS[aspect]
        found.append(f"{title[0].upper()}{title[1:]}, by {metrics}: {'; '.join(words)}.")
    return found


def _contests_words(judgement: Judgement, verdicts: Sequence[Verdict], name: Name) -> str:
    """Return contests with one word: "sgd and adagrad undecided on logreg/digits"."""
    word = shown_word(verdicts[0].word)
    if len(verdicts) > _MOST_NAMED:
        return f"{len(verdicts)} comparisons {word}"
    problems: dict[str, list[str]] = {}
    for one in verdicts:
        title = name(title_of(judgement, one.setting))
        problems.setdefault(name(one.optimizer), []).append(title)
    labels: dict[tuple[str, ...], list[str]] = {}
    for label, on in problems.items():
        labels.setdefault(tuple(on), []).append(label)
    return ", ".join(f"{together(those)} {word} on {together(on)}" for on, those in labels.items())


def notes(judgement: Judgement, name: Name = str) -> list[str]:
    """Return what the numbers in the sentences mean: signs, margins and corrections."""
    if not judgement.confirmatory:
        return []
    words = [
        convention_words(judgement.declaration.confirmatory),
        margins_sentence(judgement, name),
        correction_sentence(judgement),
    ]
    return [each for each in words if each]


def correction_sentence(judgement: Judgement) -> str:
    """Return for how many comparisons p is corrected; empty for one, and where no p is given."""
    count = num_contests(judgement.declaration, judgement.reference)
    if count < 2 or all(one.word == "untuned" for one in judgement.confirmatory):
        return ""
    return (
        f"Each p is corrected for all {count} declared comparisons (Holm's method). Intervals are "
        "not, so one may leave out 0 beside the word undecided."
    )


def own_first(judgement: Judgement) -> list[str]:
    """Return the labels that have verdicts, those of optimizers by import path first."""
    own = {each.label: is_import_path(each.spec.name) for each in judgement.entrants}
    labels = dict.fromkeys(one.optimizer for one in judgement.confirmatory)
    return sorted(labels, key=lambda label: not own[label])


def short_verdict(verdict: Verdict) -> str:
    """Return the word of a verdict as sentences print it, for table cells."""
    return shown_word(verdict.word)


def title_of(judgement: Judgement, setting: str) -> str:
    """Return the name of the problem, or the whole setting if the problem has several."""
    problems = {each.setting: each.problem for each in judgement.entrants}
    several = list(problems.values()).count(problems[setting]) > 1
    return setting if several else problems[setting]
