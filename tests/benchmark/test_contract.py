"""What anyone's optimizer may ask of the loop, through the runner."""

import pytest
import torch

from benchmark.context import Context
from benchmark.errors import ClosureNotCalledError, UsageError
from benchmark.evaluation import schedule_of
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.rehearse import distinct
from benchmark.launchers.worker import rehearse as rehearse_in_worker
from benchmark.rehearsal import rehearse
from benchmark.runner import build_model, derived_seed, fit, run, weights_sha256
from datamodules import Digits
from optimizers import compiling
from optimizers.contract import differentiates_gradients, has_two_points
from tests.grids import quick_if
from tests.plugins.contracts import Averaging

HERE = "tests.plugins.contracts"


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


def test_an_averaging_optimizer_is_judged_at_the_mean_in_every_number(trials_of):
    [ours] = trials_of(opts=f"{HERE}.Averaging:lr=0.5", epochs=2)
    [plain] = trials_of(opts="torch.optim.SGD:lr=0.5", epochs=2)
    rows, evaluated = [], []
    data = Digits(
        batch_size=plain.batch_size,
        seed=derived_seed(plain, "batches"),
        split_seed=derived_seed(plain, "split"),
    )
    data.setup()
    schedule = schedule_of(plain, data.num_train, data.num_evaluated)
    model = build_model(plain, data)
    points = [[p.detach().clone() for p in model.network.parameters()]]

    class Kept(torch.optim.SGD):
        def step(self, closure=None):
            loss = super().step(closure)
            points.append([p.detach().clone() for g in self.param_groups for p in g["params"]])
            return loss

    model._factory = lambda named: Kept([p for _, p in named], 0.5)
    fit(plain, model, data, [])
    means = [torch.zeros_like(p) for p in points[0]]
    for t, params in enumerate(points[1:], start=1):
        for mean, p in zip(means, params, strict=True):
            mean += (p - mean) / t
        if t in schedule.steps:
            with torch.no_grad():
                for p, mean in zip(model.network.parameters(), means, strict=True):
                    p.copy_(mean)
            is_last = t == schedule.steps[-1]
            batches = list(data.val_dataloader(None if is_last else schedule.examples))
            losses = [
                torch.nn.functional.cross_entropy(model(x), y, reduction="none") for x, y in batches
            ]
            evaluated.append(torch.cat(losses).mean().item())
    record = run(ours, Context(), watch=rows.append)
    assert record.weights_sha256 == weights_sha256(model.network)
    found = [row["val/loss"] for row in rows if "val/loss" in row][1:]
    assert found == pytest.approx(evaluated, rel=1e-5)
    assert record.weights_sha256 != run(plain, Context()).weights_sha256


def test_a_trial_that_diverges_within_an_epoch_leaves_the_judged_weights(trials_of, monkeypatch):
    switches, swap = [], Averaging.swap

    def noted(self, trains):
        switches.append(trains)
        swap(self, trains)

    monkeypatch.setattr(Averaging, "swap", noted)
    [trial] = trials_of(opts=f"{HERE}.Averaging:lr=1e38", log_every=3)
    record = run(trial, Context())
    assert record.status == "diverged"
    assert True in switches
    assert switches[-1] is False


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "opts",
    [
        "Averaging",
        "MatrixAveraging:rest=sgd:rest.lr=0.1",
        "Listed",
        "Named",
        "Flagged",
        pytest.param("FlaggedBelow", marks=pytest.mark.slow),
        "Hessian",
        "Hidden:create_graph=true",
        "ListedMatrices:rest=sgd:rest.lr=0.1",
        "Sharpness:base_optimizer=torch.optim.SGD:lr=0.1:gradients=first",
        pytest.param(
            "Sharpness:base_optimizer=sgd:lr=0.1:gradients=first:strict=true",
            marks=pytest.mark.slow,
        ),
        "Wrapper:optimizer=torch.optim.SGD:optimizer.lr=0.1",
        pytest.param(f"Wrapper:optimizer={HERE}.Averaging", marks=pytest.mark.slow),
        "OfModel",
        "OfModelAndParams:base_optimizer=sgd:gradients=first",
        "Curious:lr=0.1",
        "Twice:lr=0.1",
        "Stale:lr=0.1",
    ],
)
def test_every_kind_rehearses_and_learns(trials_of, digits, opts):
    [trial] = trials_of("logreg/digits", f"{HERE}.{opts}", dropout=True)
    rehearse(trial, digits)
    rows = []
    record = run(trial, Context(), watch=rows.append)
    assert record.status == "done"
    assert record.metrics["train/loss"] < rows[0]["train/loss"]


@pytest.mark.forks
def test_images_without_targets_rehearse_in_a_worker(trials_of, digits):
    trials = trials_of("vae/digits", f"{HERE}.Twice:lr=1e-4")
    with LocalLauncher().warm_up():
        LocalLauncher().rehearse(trials, Context())  # raises if a step does


@pytest.mark.parametrize(
    ("opts", "cure"),
    [
        ("Fused", "in a backward pass of their own, which this loop does not call"),
        ("Hidden", f"It runs as {HERE}.Hidden:create_graph=true"),
        ("ListedMatrices", f"It runs as {HERE}.ListedMatrices:rest=adamw"),
        ("Sharpness:base_optimizer=sgd:lr=0.1", f"Give {HERE}.Sharpness:gradients=first"),
        (
            "Sharpness:base_optimizer=sgd:lr=0.1:strict=true",
            "It runs with :gradients=first",
        ),
    ],
)
def test_what_does_not_run_as_it_is_is_refused_with_its_cure(trials_of, digits, opts, cure):
    [trial] = trials_of("logreg/digits", f"{HERE}.{opts}")
    with pytest.raises(UsageError) as caught:
        rehearse(trial, digits)
    assert cure in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("checksum", "errors"), [(None, 0), ("f" * 64, 1)])
def test_a_rehearsal_on_other_data_than_those_of_the_launch_is_refused(
    trials_of, digits, monkeypatch, checksum, errors
):
    monkeypatch.setattr("benchmark.launchers.worker.redirect_output", lambda path: None)
    trials = trials_of("logreg/digits", f"{HERE}.Twice:lr=0.1")
    outcomes = []
    context = Context(checksums={"digits": checksum or digits.checksum})
    rehearse_in_worker(trials, context, outcomes.append)
    told = [str(each.error) for each in outcomes if each.error is not None]
    assert len(told) == errors
    assert all("not ffffffffffff as at the launch" in each for each in told)


def test_a_step_without_gradients_says_what_it_lacked(trials_of):
    opts = f"{HERE}.Sharpness:base_optimizer=sgd:lr=0.1:strict=true"
    with pytest.raises(ClosureNotCalledError, match="RuntimeError: stack"):
        run(trials_of(opts=opts)[0], Context())


def test_line_search_draws_the_same_dropout_masks(trials_of):
    opts = "torch.optim.LBFGS:line_search_fn=strong_wolfe:max_iter=3"
    record = run(trials_of(opts=opts, dropout=True, batch_size=512)[0], Context())
    assert record.metrics["train/accuracy"] > 0.8


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "problem",
    quick_if("logreg/digits".__eq__, ["logreg/digits", "mlp/digits", "cnn/digits"]),
)
def test_a_graph_that_nobody_needs_changes_no_bit(trials_of, problem):
    found = []
    for words in ("", ":create_graph=false", ":create_graph=true"):
        [trial] = trials_of(problem, f"{HERE}.Curious:lr=0.1{words}", dropout=True)
        found.append(run(trial, Context()).weights_sha256)
    assert len(set(found)) == 1


def test_a_graph_is_asked_for_by_those_alone_that_differentiate_gradients():
    param = torch.nn.Parameter(torch.zeros(2, 2))
    from tests.plugins.contracts import Hessian

    assert differentiates_gradients(Hessian([param]))
    assert not differentiates_gradients(Averaging([param]))
    for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.LBFGS):
        assert not differentiates_gradients(cls([param]))


@pytest.mark.parametrize("name", ["Random", "RandomWithClosure"])
def test_an_optimizer_that_draws_numbers_of_its_own_is_not_taken_for_another_kind(
    trials_of, digits, name
):
    [trial] = trials_of(opts=f"{HERE}.{name}")
    rehearse(trial, digits)


def test_optimizers_inside_others_are_found_in_every_holder_and_in_circles():
    params = [torch.nn.Parameter(torch.zeros(2))]
    inner, outer = Averaging(params), torch.optim.SGD(params)
    assert not has_two_points(outer)
    for holder in ([inner], {"a": inner}, (inner,), inner):
        outer.kept = holder
        inner.outer = outer
        assert has_two_points(outer)
        assert not differentiates_gradients(outer)


@pytest.mark.parametrize("execution", ["compiled", "packed-compiled"])
def test_a_missing_compiler_is_found_before_a_study_trains(
    trials_of, digits, monkeypatch, execution
):
    def broken(*_):
        raise FileNotFoundError("no g++")

    monkeypatch.setattr(compiling, "_compiled", set())
    monkeypatch.setattr(compiling, "_kernel", lambda variant: broken)
    opts = f"adam:execution={execution}"
    compiled, _ = trials_of("logreg/digits", f"{opts},adam:execution=loop")
    assert distinct([compiled, _]) == [compiled]
    with pytest.raises(UsageError) as caught:
        rehearse(compiled, digits)
    line = f"optimizer 'adam execution={execution}' on logreg/digits fails: Adam: execution "
    assert str(caught.value).startswith(line)
    assert str(caught.value).endswith("FileNotFoundError: no g++")


def test_the_execution_that_is_asked_for_is_on_record_and_in_the_key(trials_of):
    asked, plain = trials_of("logreg/digits", "adam:execution=packed-compiled,adam")
    assert asked.to_json()["optimizer"]["hyperparameters"]["execution"] == "packed-compiled"
    assert "execution" not in plain.to_json()["optimizer"]["hyperparameters"]
    assert asked.key != plain.key
