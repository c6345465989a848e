import math
from dataclasses import replace

import pytest
import torch

from benchmark.callbacks.inside import Sums, group_names, step_sums
from benchmark.context import Context
from benchmark.runner import run

QUANTITIES = set(Sums().quantities())


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def looks_of(trials_of):
    """Return a function that runs a trial and gives the rows that diagnostics wrote."""

    def look(opts, problem="logreg/digits", every=1, precision="64-true", **options):
        (trial,) = trials_of(problem, opts, precisions=(precision,), **options)
        rows = []
        run(replace(trial, diagnostics_every=every), Context(), watch=rows.append)
        return [row for row in rows if any(name.startswith("inside/") for name in row)]

    return look


def inside(row, quantity):
    return {n.split("/")[1]: v for n, v in row.items() if n.endswith(f"/{quantity}")}


class Repeats(torch.optim.SGD):
    """Steps by the first of two gradients; the second one, elsewhere, is what it leaves behind."""

    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        super().step()
        with torch.enable_grad():
            closure()
        return loss


class Scales(torch.optim.SGD):
    """Overwrites the gradients that it is given, and takes no closure."""

    def step(self):
        for param in self.param_groups[0]["params"]:
            param.grad.mul_(10)
        super().step()


@pytest.mark.parametrize(
    "opts", ["sgd:lr=0.5", "torch.optim.SGD:lr=0.5", f"{__name__}.Repeats:lr=0.5"]
)
def test_gradient_descent_steps_along_minus_the_gradient_by_the_learning_rate(looks_of, opts):
    rows = looks_of(opts)
    assert len(rows) == 10
    for row in rows:
        assert inside(row, "cosine") == pytest.approx(
            dict.fromkeys(["weights", "biases", "all"], 1)
        )
        for group, step in inside(row, "effective_step").items():
            assert step == pytest.approx(0.5)
            gradient, update = (row[f"inside/{group}/{n}_norm"] for n in ("gradient", "update"))
            assert update == pytest.approx(0.5 * gradient)
        assert inside(row, "signal_to_noise") == {}  # it has no moments


def test_the_gradient_is_the_one_that_the_optimizer_was_given_not_what_it_made_of_it(looks_of):
    row = looks_of(f"{__name__}.Scales:lr=0.5")[3]
    assert row["inside/all/effective_step"] == pytest.approx(5)


def test_maximizing_steps_along_the_gradient(looks_of):
    assert looks_of("sgd:lr=0.01:maximize=true")[0]["inside/all/cosine"] == pytest.approx(-1)


@pytest.mark.parametrize("opts", ["adam", "torch.optim.AdamW", "nadam"])
def test_the_first_step_of_adam_has_a_signal_to_noise_ratio_of_one(looks_of, opts):
    first, *later = looks_of(opts)
    assert inside(first, "signal_to_noise") == pytest.approx(
        dict.fromkeys(["weights", "biases", "all"], 1)
    )
    assert all(0 < row["inside/all/signal_to_noise"] < 1 for row in later)


def test_moments_that_the_optimizer_does_not_correct_are_taken_as_they_are(looks_of):
    row = looks_of("adam:bias_correction=false")[0]
    assert row["inside/all/signal_to_noise"] == pytest.approx(0.1 / math.sqrt(0.001))


def test_a_first_moment_alone_has_no_signal_to_noise_ratio(looks_of):
    assert inside(looks_of("lion")[0], "signal_to_noise") == {}


def test_adam_moves_every_weight_by_its_learning_rate_at_first(looks_of):
    row = looks_of("adam:lr=0.01:eps=0")[0]
    assert row["inside/biases/update_norm"] == pytest.approx(0.01 * math.sqrt(10))
    assert "inside/biases/update_ratio" not in row  # they begin at zero
    assert 0 < row["inside/weights/update_ratio"] < 1


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    ("opts", "problem"),
    [
        ("adam", "mlp/digits"),
        pytest.param("nesterov:lr=0.1", "logreg/digits", marks=pytest.mark.slow),
        ("torch.optim.LBFGS:lr=0.1", "logreg/digits"),
        (f"{__name__}.Scales:lr=0.01", "logreg/digits"),
        pytest.param("rmsprop:lr=1e-4", "cnn/digits", marks=pytest.mark.slow),
    ],
)
def test_looking_changes_no_bit(trials_of, opts, problem):
    (trial,) = trials_of(problem, opts, dropout=True, log_every=3)
    looked = run(replace(trial, diagnostics_every=2), Context())
    assert looked.weights_sha256 == run(trial, Context()).weights_sha256
    assert looked.metrics["inside/all/gradient_norm"] > 0


def test_every_nth_step_is_looked_into_and_has_the_axes_of_its_own_step(looks_of):
    rows = looks_of("adam", every=7, epochs=2, log_every=4)
    assert [row["step"] for row in rows] == [1, 8, 15]
    assert [row["epoch"] for row in rows] == [0.1, 0.8, 1.5]
    assert [row["samples"] for row in rows] == [128, 1024, 1257 + 640]
    seconds = [row["train_seconds"] for row in rows]
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_rows_come_in_the_order_of_their_steps(trials_of):
    rows = []
    trial = replace(trials_of(log_every=4)[0], diagnostics_every=3)
    run(trial, Context(), watch=rows.append, points=2)
    assert [row["step"] for row in rows] == [0, 1, 4, 4, 5, 7, 8, 10, 10, 10]
    seconds = [row["train_seconds"] for row in rows]
    assert seconds == sorted(seconds)


def test_groups_are_layers_with_weights_and_biases_apart(looks_of):
    groups = [f"{layer}.{kind}" for layer in (1, 4, 7) for kind in ("weights", "biases")]
    row = looks_of("adam", "mlp/digits", every=100)[0]
    names = [name for name in row if name.startswith("inside/")]
    assert {name.split("/")[1] for name in names} == {*groups, "all"}
    assert {name.split("/")[2] for name in names} == QUANTITIES
    norms = inside(row, "gradient_norm")
    together = math.sqrt(sum(norms[group] ** 2 for group in groups))
    assert norms["all"] == pytest.approx(together)


def test_blocks_of_a_network_are_one_layer():
    names = {"stem.weight": 4, "body.0.conv.weight": 4, "body.0.norm.weight": 1, "body.1.w": 2}
    assert group_names(names) == ["stem.weights", "body.weights", "body.biases", "body.weights"]


def test_without_diagnostics_nothing_is_written(trials_of):
    record = run(trials_of()[0], Context())
    assert not [name for name in record.metrics if name.startswith("inside/")]


def test_what_is_not_finite_is_left_out(looks_of):
    rows = looks_of("sgd:lr=1e300", "mlp/digits", log_every=3)
    assert rows
    assert all(math.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("form", [torch.Tensor.clone, torch.Tensor.to_sparse])
def test_sums_are_those_of_the_formulas_for_any_kind_of_gradient(dtype, form):
    before = torch.tensor([[3.0, 0.0], [4.0, 0.0]], dtype=dtype)
    after = torch.tensor([[3.0, -2.0], [5.0, 0.0]], dtype=dtype)
    gradient = form(torch.tensor([[0.0, 4.0], [3.0, 0.0]], dtype=dtype))
    state = {
        "exp_avg": torch.tensor([[0.0, -1.0], [0.5, 0.0]], dtype=dtype),
        "exp_avg_sq": torch.tensor([[0.0, 4.0], [0.25, 1.0]], dtype=dtype),
        "step": torch.tensor(1.0),
    }
    sums = step_sums(before, gradient, after, state, {"betas": (0.5, 0.75)})
    # In the first step m̂/√v̂ is √(1−β₂)/(1−β₁) = 1 times m/√v: 0.5, 1 and 0; one v is zero.
    assert Sums(*sums.tolist()) == Sums(25, 5, 25, -(-2 * 4 + 1 * 3), 1.5, 3)


def test_a_cosine_is_never_above_one_nor_made_of_nothing():
    rounded = Sums(gradient=1.0, update=1.0, product=-1.000002)
    assert rounded.quantities()["cosine"] == -1
    assert math.isnan(Sums(gradient=1.0).quantities()["cosine"])


def test_many_terms_are_not_added_in_16_bits():
    before = torch.ones(100_000, dtype=torch.bfloat16)
    sums = step_sums(before, before, before, {}, {})
    assert sums.tolist() == [100_000, 0, 100_000, 0, 0, 0]


@pytest.mark.parametrize("step", [2, 2.0, torch.tensor(2), torch.tensor(2.0)])
@pytest.mark.parametrize("place", ["state", "group"])
def test_the_step_number_may_be_of_any_kind_in_state_or_group(step, place):
    ones = torch.ones(3)
    state, group = {"exp_avg": ones, "exp_avg_sq": ones}, {"betas": (0.0, 0.75)}
    (state if place == "state" else group)["step"] = step
    sums = Sums(*step_sums(ones, ones, ones, state, group).tolist())
    assert sums.quantities()["signal_to_noise"] == pytest.approx(math.sqrt(1 - 0.75**2))


def test_moments_of_another_shape_are_not_those_of_adam():
    ones = torch.ones(2, 3)
    state = {"exp_avg": ones, "exp_avg_sq": torch.ones(2), "step": torch.tensor(1.0)}
    assert step_sums(ones, ones, ones, state, {"betas": (0.9, 0.999)})[-1] == 0


@pytest.mark.parametrize(("state", "group"), [({}, {"betas": (0.9, 0.999)}), ({"step": 1}, {})])
def test_what_an_optimizer_does_not_say_is_not_guessed(state, group):
    ones = torch.ones(3)
    state = {"exp_avg": ones, "exp_avg_sq": ones, **state}
    assert step_sums(ones, ones, ones, state, group)[-1] == 0
