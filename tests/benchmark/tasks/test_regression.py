"""The suite's own regression: its loss, its metrics against closed forms, and its contract."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch import LightningDataModule
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.metrics import METRICS, on_test
from benchmark.plugins import check_fit, data_module_class, model_class, prepare_data, task_class
from benchmark.runner import build_model, derived_seed, run, weights_sha256
from benchmark.tasks.base import multiplies
from benchmark.tasks.regression import ExplainedShare, ImageRegression, Regression

HERE = __name__


def generator_of(trial, purpose):
    return torch.Generator().manual_seed(derived_seed(trial, purpose))


def train_by_hand(trial):
    """What `run` must equal to the last bit: a plain loop that cuts its batches itself."""
    data = data_module_class(trial.dataset)()
    data.setup()
    network = build_model(trial, data).network.train()
    optimizer = trial.optimizer.build(network.parameters(), execution="packed")
    tensors = torch.load(data.prepared_folder / "tensors.pt", weights_only=True)
    size, total = data.sizes[0], len(tensors["pool.targets"])
    rows = torch.randperm(total, generator=generator_of(trial, "split"))[:size]
    order = torch.randperm(size, generator=generator_of(trial, "batches"))
    losses = []
    for batch in rows[order].split(trial.batch_size):
        optimizer.zero_grad()
        outputs = network(tensors["pool.inputs"][batch])
        loss = (outputs - tensors["pool.targets"][batch]).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return weights_sha256(network), losses


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("problem", "opts", "changes"),
    [
        ("regression/diabetes", "adam", {"dropout": True}),
        ("image/china", "sgd:lr=0.1", {"batch_size": 4096}),
    ],
)
def test_an_epoch_gives_the_bits_of_a_plain_loop(trials_of, problem, opts, changes):
    [trial] = trials_of(problem, opts, log_every=3, **changes)
    prepare_data(trial.dataset, None, None)
    rows = []
    record = run(trial, Context(), watch=rows.append, points=1)
    digest, losses = train_by_hand(trial)
    assert (record.status, record.reason) == ("done", "")
    assert record.weights_sha256 == digest
    running = [row["train/running_loss"] for row in rows if "train/running_loss" in row]
    assert running[0] == pytest.approx(sum(losses[:3]) / 3, rel=1e-6)
    task = task_class(data_module_class(trial.dataset).task)
    assert {f"test/{metric.name}" for metric in task.metrics} <= record.metrics.keys()


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true", "bf16-true"])
def test_other_precisions_train(trials_of, precision):
    opts = "adam:lr=0.01"
    [trial] = trials_of("regression/diabetes", opts, epochs=2, precisions=(precision,))
    prepare_data(trial.dataset, None, None)
    record = run(trial, Context())
    assert (record.status, record.reason) == ("done", "")
    assert record.metrics["train/r2"] > 0.3


def measured(task, outputs, targets, size):
    """Return the metrics of a split that comes in batches of `size`, the last one smaller."""
    meters = task.meters()
    for batch in zip(outputs.split(size), targets.split(size), strict=True):
        task.evaluate(nn.Identity(), batch, meters)
    return {name: float(value) for name, value in meters.compute().items()}


@pytest.fixture
def split():
    draw = torch.Generator().manual_seed(3)
    targets = torch.rand(103, 3, generator=draw)
    # Errors differ from batch to batch, so that a mean over batches would be another number.
    scale = torch.linspace(0.01, 0.5, 103)[:, None]
    return targets + scale * torch.randn(103, 3, generator=draw), targets


@pytest.mark.parametrize("size", [1, 20, 103])
def test_the_metrics_are_those_of_all_examples_whatever_the_batches(split, size):
    outputs, targets = split
    errors = (outputs - targets).double()
    mse = errors.square().mean().item()
    assert measured(ImageRegression(3), outputs, targets, size) == pytest.approx(
        {
            "loss": mse,
            "rmse": math.sqrt(mse),
            "mae": errors.abs().mean().item(),
            "r2": r2_score(targets, outputs, multioutput="variance_weighted"),
            "psnr": -10 * math.log10(mse),
        },
        rel=1e-5,
    )


@pytest.mark.parametrize(("error", "decibels"), [(1.0, 0.0), (0.1, 20.0), (0.01, 40.0)])
def test_an_error_of_a_tenth_everywhere_is_20_decibels(error, decibels):
    targets = torch.zeros(30, 3)
    assert measured(ImageRegression(3), targets + error, targets, 7)["psnr"] == pytest.approx(
        decibels, abs=1e-4
    )


@given(
    offset=st.floats(-1e5, 1e5, width=32),
    scale=st.floats(0.5, 100, width=32),
    size=st.integers(1, 60),
    seed=st.integers(0, 1000),
)
def test_r2_loses_no_digits_far_from_zero(offset, scale, size, seed):
    draw = torch.Generator().manual_seed(seed)
    targets = offset + scale * torch.randn(60, 2, generator=draw)
    outputs = targets + 0.3 * scale * torch.randn(60, 2, generator=draw)
    expected = r2_score(targets.double(), outputs.double(), multioutput="variance_weighted")
    found = measured(Regression(2), outputs, targets, size)["r2"]
    assert found == pytest.approx(expected, abs=1e-3)  # targets have 32 bits, far from zero


def test_r2_of_the_mean_is_zero_of_the_truth_one_and_of_equal_targets_unknown():
    targets = torch.tensor([[1.0], [2.0], [6.0]])
    for outputs, expected in ((torch.full((3, 1), 3.0), 0.0), (targets, 1.0), (-targets, -10.71)):
        meter = ExplainedShare(1)
        meter.update(outputs, targets)
        assert meter.compute().item() == pytest.approx(expected, abs=0.01)
    alike = ExplainedShare(1)
    alike.update(targets, torch.ones(3, 1))
    assert math.isnan(alike.compute())


def test_meters_start_anew_after_a_reset(split):
    outputs, targets = split
    meter = ExplainedShare(3)
    meter.update(outputs + 1, targets)
    meter.reset()
    meter.update(outputs, targets)
    expected = r2_score(targets, outputs, multioutput="variance_weighted")
    assert meter.compute().item() == pytest.approx(expected, rel=1e-5)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_mean_squared_error_diverges_as_a_loss_that_is_never_negative(loss, initial):
    assert Regression(1).is_diverged(loss, initial) is multiplies(loss, initial)


def test_sentences_on_an_image_report_decibels():
    names = [metric.on("test") for metric in ImageRegression.metrics]
    assert on_test(names) == "test/psnr"
    assert METRICS["psnr"].better == "higher"
    assert METRICS["psnr"].unit.sign == "dB"


class Squares(LightningDataModule):
    """Anyone's data for the suite's task: its targets have no second dimension."""

    task = "regression"
    input_shape = (3,)
    num_targets = 1

    def setup(self, stage=None):
        self.inputs = torch.randn(90, 3, generator=torch.Generator().manual_seed(0))
        self.targets = self.inputs.square().sum(1)

    def train_dataloader(self):
        return DataLoader(TensorDataset(self.inputs, self.targets), 30)

    val_dataloader = test_dataloader = train_dataloader


class Counts(Squares):
    """Whole numbers."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = self.targets.long()[:, None]


class Pairs(Squares):
    """Two numbers for an example, and says that there is one."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = self.targets[:, None].expand(-1, 2)


class Gaps(Squares):
    """A target that is missing."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets[7] = math.nan


class Waves(Squares):
    """Targets that are complex."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = self.targets[:, None] * 1j


@pytest.mark.parametrize("model", ["logreg", "mlp", "image", "regression"])
@pytest.mark.parametrize("dataset", ["Squares", "Counts"])
def test_anyones_numbers_are_learnt_by_every_network_that_takes_rows(model, dataset):
    data = prepare_data(f"{HERE}.{dataset}", None, None)
    check_fit(model, data, dropout=False)
    [(_, targets)] = list(data.val_dataloader())
    assert (targets.dtype, tuple(targets.shape)) == (torch.float32, (90, 1))
    assert model_class(model, Regression).task_class is Regression


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("Pairs", "yields inputs (90, 3) and targets (90, 2), with input_shape (3,)"),
        ("Gaps", "yields targets that are NaN or infinite"),
        ("Waves", "yields inputs torch.float32 and targets torch.complex64"),
    ],
)
def test_targets_that_break_the_contract_are_one_line_with_it(dataset, words):
    with pytest.raises(UsageError) as refused:
        prepare_data(f"{HERE}.{dataset}", None, None)
    assert words in str(refused.value)
    assert Regression.data_contract in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_network_with_too_few_outputs_is_refused():
    data = prepare_data(f"{HERE}.Squares", None, None)
    with pytest.raises(UsageError, match=r"gives \(90, 2\), not \(90, 1\)"):
        check_fit(f"{HERE}.TwoOutputs", data, dropout=False)


class TwoOutputs(nn.Linear):
    """Ignores the number of outputs."""

    def __init__(self, input_shape, num_outputs):
        super().__init__(math.prod(input_shape), 2)
