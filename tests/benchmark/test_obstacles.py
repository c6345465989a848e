"""What the plan says will keep a study from verdicts is what its last sentence says."""

import itertools

import pytest
from msgspec import structs

from benchmark.analysis.judging import judgement_of
from benchmark.obstacles import more_seeds, obstacles
from benchmark.protocols.tuned import Tuned
from benchmark.record import Record
from benchmark.report.judgements import sentences
from benchmark.spec import Cell, Workload
from benchmark.study import Study
from optimizers.grammar import describe_tunables

WORKLOAD = Workload(problem="mlp/digits", model="mlp", dataset="digits", epochs=1, batch_size=128)
OTHERS = (
    "sgd",
    "sgd:lr=0.1",
    "sgd:lr=1e-3..1",
    "adamw:lr=1e-4..1e-1:betas.0=0.8..0.99",
    "adamw:lr=0.1:schedule=constant|cosine",
    "adamw:lr=1e-4..1e-1:schedule=constant|cosine",
)
REFERENCES = ("adam", "adam:lr=0.01", "adam:lr=1e-4..1e-1:betas.0=0.8..0.99")


def study(other, reference, space="lr", budget=4, seeds=10):
    tunables = tuple(describe_tunables(f"{reference},{other}", space))
    tuned = Tuned(tunables=tunables, budget=budget, seeds=tuple(range(seeds)))
    return Study(name="s", workloads=(WORKLOAD,), tuned=tuned)


def declared(asked):
    found = asked.declaration()
    return structs.replace(found, reference=found.labels[0])


def finished(asked):
    """Return the declaration and the records of a study whose best learning rate is 0.01."""
    records = {}
    while True:
        stage = asked.tuned.stage(Cell(workload=WORKLOAD), lambda trial: records.get(trial.key))
        new = [trial for trial in stage.trials if trial.key not in records]
        if not new:
            return structs.replace(declared(asked), chosen=list(stage.chosen)), records.values()
        for trial in new:
            rate = trial.optimizer.hyperparameters["lr"]
            loss = 1 + abs(rate - 0.01) + 0.01 * (int(trial.key[-4:], 16) % 7)
            records[trial.key] = Record(trial=trial, status="done", metrics={"val/loss": loss})


@pytest.mark.one_in(5)
@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("space", ["lr", "full"])
@pytest.mark.parametrize(("other", "reference"), list(itertools.product(OTHERS, REFERENCES)))
def test_the_plan_warns_of_every_missing_verdict_and_the_sentence_has_the_cure(
    other, reference, space, seeds
):
    asked = study(other, reference, space, seeds=seeds)
    warned = obstacles(declared(asked))
    declaration, records = finished(asked)
    judgement = judgement_of(declaration, records)
    [verdict] = judgement.confirmatory
    if not warned:
        assert verdict.untuned in (None, "best learning rate at an edge")
        return
    assert verdict.word == "untuned"
    if verdict.untuned != "best learning rate at an edge":
        [sentence] = sentences(judgement)
        assert any(each.cure in sentence for each in warned)
        assert "in another study (--study NAME)" in sentence
    for each in warned:
        assert len(each.words.splitlines()) == 1
        assert "cure: " in each.words


@pytest.mark.parametrize(("budget", "warns"), [(1, True), (2, False), (16, False)])
def test_one_point_is_no_tuning(budget, warns):
    found = obstacles(declared(study("sgd", "adam", budget=budget)))
    assert [each.cure for each in found] == ["more points: --budget 16 (in run, --tune 16)"] * warns


@pytest.mark.parametrize(("seeds", "warns"), [(1, True), (4, True), (5, False)])
def test_fewer_than_five_seeds_are_said_once(seeds, warns):
    found = obstacles(declared(study("sgd", "adam", seeds=seeds)))
    assert [each.cure for each in found] == ["--seeds 10"] * warns


def test_a_study_without_search_warns_of_optimizers_without_a_tuned_setting():
    declaration, _ = finished(study("sgd", "adam"))
    outcomes = declaration.chosen
    given = structs.replace(declaration, tuning=None, optimizers=["adam", "sgd", "mine"])
    [found] = obstacles(given, outcomes)
    assert "on mine against adam on mlp/digits" in found.what
    assert found.cure == "tune all of them alike with --tune 16"


@pytest.mark.parametrize(
    ("seeds", "count", "words"),
    [([0, 1], None, "--seeds 2-3"), ([100, 7], 5, "--seeds 101-105"), ([0], 1, "--seeds 1-1")],
)
def test_the_seeds_of_a_second_look_come_after_all_others(seeds, count, words):
    declaration = structs.replace(declared(study("sgd", "adam")), seeds=seeds)
    assert more_seeds(declaration, count) == words
