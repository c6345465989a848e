"""Sentences on verdicts: where seeds diverged, and at an edge."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from msgspec import structs

from benchmark.analysis.judging import judgement_of
from benchmark.margins import default_margin
from benchmark.report.differences import (
    difference_alone,
    difference_words,
    margin_words,
    margins_sentence,
)
from benchmark.report.judgements import as_json, aside_sentences, notes, sentences, statements
from benchmark.report.markdown_verdicts import in_words, verdicts
from benchmark.report.search_words import edge_words
from benchmark.report.studies import read_studies
from benchmark.report.verdict_sentences import verdict_sentence
from optimizers.grammar import describe_tunables
from tests.benchmark.analysis.test_judging import declaration, records, shifted, study
from tests.benchmark.tuned_studies import OWN


def judged(shift, **diverged):
    """Return verdicts where so many of the first seeds of each optimizer diverged."""
    asked = study(problems=("mlp/digits",))
    known = [
        replace(each, status="diverged", metrics={})
        if each.trial.seed < diverged.get(each.trial.label.split()[0], 0)
        else each
        for each in records(asked, shifted(sgd=shift))
    ]
    return judgement_of(declaration(asked), known)


@pytest.mark.parametrize(
    ("shift", "sgd", "adam", "said"),
    [
        (-0.1, 8, 0, "worse than adam on mlp/digits, because of diverged seeds (8 of 10; reference "
         "0 of 10); where neither diverged the difference is −0.1"),
        (0.1, 0, 8, "better than adam on mlp/digits, because of diverged seeds (0 of 10; reference "
         "8 of 10); where neither diverged the difference is 0."),
        (-0.1, 10, 0, "worse than adam on mlp/digits, because of diverged seeds (10 of 10; "
         "reference 0 of 10) ("),
        (-0.1, 2, 2, "better than adam on mlp/digits, with diverged seeds counted as worst (2 of "
         "10; reference 2 of 10); where neither diverged the difference is −0."),
    ],
)  # fmt: skip
def test_a_word_by_ranks_keeps_the_sign_of_the_other_seeds(shift, sgd, adam, said):
    judgement = judged(shift, sgd=sgd, adam=adam)
    [verdict] = judgement.confirmatory
    assert verdict.test == "signed ranks"
    for sentence in (*sentences(judgement), verdict_sentence(judgement, verdict)):
        assert said in sentence
    assert said in in_words(judgement).replace("\\", "")
    if verdict.difference is not None:
        assert difference_words(judgement, verdict).startswith("−") == (verdict.difference < 0)


@pytest.mark.parametrize("shift", [-0.1, -0.001, 0.0, 0.001, 0.1])
@pytest.mark.parametrize(("sgd", "adam"), [(0, 0), (3, 0), (0, 3)])
def test_a_difference_has_one_sign_everywhere(shift, sgd, adam):
    judgement = judged(shift, sgd=sgd, adam=adam)
    written = as_json(judgement)
    assert "optimizer − reference" in written["sign"]
    assert "below 0 is better" in written["sign"]
    [verdict] = judgement.confirmatory
    [saved] = written["verdicts"]["confirmatory"]
    number = re.search(r"difference (?:is )?(−?)[\d.]+ \[", verdict_sentence(judgement, verdict))
    is_below = verdict.difference < 0
    assert (number[1] == "−") == is_below
    assert difference_alone(judgement, verdict).startswith("−") == is_below
    assert (saved["difference"] < 0) == is_below
    assert (verdict.relative < 0) == is_below
    assert verdict.dz is None or (verdict.dz < 0) == is_below
    if not sgd and not adam:
        assert verdict.word not in ("better", "worse") or (verdict.word == "better") == is_below


def verdict_of(optimizer, setting, word):
    return SimpleNamespace(optimizer=optimizer, setting=setting, word=word, metric="train/loss")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"a": ["better"]}, "a better on p"),
        ({"a": ["better", "untuned"]}, "a better on p; a no verdict on q"),
        ({"a": ["worse"] * 2, "b": ["worse"] * 2}, "a and b worse on p and q"),
        ({"a": ["worse"] * 2, "b": ["worse"]}, "a worse on p and q, b worse on p"),
        ({str(i): ["undecided"] for i in range(7)}, "7 comparisons undecided"),
    ],
)
def test_what_stands_beside_the_verdicts_is_said_in_one_sentence_each(words, said):
    asides = [
        verdict_of(label, setting, word)
        for label, own in words.items()
        for setting, word in zip("pq", own, strict=False)
    ]
    judgement = SimpleNamespace(
        verdicts={"confirmatory": asides, "optimization": asides, "generalization": []},
        entrants=[SimpleNamespace(setting=each, problem=each) for each in "pq"],
    )
    assert aside_sentences(judgement) == [f"Optimization, by training loss: {said}."]


@pytest.mark.parametrize("shift", [-0.1, 0.0, 0.1])
@pytest.mark.parametrize("sgd", [0, 2])
def test_a_p_says_which_test_it_is_from(shift, sgd):
    judgement = judged(shift, sgd=sgd)
    [verdict] = judgement.confirmatory
    tests = ["paired t test", "signed ranks", "two one-sided t tests"]
    wanted = tests[2] if verdict.word == "equivalent" else tests[bool(sgd)]
    text, row = verdict_sentence(judgement, verdict), verdicts(judgement)
    for test in tests:
        assert (f" by {test}" in text) == (test == wanted)
        assert (f", {test} |" in row) == (test == wanted)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, 1.0], "±0.01\xa0nats (1\xa0% of the mean of adam on tuning seeds, 1\xa0nats)"),
        ([0.5, 1.5], "±0.05\xa0nats (5\xa0% of the mean of adam on tuning seeds, 1\xa0nats)"),
        (
            [0.97, 1.03],
            "±0.0424\xa0nats (its standard deviation over tuning seeds: "
            "4.2\xa0% of the mean of adam on tuning seeds, 1\xa0nats)",
        ),
        ([], "±0.02\xa0nats"),
    ],
)
def test_a_margin_has_the_metrics_unit_and_its_source(values, words):
    judgement = judged(0.0)
    declared = judgement.declaration
    [problem] = declared.problems
    outcome = structs.replace(declared.chosen[0], label="adam", values=values)
    margin = default_margin(values) if values else 0.02
    changed = replace(
        judgement,
        declaration=structs.replace(declared, chosen=[outcome], margins={problem: margin}),
    )
    assert margin_words(changed, problem) == words
    assert f"{problem} {words}" in margins_sentence(changed)
    assert f"{problem} {words}".replace("\xa0", " ") in verdicts(changed)


def test_what_is_said_over_all_problems_stands_first(tuned):
    judgement = read_studies([tuned(own=0.1, momentum=-0.1)]).judgements["tuned"]
    found = statements(judgement)
    is_over_all = ["over 2 problems" in each.text for each in found]
    assert is_over_all == sorted(is_over_all, reverse=True)
    assert [each.optimizer for each in found[:2]] == [OWN, "momentum"]
    assert sum(is_over_all) == 2


@pytest.mark.parametrize(
    ("hyperparameters", "words"),
    [
        ({"lr": 0.5, "beta": 0.9}, "lr=0.5 is the highest rate that mine tried"),
        (
            {"alpha": 0.5, "optimizer.lr": 0.25},
            "optimizer.lr=0.25 is the highest rate that mine tried",
        ),
        ({"lr": None}, "the learning rate is the highest rate that mine tried"),
        ({}, "the learning rate is the highest rate that mine tried"),
    ],
)
def test_an_edge_is_named_by_the_learning_rate_that_the_optimizer_has(hyperparameters, words):
    spec = SimpleNamespace(hyperparameters=hyperparameters)
    assert edge_words(SimpleNamespace(spec=spec, label="mine", edge="high")) == words
    assert edge_words(SimpleNamespace(spec=spec, label="mine", edge="")) == ""


FULL = {"kind": "full", "tunes": ["lr", "momentum/beta1"], "only_rate": False}


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"sgd": {"edge": "high"}}, "a wider range: lr=0.01..10 for sgd, all else as before"),
        ({"adam": {"edge": "low"}}, "a wider range: lr=0.001..1 for adam, all else as before"),
        (
            {"sgd": {"edge": "high"}, "adam": {"edge": "low"}},
            "a wider range: lr=0.01..10 for sgd and lr=0.001..1 for adam, all else as before",
        ),
        ({"sgd": {"edge": "high"} | FULL, "adam": FULL}, ""),
    ],
)
def test_an_edge_comes_with_the_range_to_give(changes, cure):
    asked = study(problems=("mlp/digits",))
    declared = declaration(asked, changes=changes)
    judgement = judgement_of(declared, records(asked, shifted(sgd=-0.5)))
    [sentence] = sentences(judgement)
    assert "no verdict" in sentence
    if cure:
        assert f"for a verdict, {cure}, in another study (--study NAME)" in sentence
    else:
        assert "for a verdict" not in sentence
    for words in cure.removesuffix(", all else as before").partition(": ")[2].split(" and "):
        ranges, _, label = words.partition(" for ")
        assert not words or describe_tunables(f"{label}:{ranges}")  # can be given as it is


def wide(shift):
    """Return losses whose differences are ±1 by seed around a small shift."""
    return lambda problem, label, seed: 9 + (shift + (-1) ** seed) * (label == "sgd")


def test_an_undecided_contest_says_why_no_seeds_would_decide():
    asked = study(problems=("mlp/digits",))
    judgement = judgement_of(declaration(asked, margin=1e-6), records(asked, wide(0.01)))
    assert [one.word for one in judgement.confirmatory] == ["undecided"]
    assert "more than 200 more seeds would probably be needed to decide" in sentences(judgement)[0]
    judgement = judged(0.0, sgd=2)
    assert [one.word for one in judgement.confirmatory] == ["undecided"]
    assert "not estimated, because seeds diverged" in sentences(judgement)[0]


@pytest.mark.parametrize(
    ("problems", "opts", "seeds", "count"),
    [
        (("mlp/digits",), "adam,sgd", range(10), 0),
        (("mlp/digits", "logreg/digits"), "adam,sgd,lion", range(10), 4),
        (("mlp/digits", "logreg/digits"), "adam,sgd,lion", range(3), 0),  # no p is given
    ],
)
def test_the_correction_of_p_is_said_where_there_is_one(problems, opts, seeds, count):
    asked = study(problems=problems, opts=opts, seeds=tuple(seeds))
    judgement = judgement_of(declaration(asked), records(asked, shifted(sgd=0.1)))
    said = [each for each in notes(judgement) if "corrected" in each]
    words = f"Each p is corrected for all {count} declared comparisons (Holm's method). Intervals"
    assert [each.startswith(words) for each in said] == [True] * bool(count)


def test_the_margins_of_many_problems_are_not_cut_in_markdown():
    problems = [f"logreg/data_set_number_{number}" for number in range(20)]
    asked = study(problems=problems)
    judgement = judgement_of(declaration(asked), records(asked, shifted(sgd=0.1)))
    written = verdicts(judgement)
    assert all(f"{problem} ±0.01" in written for problem in problems)
    assert "…" not in written
