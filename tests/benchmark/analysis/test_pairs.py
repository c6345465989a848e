"""All pairs beside the confirmatory family, from records that are written by hand."""

import itertools
import math
from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from benchmark.analysis.judging import judgement_of
from benchmark.analysis.pairs import OPTIMIZERS, all_pairs
from benchmark.declaration import Deviation
from benchmark.report.judgements import as_json
from benchmark.report.pairs import pair_table, pairs_note
from tests.benchmark.analysis.test_judging import PROBLEMS, declaration, records, shifted, study

LABELS = ("adam", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "lion")


def judged(count=3, *, seeds=10, changes=None, drop=0, **shifts):
    """Return the verdicts of a study of the first optimizers of `LABELS`."""
    asked = study(opts=",".join(LABELS[:count]), seeds=tuple(range(seeds)))
    found = records(asked, shifted(**shifts))
    return judgement_of(declaration(asked, changes=changes), found[drop:])


def word_of(judgement, one, other):
    (pair,) = (
        pair
        for pair in all_pairs(judgement)
        if (pair.verdict.optimizer, pair.verdict.reference) == (one, other)
        and pair.verdict.setting == judgement.entrants[0].setting
    )
    return pair


@pytest.mark.parametrize("count", range(2, 8))
def test_three_to_six_optimizers_have_all_pairs(count):
    found = all_pairs(judged(count))
    expected = math.comb(count, 2) * len(PROBLEMS) if count in OPTIMIZERS else 0
    assert len(found) == expected
    assert len({(p.verdict.setting, p.verdict.optimizer, p.verdict.reference) for p in found}) == (
        expected
    )


@pytest.mark.parametrize("shifts", [*itertools.product((-0.1, 0.0, 0.002, 0.1), repeat=2)])
@pytest.mark.parametrize("seeds", [5, 10])
def test_a_pair_with_the_reference_has_the_declared_word(shifts, seeds):
    judgement = judged(3, seeds=seeds, sgd=shifts[0], momentum=shifts[1])
    declared = {(one.setting, one.optimizer): one for one in judgement.confirmatory}
    pairs = [pair for pair in all_pairs(judgement) if pair.is_confirmatory]
    assert len(pairs) == len(declared)
    for pair in pairs:
        one = declared[pair.verdict.setting, pair.verdict.optimizer]
        assert pair.verdict.reference == "adam"
        assert (pair.verdict.word, pair.verdict.difference) == (one.word, one.difference)


@pytest.mark.parametrize(
    ("sgd", "momentum", "word"),
    [(-0.1, 0.1, "better"), (0.1, -0.1, "worse"), (0.1, 0.1, "equivalent")],
)
def test_other_pairs_have_a_word_of_their_own_that_is_called_exploratory(sgd, momentum, word):
    judgement = judged(3, sgd=sgd, momentum=momentum)
    pair = word_of(judgement, "sgd", "momentum")
    assert (pair.verdict.word, pair.is_confirmatory) == (word, False)
    assert "| sgd − momentum |" in pair_table(judgement)
    assert f"| {word} (exploratory) |" in pair_table(judgement)
    assert pair.verdict.test == "max-T"
    if word != "equivalent":
        assert pair.verdict.p == 2 * 0.5**10  # exact: one of 1,024 sign vectors and its opposite


def test_with_five_seeds_no_pair_is_called_better_and_the_note_says_so():
    judgement = judged(3, seeds=5, sgd=-0.1, momentum=0.1)
    pair = word_of(judgement, "sgd", "momentum")
    assert (pair.verdict.word, pair.verdict.p) == ("undecided", 2 * 0.5**5)
    assert "5 seeds it is never below .063" in pairs_note(judgement)
    assert "never below" not in pairs_note(judged(3))


def test_what_keeps_a_pair_from_a_verdict_keeps_it_from_a_word():
    edge = judged(3, changes={"momentum": {"edge": "high"}}, sgd=-0.1, momentum=0.1)
    assert word_of(edge, "sgd", "momentum").verdict.word == "untuned"
    assert word_of(edge, "sgd", "adam").verdict.word == "better"
    unequal = judged(3, changes={"momentum": {"tried": 16}}, sgd=-0.1, momentum=0.1)
    assert word_of(unequal, "sgd", "momentum").verdict.untuned == "unequal budgets"
    look = Deviation(
        at="2026-01-01T00:00:00+00:00", what=["seeds: 0, now 1"], records=9, evaluated=9
    )
    asked = study(opts="adam,sgd,momentum")
    declared = replaced(declaration(asked), deviations=[look])
    after = judgement_of(declared, records(asked, shifted(sgd=-0.1)))
    assert {pair.verdict.word for pair in all_pairs(after)} == {"untuned"}


def test_before_all_seeds_are_complete_there_are_no_pairs():
    judgement = judged(3, drop=1)
    shown = {pair.verdict.setting for pair in all_pairs(judgement)}
    assert len(shown) == 1  # the first problem lacks a record
    assert all_pairs(judged(3, seeds=4)) == ()


def test_diverged_seeds_count_as_worst_and_are_said():
    asked = study(opts="adam,sgd,momentum")
    found = [
        replace(each, status="diverged", metrics={}) if each.trial.label.startswith("sgd") else each
        for each in records(asked, shifted())
    ]
    judgement = judgement_of(declaration(asked), found)
    assert word_of(judgement, "sgd", "momentum").verdict.word == "worse"
    assert "(10 and 0 of 10 seeds diverged)" in pair_table(judgement)


def test_json_has_the_pairs_and_their_family():
    found = as_json(judged(3, sgd=-0.1))["pairs"]
    assert len(found) == 3 * len(PROBLEMS)
    by_names = {(each["optimizer"], each["other"]): each for each in found}
    assert by_names["sgd", "adam"]["family"] == "confirmatory"
    assert by_names["sgd", "momentum"]["family"] == "exploratory"
    assert by_names["sgd", "momentum"]["word"] == "better"
    assert {"p", "difference", "low", "high", "n"} <= by_names["sgd", "momentum"].keys()
    assert as_json(judged(2))["pairs"] == []
