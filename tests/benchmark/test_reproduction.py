"""The runs of a reproduction, on a launcher that only writes records."""

import json
from dataclasses import replace

import pytest

from benchmark.complete import Warner
from benchmark.errors import UsageError
from benchmark.paper.cases import cases_of
from benchmark.paper.evidence import evidence
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rules import Changes, Variant
from benchmark.reproduction import Place, reproduce, studies
from tests.benchmark.logs import record_of
from tests.benchmark.paper.panels import claim, rate, rules
from tests.plugins.formulas import Formulas


class Writer(Formulas):
    """A launcher that writes the records that a rule gives, and trains nothing."""

    def __init__(self, status=lambda trial: "done"):
        self.ran = []
        self.stacks = set()
        self.status = status

    def __call__(self, trials, store, context, watcher):
        self.stacks.add(context.stack)
        for trial in trials:
            self.ran.append(trial)
            store.begin(trial)
            cost = abs(rate(trial) - 0.01) + (trial.optimizer.name == "sgd")
            rows = [
                {"step": e, "epoch": float(e), "train/running_loss": cost}
                for e in range(1, trial.epochs + 1)
            ]
            path = store.trial_folder(trial) / "metrics.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            store.write(record_of(trial, self.status(trial), metrics={"train/loss": cost}))


def _plan():
    variants = (
        Variant(name="rates are constant", changes=Changes(schedule="constant")),
        Variant(name="there is no L2", changes=Changes(l2=0.0)),
        Variant(name="the cost is evaluated", changes=Changes(cost="evaluated", horizon=2)),
    )
    found = rules(claim("faster", *variants))
    return Plan(rules=found, cases=cases_of(found), extent=EXTENTS["full"])


def _reproduced(plan, launcher, tmp_path):
    place = Place(results=tmp_path, launcher=launcher)
    return reproduce(plan, place, lambda _: Warner())


def test_every_wanted_trial_runs_once_claims_before_variants_and_tuning_before_evaluation(tmp_path):
    plan, launcher = _plan(), Writer()
    known = _reproduced(plan, launcher, tmp_path)
    keys = [trial.key for trial in launcher.ran]
    assert set(keys) == plan.wanted(known)["panel"].keys()
    assert len(keys) == len(set(keys))
    claims = plan.wanted(known, [case for case in plan.cases if case.variant is None])["panel"]
    first = keys[: len(claims)]
    assert set(first) == claims.keys()
    for some in (launcher.ran[: len(first)], launcher.ran[len(first) :]):
        purposes = [trial.purpose for trial in some]
        assert purposes == sorted(purposes, reverse=True)
    assert launcher.stacks == {"auto"}
    assert len(evidence(plan, known)) == 4


def test_a_reproduction_resumes_from_the_records(tmp_path):
    first = Writer()
    _reproduced(_plan(), first, tmp_path)
    second = Writer()
    _reproduced(_plan(), second, tmp_path)
    assert (len(first.ran) > 50, second.ran) == (True, [])


@pytest.mark.parametrize("status", ["failed", "skipped", "diverged"])
def test_a_trial_without_a_result_is_tried_once(tmp_path, status):
    launcher = Writer(lambda trial: status if trial.seed == 10_000 else "done")
    _reproduced(_plan(), launcher, tmp_path)
    keys = [trial.key for trial in launcher.ran]
    assert len(keys) == len(set(keys))
    assert any(trial.purpose == "evaluation" for trial in launcher.ran) == (status != "skipped")


def test_studies_have_just_the_trials_that_they_are_made_from():
    trials = list(_plan().wanted(lambda *_: None)["panel"].values())
    for some in (trials, trials[1:], trials[::3]):
        found = [trial.key for study in studies("panel", some) for trial in study.trials()]
        assert sorted(found) == sorted(trial.key for trial in some)


def test_an_experiment_stays_on_the_device_of_its_records(tmp_path):
    plan, launcher = _plan(), Writer()
    on_gpu = replace(plan, accelerators=_accelerators(tmp_path, "gpu"))
    _reproduced(on_gpu, launcher, tmp_path)
    assert {trial.accelerator for trial in launcher.ran} == {"gpu"}
    assert _accelerators(tmp_path) == {"panel": "gpu"}
    with pytest.raises(UsageError, match="records of the gpu .* or leave out --accelerator"):
        _accelerators(tmp_path, "cpu")
    _reproduced(plan, launcher, tmp_path)
    with pytest.raises(UsageError, match="records of the cpu and the gpu .* with --results$"):
        _accelerators(tmp_path)


def _accelerators(results, wanted=None):
    return Place(results=results, launcher=Writer(), accelerator=wanted).accelerators(["panel"])


def test_tuning_seeds_are_not_declared_as_evaluation_seeds():
    trials = list(_plan().wanted(lambda *_: None)["panel"].values())
    assert all(study.declaration().seeds == [] for study in studies("panel", trials))
