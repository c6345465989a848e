"""Sentences on verdicts: where seeds diverged, and at an edge."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmark.analysis.judging import judgement_of
from benchmark.report.judgements import difference_words, edge_words, sentences, verdict_sentence
from benchmark.report.markdown_verdicts import in_words
from tests.benchmark.analysis.test_judging import declaration, records, shifted, study


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
        assert " by " not in sentence
    assert said in in_words(judgement).replace("\\", "")
    if verdict.difference is not None:
        assert difference_words(verdict).startswith("−") == (verdict.difference < 0)


@pytest.mark.parametrize(("shift", "word"), [(-0.1, "better"), (0.1, "worse")])
def test_a_word_without_divergence_leaves_the_sign_out(shift, word):
    [sentence] = sentences(judged(shift))
    assert f"{word} than adam on mlp/digits by 0." in sentence


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
