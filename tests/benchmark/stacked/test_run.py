import json
from itertools import pairwise

import pytest

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.record import Clocks, Record
from benchmark.runner import run
from benchmark.stacked.run import run_pack
from optimizers.registry import OPTIMIZERS

SOME = "adam:lr=0.01|0.001,adamw,nesterov:lr=0.1:schedule=cosine,torch.optim.NAdam"
ALL = ",".join(OPTIMIZERS)
DIVERGING = "sgd:lr=1e30,adam,sgd:lr=1e9,momentum,sgd:lr=2e30,torch.optim.SGD:lr=1e30,rmsprop"


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def texts():
    from datamodules import Reviews

    Reviews().prepare_data()


def result(record):
    """Everything in a record that is not a duration."""
    found = record.to_json()
    del found["seconds"], found["metrics"]["train_seconds"]
    found["environment"].pop("stacked", None)
    return found


def packed(trials):
    return {r.trial.key: result(r) for r in run_pack(trials, Context(), points=4)}


@pytest.mark.parametrize("opts", [SOME, DIVERGING])
def test_stacked_trials_of_logistic_regression_equal_single_ones_in_every_bit(trials_of, opts):
    trials = trials_of("logreg/digits", opts, seeds=2)
    assert packed(trials) == {t.key: result(run(t, Context(), points=4)) for t in trials}


def test_sparse_stacked_trials_equal_single_ones_in_every_bit(trials_of, texts):
    trials = trials_of("logreg/reviews", "adam,sgd,torch.optim.SGD", dropout=True)
    trials += trials_of("logreg/reviews", "lion:lr=1e-3", dropout=True, seeds=2)[1:]
    assert packed(trials) == {t.key: result(run(t, Context(), points=4)) for t in trials}


@pytest.mark.parametrize("overrides", [{"l2": 0.01}, {"dropout": True}, {"batch_size": 157}])
def test_settings_of_a_problem_hold_in_a_pack(trials_of, overrides):
    # 157 divides 1,256, so that the last of 1,257 examples is a batch by itself.
    trials = trials_of("logreg/digits", "adam,sgd,rmsprop", **overrides)
    assert packed(trials) == {t.key: result(run(t, Context(), points=4)) for t in trials}


@pytest.mark.slow
def test_a_record_depends_neither_on_company_nor_on_its_order(trials_of):
    trials = trials_of("logreg/digits", DIVERGING, seeds=2)
    together = packed(trials)
    assert packed(trials[::-1]) == together
    for trial in trials[:3]:
        assert packed([trial]) == {trial.key: together[trial.key]}


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["mlp/digits", "cnn/digits", "cnn_valid/digits"])
@pytest.mark.parametrize("dropout", [False, True])
def test_networks_do_not_depend_on_company(trials_of, problem, dropout):
    trials = trials_of(problem, "adam,sgd:lr=1e30,torch.optim.SGD", seeds=2, dropout=dropout)
    together = packed(trials)
    for trial in trials[:3]:
        assert packed([trial]) == {trial.key: together[trial.key]}
        single = run(trial, Context(), points=4)
        if single.status == "done":
            loss = together[trial.key]["metrics"]["val/loss"]
            assert loss == pytest.approx(single.metrics["val/loss"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["logreg/digits", "logreg/reviews", "mlp/digits", "cnn/digits"])
def test_no_rule_depends_on_company(trials_of, problem, texts):
    trials = trials_of(problem, ALL)
    assert len({trial.key for trial in trials}) == len(OPTIMIZERS)
    alone = {key: found for trial in trials for key, found in packed([trial]).items()}
    assert packed(trials) == alone


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["logreg/digits", "logreg/reviews"])
@pytest.mark.parametrize("size", [14, 64])
def test_a_record_is_the_same_in_packs_of_all_sizes(trials_of, problem, size, texts):
    rates = "|".join(f"{0.0005 * 1.1**k:.6g}" for k in range(-(-size // 2)))
    trials = trials_of(problem, f"adam:lr={rates},sgd:lr={rates}")[:size]
    together = packed(trials)
    for trial in (trials[0], trials[-1]):
        assert packed([trial])[trial.key] == together[trial.key]


def test_seconds_are_the_share_of_each_trial_and_marked(trials_of):
    records = run_pack(trials_of(opts="adam,sgd"), Context(), points=2)
    assert [record.environment.stacked for record in records] == [2, 2]
    assert all(a.clocks.training == b.clocks.training for a, b in pairwise(records))
    assert Record.from_text(json.dumps(records[0].to_json()).encode()) == records[0]
    assert records[0].clocks.per_step
    assert records[0].own_clocks == Clocks()
    assert "stacked" not in run(records[0].trial, Context(), points=2).to_json()["environment"]


@pytest.mark.slow
def test_curves_are_those_of_a_single_trial(trials_of, tmp_path):
    trials = trials_of("logreg/digits", DIVERGING, log_every=4)
    rows = {trial.key: [] for trial in trials}
    run_pack(trials, Context(), watch=lambda trial, row: rows[trial.key].append(row), points=3)
    for trial in trials:
        single = []
        run(trial, Context(), watch=single.append, points=3)
        assert _without_seconds(rows[trial.key]) == _without_seconds(single)


def test_each_trial_has_a_file_of_its_own(trials_of, tmp_path):
    trials = trials_of(opts="adam,sgd")
    folders = [tmp_path / trial.key for trial in trials]
    for folder in folders:
        folder.mkdir()
    run_pack(trials, Context(), folders=folders, points=2)
    assert all((folder / "metrics.jsonl").read_text().count("\n") >= 3 for folder in folders)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 3}, "they differ in epochs"),
        ({"batch_size": 64}, "they differ in batch_size"),
        ({}, "one is there twice"),
    ],
)
def test_trials_that_do_not_belong_together_are_refused(trials_of, change, words):
    trials = [*trials_of(opts="adam"), *trials_of(opts="adam", **change)]
    with pytest.raises(UsageError, match=words):
        run_pack(trials, Context())


def test_an_optimizer_that_needs_its_closure_again_is_refused(trials_of):
    with pytest.raises(UsageError, match=r"LBFGS .* cannot be stacked"):
        run_pack(trials_of(opts="adam,torch.optim.LBFGS"), Context())


def _without_seconds(rows):
    return [{k: v for k, v in row.items() if k != "train_seconds"} for row in rows]
