"""The task of language: its loss, its bits, its contract, and an epoch against a plain loop."""

import math

import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.metrics import LOSS, on_test
from benchmark.plugins import check_fit, prepare_data
from benchmark.runner import build_model, derived_seed, run, set_up_data, weights_sha256
from benchmark.tasks.language import Language
from datamodules.manual import Manual

HERE = __name__


class Short(Manual):
    """The beginning of the manual."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = (70, 20, 20)


@pytest.fixture
def short(trials_of, tmp_path):
    """Return a function that makes a trial on a short text, and the context to run it in."""
    from dataclasses import replace

    Short(cache_dir=tmp_path).prepare_data()

    def make(opts="adam:lr=0.003", **changes):
        [trial] = trials_of("charlm/manual", opts, **changes)
        return replace(trial, dataset=f"{HERE}.Short"), Context(cache_dir=tmp_path)

    return make


def train_by_hand(trial, context):
    """What `run` must equal to the last bit: a plain loop that cuts its batches itself."""
    data = set_up_data(trial, context)
    network = build_model(trial, data).network.train()
    optimizer = trial.optimizer.build(network.parameters(), execution="packed")
    tensors = torch.load(data.prepared_folder / "tensors.pt", weights_only=True)
    draw = torch.Generator().manual_seed(derived_seed(trial, "split"))
    begin = int(torch.randint(90, (), generator=draw))
    others = torch.tensor([(begin + 20 + k) % 90 for k in range(70)])
    rows = others[torch.randperm(70, generator=draw)]
    batches = torch.Generator().manual_seed(derived_seed(trial, "batches"))
    losses = []
    for batch in rows[torch.randperm(70, generator=batches)].split(trial.batch_size):
        optimizer.zero_grad()
        logits = network(tensors["pool.inputs"][batch])
        targets = tensors["pool.targets"][batch].long()
        loss = functional.cross_entropy(logits.reshape(-1, 96), targets.reshape(-1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return weights_sha256(network), losses


@pytest.mark.one_in(2)
@pytest.mark.parametrize("dropout", [False, True])
def test_an_epoch_gives_the_bits_of_a_plain_loop(short, dropout):
    trial, context = short(batch_size=16, dropout=dropout, log_every=2)
    rows = []
    record = run(trial, context, watch=rows.append, points=1)
    digest, losses = train_by_hand(trial, context)
    assert (record.status, record.reason) == ("done", "")
    assert record.weights_sha256 == digest
    running = [row["train/running_loss"] for row in rows if "train/running_loss" in row]
    assert running[0] == pytest.approx(sum(losses[:2]) / 2, rel=1e-6)
    for split in ("train", "val", "test"):
        nats, bits = (record.metrics[f"{split}/{m.name}"] for m in Language.metrics)
        assert bits == pytest.approx(nats / math.log(2), rel=1e-6)
    assert run(trial, context, points=1).weights_sha256 == digest


@pytest.mark.slow
def test_muon_of_torch_trains_it(short):
    trial, context = short("torch.optim.Muon:lr=0.01", batch_size=32)
    record = run(trial, context, points=1)
    assert (record.status, record.reason) == ("done", "")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed", "bf16-true"])
def test_other_precisions_train(short, precision):
    trial, context = short(batch_size=16, epochs=2, precisions=(precision,))
    record = run(trial, context, points=1)
    assert record.status == "done"
    assert record.metrics["train/loss"] < 0.9 * math.log(96)


def measured(logits, targets, size):
    """Return the metrics of a split that comes in batches of `size`, the last one smaller."""
    task, network = Language(logits.shape[-1]), nn.Identity()
    meters = task.meters()
    for batch in zip(logits.split(size), targets.split(size), strict=True):
        task.evaluate(network, batch, meters)
    return {name: float(value) for name, value in meters.compute().items()}


@pytest.mark.parametrize("size", [1, 7, 23])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_the_metrics_are_means_over_all_characters_whatever_the_batches(size, dtype):
    draw = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(23, 6, 5, generator=draw)
    targets = torch.randint(5, (23, 6), generator=draw).to(dtype)
    logs = logits.double().log_softmax(-1).gather(2, targets.long()[:, :, None])
    found = measured(logits, targets, size)
    assert found["loss"] == pytest.approx(-logs.mean().item(), rel=1e-6)
    assert found["bits_per_character"] == pytest.approx(-logs.mean().item() / math.log(2), rel=1e-6)
    loss = Language(5).loss(nn.Identity(), (logits, targets))
    assert loss.item() == pytest.approx(found["loss"], rel=1e-6)


@pytest.mark.parametrize("characters", [2, 8, 96])
def test_equal_probabilities_of_a_power_of_two_are_whole_bits(characters):
    found = measured(torch.zeros(3, 4, characters), torch.ones(3, 4, dtype=torch.uint8), 2)
    assert found["bits_per_character"] == pytest.approx(math.log2(characters), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "is_diverged"), [(4.5, False), (449.0, False), (451.0, True), (1e30, True)]
)
def test_a_loss_has_diverged_at_a_hundred_times_its_start(loss, is_diverged):
    assert Language(96).is_diverged(loss, 4.5) is is_diverged


def test_sentences_report_bits_of_the_test_part():
    assert Language.metrics[0] is LOSS
    assert on_test([m.on("test") for m in Language.metrics]) == "test/bits_per_character"


class Steps(LightningDataModule):
    """Anyone's text: each number follows the one before it."""

    task = "language"
    input_shape = (12,)
    num_characters = 7

    def setup(self, stage=None):
        self.inputs = (torch.arange(40)[:, None] + torch.arange(12)) % 7
        self.targets = (self.inputs + 1) % 7

    def train_dataloader(self):
        return DataLoader(TensorDataset(self.inputs, self.targets), 20)

    val_dataloader = test_dataloader = train_dataloader


class Large(Steps):
    """A character that is none."""

    def setup(self, stage=None):
        super().setup(stage)
        self.inputs[3, 4] = 7


class Negative(Steps):
    """A target that is no character."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets[3, 4] = -1


class Fractions(Steps):
    """Real numbers in place of characters."""

    def setup(self, stage=None):
        super().setup(stage)
        self.inputs = self.inputs.float()


class Last(Steps):
    """Only the last character as the target."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = self.targets[:, -1]


class Grid(Steps):
    """Characters in two dimensions."""

    input_shape = (3, 4)

    def setup(self, stage=None):
        super().setup(stage)
        self.inputs, self.targets = (v.view(-1, 3, 4) for v in (self.inputs, self.targets))


def test_anyones_text_is_learnt(trials_of):
    data = prepare_data(f"{HERE}.Steps", None, None)
    check_fit("charlm", data, dropout=False)


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("Large", "yields inputs 0 to 7, with num_characters 7"),
        ("Negative", "yields targets -1 to 6, with num_characters 7"),
        ("Fractions", "yields inputs torch.float32 and targets torch.int64"),
        ("Last", "yields inputs (40, 12) and targets (40,), with input_shape (12,)"),
        ("Grid", "has input_shape (3, 4), not (positions,)"),
    ],
)
def test_texts_that_break_the_contract_are_one_line_with_it(dataset, words):
    with pytest.raises(UsageError) as refused:
        prepare_data(f"{HERE}.{dataset}", None, None)
    assert words in str(refused.value)
    assert Language.data_contract in str(refused.value)
    assert "\n" not in str(refused.value)


class OneForAll(nn.Module):
    """Gives logits of one character for each example."""

    def __init__(self, input_shape, num_outputs):
        super().__init__()
        self.embedding = nn.Embedding(num_outputs, num_outputs)

    def forward(self, characters):
        return self.embedding(characters[:, -1])


def test_a_network_with_one_character_for_a_window_is_refused():
    data = prepare_data(f"{HERE}.Steps", None, None)
    with pytest.raises(UsageError, match=r"gives \(40, 7\), not \(40, 12, 7\)"):
        check_fit(f"{HERE}.OneForAll", data, dropout=False)
