"""Verdicts from a declaration and records that are written by hand."""

import math
from dataclasses import replace

import msgspec
import pytest

from benchmark.analysis.judging import judgement_of
from benchmark.declaration import Chosen, Deviation
from benchmark.protocols.tuned import Tuned
from benchmark.record import Clocks, Cost, Record
from benchmark.report.judgements import as_json, sentences
from benchmark.spec import Workload
from benchmark.study import Study
from optimizers.grammar import describe, describe_tunables

SEEDS = tuple(range(10))
PROBLEMS = ("logreg/digits", "mlp/digits")


def study(problems=PROBLEMS, opts="adam,sgd", seeds=SEEDS):
    workloads = tuple(
        Workload(
            problem=name,
            model=name.split("/")[0],
            dataset=name.split("/")[1],
            epochs=1,
            batch_size=128,
        )
        for name in problems
    )
    tuned = Tuned(tunables=tuple(describe_tunables(opts)), budget=8, seeds=seeds)
    return Study(name="s", workloads=workloads, tuned=tuned)


def chosen(problem, label, **changes):
    [spec] = describe(f"{label}:lr=0.1")
    found = Chosen(
        problem=problem,
        accelerator="cpu",
        precision="32-true",
        label=label,
        optimizer=spec.to_json(),
        tried=8,
        finalists=2,
        tunes=["lr"],
        only_rate=True,
        edge="",
    )
    return msgspec.structs.replace(found, **changes)


def declaration(asked, *, margin=0.01, changes=None, **others):
    labels = [tunable.label for tunable in asked.tuned.tunables]
    outcomes = [
        chosen(workload.problem, label, **(changes or {}).get(label, {}))
        for workload in asked.workloads
        for label in labels
    ]
    margins = {workload.problem: margin for workload in asked.workloads}
    return msgspec.structs.replace(
        asked.declaration("adam"), chosen=outcomes, margins=margins, **others
    )


def records(asked, loss, status="done"):
    """Return a record per problem, optimizer and seed; `loss` maps these three to a loss."""
    found = []
    for workload in asked.workloads:
        [cell] = asked.cells(workload)
        for tunable in asked.tuned.tunables:
            [spec] = describe(f"{tunable.label}:lr=0.1")
            for seed in asked.tuned.seeds:
                value = loss(workload.problem, tunable.label, seed)
                metrics = {
                    "val/loss": value,
                    "train/loss": value,
                    "test/loss": value,
                }
                is_adam = tunable.label == "adam"
                found.append(
                    Record(
                        trial=cell.trial(spec, seed),
                        status=status,
                        metrics=metrics,
                        clocks=Clocks(per_step=2.0 if is_adam else 1.0),
                        cost=Cost(state_bytes=80 if is_adam else 0, parameters=10),
                    )
                )
    return found


def wave(seed, size=0.01):
    return size * math.sin(7.0 * seed)


def shifted(**shifts):
    """Return losses about 1 that differ by a shift for each optimizer, with noise by seed."""

    def loss(problem, label, seed):
        shift = shifts.get(label, 0.0)
        shift = shift[problem] if isinstance(shift, dict) else shift
        return 1 + shift + 0.05 * math.cos(3.0 * seed) + wave(seed + 5 * len(label), 0.002)

    return loss


@pytest.mark.parametrize(
    ("shift", "word", "overall"),
    [
        (-0.1, {"better"}, "better"),
        (0.1, {"worse"}, "worse"),
        (0.0, {"equivalent"}, "equivalent"),
        ({"logreg/digits": -0.1, "mlp/digits": 0.1}, {"better", "worse"}, "mixed"),
        ({"logreg/digits": -0.1, "mlp/digits": 0.0}, {"better", "equivalent"}, "better"),
    ],
)
def test_the_word_is_that_of_the_losses(shift, word, overall):
    asked = study()
    found = judgement_of(declaration(asked), records(asked, shifted(sgd=shift)))
    assert {one.word for one in found.confirmatory} == word
    assert found.overall == {"sgd": overall}
    assert set(found.verdicts) == {"confirmatory", "optimization", "generalization"}
    assert all(one.n == 10 for one in found.confirmatory)
    assert found.costs[found.confirmatory[0].setting, "sgd"].step == 0.5


def test_the_sentence_has_all_numbers_and_the_costs():
    asked = study(problems=("mlp/digits",))
    judgement = judgement_of(declaration(asked), records(asked, shifted(sgd=0.1)))
    [sentence] = sentences(judgement)
    words = sentence.replace("\u00a0", " ")
    assert words.startswith("sgd (lr=0.1, tuned over lr, 8 points): worse than adam on mlp/digits")
    for part in ("[", "validation loss", "10 seeds", "d_z = ", "p < .001", "0.5 times as long"):
        assert part in words
    assert "it keeps no state" in words


@pytest.mark.parametrize(
    ("changes", "others", "reason"),
    [
        ({"sgd": {"edge": "high"}}, {}, "best learning rate at an edge (lr=0.1 is the highest"),
        ({"adam": {"edge": "low"}}, {}, "best learning rate at an edge (lr=0.1 is the lowest"),
        ({"sgd": {"tried": 12}}, {}, "unequal budgets (12 and 8 points)"),
        ({"sgd": {"only_rate": False}}, {}, "unequal kinds of hyperparameters"),
        ({}, {"seeds": [*SEEDS, 11]}, "declared seeds incomplete (10 of 11 of sgd and 10 of 11"),
        ({}, {"seeds": [0, 1, 2, 3]}, "fewer than 5 seeds"),
    ],
)
def test_there_is_no_verdict_and_the_sentence_says_why(changes, others, reason):
    asked = study(problems=("mlp/digits",))
    declared = declaration(asked, changes=changes, **others)
    judgement = judgement_of(declared, records(asked, shifted(sgd=-0.5)))
    [verdict] = judgement.confirmatory
    assert verdict.word == "untuned"
    assert reason in sentences(judgement)[0]
    assert judgement.overall == {"sgd": "untuned"}


def test_seeds_added_after_a_look_halve_the_level_and_a_third_look_gives_none():
    asked = study(problems=("mlp/digits",))
    look = Deviation(
        at="2026-11-26T00:00:00+00:00", what=["seeds: 0, now 0, 1"], records=5, evaluated=5
    )
    p = judgement_of(declaration(asked), records(asked, shifted(sgd=0.004))).confirmatory[0].p
    words = [
        judgement_of(
            declaration(asked, margin=0.0, deviations=[look] * looks),
            records(asked, shifted(sgd=0.004)),
        )
        .confirmatory[0]
        .untuned
        for looks in range(4)
    ]
    assert p < 1
    assert words == [None, None, "more than two looks", "more than two looks"]


def test_a_deviation_is_listed():
    asked = study(problems=("mlp/digits",))
    look = Deviation(at="2026-11-26T01:02:03+00:00", what=["threads: 1, now 2"], records=5)
    declared = declaration(asked, deviations=[look])
    found = sentences(judgement_of(declared, records(asked, shifted(sgd=0.1))))
    assert found[-1] == (
        "Deviation from the declaration, 2026-11-26 01:02 UTC, after 5 results: threads: 1, now 2."
    )


def test_tuning_trials_and_other_seeds_are_not_compared():
    asked = study(problems=("mlp/digits",))
    fair = records(asked, shifted(sgd=0.1))
    unfair = [
        replace(each, trial=replace(each.trial, purpose="tuning", seed=10_000 + each.trial.seed))
        for each in records(asked, shifted(sgd=-9.0))
    ]
    others = [
        replace(each, trial=replace(each.trial, seed=100 + each.trial.seed))
        for each in records(asked, shifted(sgd=-9.0))
    ]
    expected = judgement_of(declaration(asked), fair)
    assert judgement_of(declaration(asked), [*unfair, *fair, *others]) == expected


def test_problems_that_are_still_tuned_have_no_verdict_yet():
    asked = study()
    declared = declaration(asked)
    half = msgspec.structs.replace(declared, chosen=declared.chosen[:2])
    found = judgement_of(half, records(asked, shifted(sgd=0.1)))
    assert {each.problem for each in found.entrants} == {"logreg/digits"}
    assert len(found.confirmatory) == 1


def test_a_study_of_given_optimizers_has_no_verdict():
    specs = tuple(describe("adam:lr=0.1,sgd:lr=0.1"))
    asked = study(problems=("mlp/digits",))
    fixed = Study(name="s", workloads=asked.workloads, optimizers=specs, seeds=SEEDS)
    found = judgement_of(fixed.declaration(), records(asked, shifted(sgd=0.1)))
    [verdict] = found.confirmatory
    assert (verdict.word, verdict.untuned) == ("untuned", "not tuned by the study")
    assert verdict.n == 10


def test_the_json_is_json():
    asked = study()
    text = msgspec.json.encode(
        as_json(judgement_of(declaration(asked), records(asked, shifted(sgd=0.1))))
    )
    assert b'"better"' not in text
    assert text.count(b'"sentence"') == 6
