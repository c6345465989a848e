"""Sentences on a declared study as a whole, shared by all forms of a report.

The argument `name` is a function that escapes names, for forms that need it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.judging import (
    Aspect,
    CostRatio,
    Judgement,
    cells_of,
    looks_of,
    num_contests,
)
from benchmark.analysis.pairs import Pair, all_pairs
from benchmark.analysis.verdicts import Verdict
from benchmark.declaration import Declaration
from benchmark.metrics import metric_words
from benchmark.obstacles import level_words
from benchmark.report.differences import (
    convention_words,
    margins_sentence,
)
from benchmark.report.printed import Statement
from benchmark.report.verdicts import shown_word
from benchmark.report.words import counted, together
from optimizers.pick import is_import_path

if TYPE_CHECKING:
    from benchmark.record import Record
    from benchmark.spec import Trial
from benchmark.report.verdict_sentences import RELATIONS, Name, title_of, verdict_sentence

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
    """Return how far a study with verdicts has come; empty if every declared trial has a record.

    Where shipped baselines gave the settings, the trials are those of these settings.
    """
    tuning = declaration.tuning
    known = {record.trial.key: record.trial for record in records}
    searches = len(cells_of(declaration)) * len(declaration.labels)
    left = searches - len(declaration.chosen)
    if tuning is not None and left > 0:
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
            for word in RELATIONS
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
