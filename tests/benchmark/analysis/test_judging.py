"""Verdicts from a declaration and records that are written by hand."""

import json
import math
import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from scipy import stats

from benchmark.analysis.judging import judgement_of
from benchmark.declaration import Chosen, Deviation
from benchmark.obstacles import Contestant, obstacle_between
from benchmark.protocols.tuned import Tuned
from benchmark.record import Clocks, Cost, Environment, Record
from benchmark.report.judgements import as_json, sentences
from benchmark.report.markdown_verdicts import aspects, costs
from benchmark.spec import Workload
from benchmark.step_costs import StepCost, TimeRatio
from benchmark.study import Study
from optimizers.grammar import describe, describe_tunables

SEEDS = tuple(range(10))
PROBLEMS = ("logreg/digits", "mlp/digits")
AT = "2026-11-01T00:00:00+00:00"  # when each study is declared


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
        optimizer=spec,
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
        asked.declaration("adam"), at=AT, chosen=outcomes, margins=margins, **others
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
    assert "A training step takes 0.5 times as long as adam's" in words


def timed(asked, own=(1.2, 1.3, 1.4), training=(1.0, 1.02, 1.04), **others):
    [cell] = asked.cells(asked.workloads[0])
    sgd, adam = (cell.trial(describe(f"{name}:lr=0.1")[0], 0).key for name in ("sgd", "adam"))
    ratios = [TimeRatio(low=low, median=median, high=high) for low, median, high in (own, training)]
    known = {"own": ratios[0], "training": ratios[1], "share": 0.04, "rounds": 9, **others}
    return StepCost(trial=sgd, reference=adam, cpu="", at="", **known)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Its step takes 1.3 times as long as adam's (4 % of a training step) and"),
        ({"share": 0.002}, "Its step takes 1.3 times as long as adam's (under 1 % of a training"),
        ({"own": (0.95, 1.0, 1.05)}, "Its step takes as long as adam's (4 %"),
        ({"own": (1.0, 1.3, 1.4)}, "Its step takes about 1.3 times as long as adam's (4 %"),
        ({"own": (0.5, 1.3, 1.4)}, "It keeps no state."),
        (
            {"gradients": 2, "training": (1.9, 2.0, 2.1)},
            "A training step takes 2 times as long as adam's (2 gradients in place of 1) and",
        ),
        ({"gradients": 2, "training": (1.0, 2.0, 2.1)}, "It keeps no state."),
        ({"failure": "x", "own": (1.0, 1.0, 1.0)}, "A training step takes 0.5 times as long"),
    ],
)
def test_a_timed_step_replaces_the_times_on_record(changes, words):
    asked = study(problems=("mlp/digits",))
    known = records(asked, shifted(sgd=0.1))
    judgement = judgement_of(declaration(asked), known, [timed(asked, **changes)])
    [sentence] = sentences(judgement)
    assert words in sentence.replace("\u00a0", " ")
    assert "0.5 times as long" not in sentence or "failure" in changes
    assert json.loads(json.dumps(as_json(judgement)))["costs"][0]["optimizer"] == "sgd"
    cells = re.split(r"\s*\|\s*", costs(judgement).replace("\u00a0", " "))
    assert ("4 %" in cells) == (not {"failure", "share"} & changes.keys()), cells


@pytest.mark.parametrize(
    ("made", "busy", "packed", "is_said"),
    [
        ({}, {}, {}, True),
        ({"sgd": Environment(cpu="b")}, {}, {}, False),
        ({"sgd": Environment(cpu="a", commit="later")}, {}, {}, False),
        ({}, {"sgd": 4}, {}, True),
        ({}, {"sgd": 5}, {}, False),
        ({}, {"adam": 5}, {}, False),
        ({}, {"sgd": 10}, {"sgd": 8}, False),  # the seconds of two count, and both were busy
        ({}, {}, {"sgd": 8}, True),
    ],
)
def test_times_on_record_count_only_from_one_origin_that_was_mostly_free(
    made, busy, packed, is_said
):
    asked = study(problems=("mlp/digits",))
    known = [
        replace(
            record,
            environment=replace(
                made.get(name, Environment(cpu="a")),
                stacked=2 if record.trial.seed < packed.get(name, 0) else None,
            ),
            clocks=replace(
                record.clocks, load=0.5 if record.trial.seed < busy.get(name, 0) else 1.0
            ),
        )
        for record in records(asked, shifted(sgd=0.1))
        for name in [record.trial.optimizer.name]
    ]
    [sentence] = sentences(judgement_of(declaration(asked), known))
    assert ("as long" in sentence) == is_said
    assert "keeps no state" in sentence


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
    is_incomplete = reason.startswith("declared seeds incomplete")
    assert judgement.overall == {"sgd": "undecided" if is_incomplete else "untuned"}


def a_look(*what):
    return Deviation(at="2026-11-26T00:00:00+00:00", what=list(what), records=5, evaluated=5)


MORE_SEEDS = a_look("seeds: 0, now 0, 1")
CHANGED, TOO_MANY = "changed after results were seen", "more than two looks"


@pytest.mark.parametrize(
    ("stages", "looks", "reason"),
    [
        (1, [], None),
        (1, [MORE_SEEDS], CHANGED),
        (1, [MORE_SEEDS] * 2, CHANGED),
        (2, [], None),
        (2, [MORE_SEEDS], None),
        (2, [MORE_SEEDS] * 2, TOO_MANY),
        (2, [MORE_SEEDS] * 3, TOO_MANY),
        (2, [a_look("seeds: 0, now 0, 1", "threads: 1, now 2")], CHANGED),
        (2, [a_look("seeds: 0, now 0, 1", "stages: 1, now 2")], CHANGED),
    ],
)
def test_only_a_declared_second_look_may_add_seeds(stages, looks, reason):
    asked = study(problems=("mlp/digits",))
    declared = declaration(asked, stages=stages, deviations=looks)
    judgement = judgement_of(declared, records(asked, shifted(sgd=0.1)))
    [verdict] = judgement.confirmatory
    assert (verdict.untuned, verdict.word) == (reason, "untuned" if reason else "worse")
    assert reason is None or reason in sentences(judgement)[0]


@pytest.mark.parametrize(
    ("stages", "looks", "word"), [(1, 0, "better"), (2, 0, "undecided"), (2, 1, "undecided")]
)
def test_two_declared_looks_have_half_the_level_each_the_first_too(stages, looks, word):
    asked = study(problems=("mlp/digits",))
    declared = declaration(asked, margin=0.0, stages=stages, deviations=[MORE_SEEDS] * looks)
    [found] = judgement_of(declared, records(asked, standardized(-0.82))).confirmatory
    assert 0.025 < found.p < 0.05
    assert found.word == word


def standardized(shift):
    """Return losses whose differences from adam's have a deviation of 0.1, shifted by so many."""
    steps = np.linspace(-1, 1, len(SEEDS))
    steps = steps / steps.std(ddof=1)

    def loss(problem, label, seed):
        own = shift[problem] if isinstance(shift, dict) else shift
        return 1.0 if label == "adam" else 1 + 0.1 * (own + steps[seed])

    return loss


@pytest.mark.parametrize(
    ("stages", "looks", "advice"),
    [
        (
            1,
            0,
            "; about {total} fresh seeds would probably decide (another study: --study NAME "
            "--seeds 100-",
        ),
        (2, 0, "; about {more} more seeds would probably decide"),
        (2, 1, "; another study with other seeds may decide"),
    ],
)
def test_the_advice_keeps_the_declared_levels(stages, looks, advice):
    asked = study(problems=("mlp/digits",))
    declared = declaration(asked, margin=0.0, stages=stages, deviations=[MORE_SEEDS] * looks)
    judgement = judgement_of(declared, records(asked, standardized(-0.5)))
    [verdict] = judgement.confirmatory
    total = verdict.n + verdict.more_seeds
    [sentence, *_] = sentences(judgement)
    assert advice.format(more=verdict.more_seeds, total=total) in sentence
    if stages == 1:
        assert f"--seeds 100-{99 + total})" in sentence
    assert sentence.count("would probably decide") + sentence.count("may decide") == 1


@pytest.mark.parametrize(("stages", "noun"), [(1, "total"), (2, "more")])
def test_the_advice_names_the_time_where_it_is_known(stages, noun):
    asked = study(problems=("mlp/digits",))
    known = [
        replace(each, clocks=replace(each.clocks, total=seconds))
        for each in records(asked, standardized(-0.5))
        for seconds in [120.0 if each.trial.label.startswith("sgd") else 60.0]
    ]
    judgement = judgement_of(declaration(asked, margin=0.0, stages=stages), known)
    [verdict] = judgement.confirmatory
    seeds = {"total": verdict.n + verdict.more_seeds, "more": verdict.more_seeds}[noun]
    minutes = 3 * seeds
    words = f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"
    assert f", about {words} in one worker)" in sentences(judgement)[0]


def test_two_declared_looks_need_more_seeds_than_one():
    asked = study(problems=("mlp/digits",))
    more = [
        judgement_of(
            declaration(asked, margin=0.0, stages=stages), records(asked, standardized(-0.5))
        )
        .confirmatory[0]
        .more_seeds
        for stages in (1, 2)
    ]
    assert more[0] < more[1]


SIX = tuple(f"mlp/p{i}" for i in range(6))


def workloads_of(problems):
    return tuple(
        Workload(problem=name, model="mlp", dataset="digits", epochs=1, batch_size=128)
        for name in problems
    )


def of_problems(problems, opts="adam,sgd"):
    tuned = Tuned(tunables=tuple(describe_tunables(opts)), budget=8, seeds=SEEDS)
    return Study(name="s", workloads=workloads_of(problems), tuned=tuned)


@pytest.mark.parametrize("tuned", range(1, 7))
def test_holm_counts_all_declared_contests_from_the_first_problem_on(tuned):
    asked = of_problems(SIX)
    shift = {problem: -0.9 if problem == SIX[0] else 0.1 for problem in SIX}
    declared = declaration(asked, margin=0.0)
    ended = msgspec.structs.replace(declared, chosen=declared.chosen[: 2 * tuned])
    known = records(asked, standardized(shift))
    found, whole = judgement_of(ended, known), judgement_of(declared, known)
    assert {each.problem for each in found.entrants} == set(SIX[:tuned])
    assert found.confirmatory[0].word == "undecided"  # 6 · .019; alone it would be better
    for aspect, family in whole.verdicts.items():
        assert (
            found.verdicts[aspect][0].p
            == pytest.approx(family[0].p)
            == pytest.approx(
                6
                * stats.ttest_1samp(
                    np.array([standardized(-0.9)("", "sgd", s) for s in SEEDS]), 1.0
                ).pvalue
            )
        )


@pytest.mark.parametrize("missing", ["absent", "some seeds"])
@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.5])
def test_no_word_over_all_problems_before_all_declared_contests_are_complete(missing, shift):
    asked = study()
    declared = declaration(asked)
    known = records(asked, shifted(sgd=shift))
    if missing == "absent":
        declared = msgspec.structs.replace(declared, chosen=declared.chosen[:2])
    else:
        known = [r for r in known if r.trial.problem == PROBLEMS[0] or r.trial.seed < 6]
    found = judgement_of(declared, known)
    assert found.overall == {"sgd": "undecided"}
    first, *rest = found.confirmatory
    assert first.word == {-0.5: "better", 0.0: "equivalent", 0.5: "worse"}[shift]
    for one in rest:
        assert (one.word, one.untuned) == ("untuned", "declared seeds incomplete")
        assert (one.p, one.p_equivalence) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("one", "other", "are_compared"),
    [
        ("lr: lr", "lr: lr", True),
        ("full: lr", "full: lr beta2", True),
        ("lr: lr", "full: lr", False),
        ("lr: lr", "full: lr beta2", False),
        ("given: lr beta2", "given: beta2 lr", True),
        ("given: lr", "lr: lr", True),
        ("given: lr", "given: lr beta2", False),
        ("given: lr", "full: lr beta2", True),
        ("given: beta2", "full: lr beta2", False),
        ("given: lr alpha", "full: lr beta2", False),
        ("given: lr beta2", "full: lr", False),
        ("given: lr beta2", "lr: lr", False),
        ("lr: lr", "lr: lr schedule", False),
        ("lr: lr schedule", "lr: lr schedule", True),
        ("lr: lr schedule", "lr: lr amsgrad", False),
        ("lr: lr rest.lr", "lr: lr", True),
        ("full: lr beta2 schedule", "full: lr beta2", False),
        ("full: lr beta2 schedule", "full: lr schedule", True),
        ("given: lr", "full: lr beta2 schedule", False),
        ("given: lr schedule", "full: lr beta2 schedule", True),
        ("given: lr eps", "full: lr beta2", False),
    ],
)
def test_kinds_of_spaces_say_what_may_be_compared(one, other, are_compared):
    made = [Contestant(label="x", tried=8, **kind_in(each)) for each in (one, other)]
    reason = None if are_compared else "unequal kinds of hyperparameters"
    assert obstacle_between(*made) == reason
    assert obstacle_between(*reversed(made)) == reason


def kind_in(text):
    kind, tunes = text.split(": ")
    return {"kind": kind, "tunes": tuple(tunes.split()), "only_rate": kind == "lr"}


@pytest.mark.parametrize("status", ["done", "diverged"])
def test_each_problem_has_its_own_test_metric(status):
    asked = study()
    known = [
        replace(
            each,
            metrics=each.metrics | ({"test/accuracy": 0.9} if is_first else {}),
            status=status
            if each.trial.seed == 0 and each.trial.label.startswith("sgd")
            else "done",
        )
        for each in records(asked, shifted(sgd=0.1))
        for is_first in [each.trial.problem == PROBLEMS[0]]
    ]
    found = judgement_of(declaration(asked), known)
    assert [each.metric for each in found.verdicts["generalization"]] == [
        "test/accuracy", "test/loss",
    ]  # fmt: skip
    diverged = int(status == "diverged")
    assert [each.diverged for each in found.verdicts["generalization"]] == [diverged, diverged]
    text = aspects(found)
    assert "test accuracy and test loss (generalization)" in text


def test_a_done_seed_without_the_metric_is_missing_and_not_diverged():
    asked = study()
    known = [
        replace(each, metrics={k: v for k, v in each.metrics.items() if k != "test/loss"})
        if each.trial.seed < lacking[each.trial.problem]
        else each
        for lacking in [{PROBLEMS[0]: 3, PROBLEMS[1]: 10}]
        for each in records(asked, shifted(sgd=0.1))
    ]
    found = judgement_of(declaration(asked), known)
    [verdict] = found.verdicts["generalization"]
    assert (verdict.n, verdict.diverged, verdict.reference_diverged) == (7, 0, 0)
    assert (verdict.word, verdict.untuned) == ("untuned", "declared seeds incomplete")
    assert len(found.verdicts["optimization"]) == 2
    assert aspects(found).count("| – | – |") == 1


def test_given_optimizers_with_one_label_are_not_mixed():
    [workload] = workloads_of(["mlp/digits"])
    few, most, late = (describe(f"sgd@x:lr={lr}")[0] for lr in (1, 2, 3))
    [adam] = describe("adam:lr=0.1")
    asked = Study(name="s", workloads=(workload,), optimizers=(adam, most), seeds=SEEDS)
    [cell] = asked.cells(workload)

    def of(spec, seeds):
        return [
            Record(trial=cell.trial(spec, seed), status="done", metrics={"val/loss": 1.0})
            for seed in seeds
        ]

    known = [*of(most, SEEDS), *of(few, SEEDS[:5]), *of(adam, SEEDS)]
    for order in (known, known[::-1]):
        [verdict] = judgement_of(asked.declaration(), order).confirmatory
        assert (verdict.variant, verdict.n) == (most.label, 10)
    [verdict] = judgement_of(asked.declaration(), [*known, *of(late, SEEDS)]).confirmatory
    assert verdict.variant == late.label


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
