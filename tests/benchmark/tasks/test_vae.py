"""The task of the autoencoder: its bound, its noise, its contract, and an epoch by a plain loop."""

import math
from dataclasses import replace

import pytest
import torch
from lightning.pytorch import LightningDataModule
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.metrics import KL_DIVERGENCE, LOSS, RECONSTRUCTION
from benchmark.models.vae import Noise, Reconstruction, VariationalAutoencoder
from benchmark.plugins import check_fit, model_class, prepare_data, seen_by
from benchmark.runner import build_model, derived_seed, run, set_up_data, weights_sha256
from benchmark.tasks.vae import EvidenceBound
from datamodules.digits import Digits

HERE = __name__


@pytest.fixture
def digits(trials_of, tmp_path):
    """Return a function that makes a trial on the digits, and the context to run it in."""
    Digits(cache_dir=tmp_path).prepare_data()

    def make(opts="adam", **changes):
        [trial] = trials_of("vae/digits", opts, batch_size=419, **changes)
        return trial, Context(cache_dir=tmp_path)

    return make


def train_by_hand(trial, context):
    """What `run` must equal to the last bit: a plain loop that cuts and scales its own batches."""
    data = set_up_data(trial, context)
    network = build_model(trial, data).network.train()
    encoder, decoder = network.encoder, network.decoder
    optimizer = trial.optimizer.build(network.parameters(), execution="packed")
    images = torch.load(data.prepared_folder / "tensors.pt", weights_only=True)["pool.inputs"]
    grey = ((images - images.min()) / (images.max() - images.min())).clamp(0, 1)
    draw = torch.Generator().manual_seed(derived_seed(trial, "split"))
    rows = torch.randperm(1437, generator=draw)[:1257]
    batches = torch.Generator().manual_seed(derived_seed(trial, "batches"))
    noise = torch.Generator().manual_seed(derived_seed(trial, "dropout"))
    for batch in rows[torch.randperm(1257, generator=batches)].split(trial.batch_size):
        optimizer.zero_grad()
        pixels = grey[batch].flatten(1)
        hidden = functional.softplus(encoder[1](pixels))
        hidden = encoder[3](hidden)
        mean, log_variance = network.mean(hidden), network.log_variance(hidden)
        drawn = torch.empty(len(batch), 50).normal_(generator=noise)
        hidden = functional.softplus(decoder[0](mean + (log_variance / 2).exp() * drawn))
        logits = decoder[3](decoder[2](hidden))
        errors = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
        terms = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
        (errors.sum(1) + terms.sum(1)).mean().backward()
        optimizer.step()
    return weights_sha256(network)


@pytest.mark.parametrize("dropout", [False, True])
def test_an_epoch_gives_the_bits_of_a_plain_loop(digits, dropout):
    trial, context = digits(dropout=dropout)
    record = run(trial, context, points=1)
    assert (record.status, record.reason) == ("done", "")
    assert record.weights_sha256 == train_by_hand(trial, context)
    for split in ("train", "val", "test"):
        bound, *terms = (record.metrics[metric.on(split)] for metric in EvidenceBound.metrics)
        assert bound == pytest.approx(sum(terms), rel=1e-6)


def test_grey_values_are_those_of_the_images_and_the_data_stay_as_they_were(tmp_path):
    data = prepare_data("digits", None, tmp_path)
    pixels = seen_by("vae", data)
    assert (pixels.num_pixels, pixels.task, pixels.checksum) == (64, EvidenceBound, data.checksum)
    assert data.task == "classification"
    assert seen_by("logreg", data) is data
    assert seen_by("vae", pixels) is pixels
    splits = [pixels._splits[name] for name in ("train", "val", "test")]
    assert splits[0].examples is splits[1].examples
    shown = torch.cat([split.slice(0, 2000)[0] for split in splits]).flatten(1) * 16
    assert torch.allclose(shown, shown.round(), atol=1e-4)
    assert sorted(shown.round().tolist()) == sorted(load_digits().data.tolist())
    assert float(next(iter(data.val_dataloader()))[0].min()) < 0


class Linear(nn.Module):
    """A posterior N(x, 0.3²), and one pixel with the logit 2·z − 1: small enough to integrate."""

    def forward(self, pixels, first=0):
        mean = pixels.flatten(1)
        draw = torch.Generator().manual_seed(first)
        latents = mean + 0.3 * torch.randn(mean.shape, generator=draw)
        return 2 * latents - 1, mean, torch.full_like(mean, 2 * math.log(0.3))


def test_the_bound_is_that_of_a_monte_carlo_estimate_and_below_the_evidence():
    pixels = torch.tensor([0.9]).expand(200_000, 1, 1, 1)
    task, draw = EvidenceBound(1), torch.Generator().manual_seed(5)
    found = float(task.loss(Linear(), (pixels, None)))
    prior, posterior = torch.distributions.Normal(0, 1), torch.distributions.Normal(0.9, 0.3)
    latents = 0.9 + 0.3 * torch.randn(1_000_000, generator=draw, dtype=torch.float64)
    p = (2 * latents - 1).sigmoid()
    likelihood = 0.9 * p.log() + 0.1 * (1 - p).log()
    ratios = prior.log_prob(latents) - posterior.log_prob(latents) + likelihood
    assert found == pytest.approx(-ratios.mean().item(), abs=0.005)
    assert -found < ratios.exp().mean().log().item()


def measured(network, pixels, size):
    task = EvidenceBound(64)
    meters = task.meters()
    for batch in pixels.split(size):
        task.evaluate(network, (batch, None), meters)
    return {name: float(value) for name, value in meters.compute().items()}


@pytest.mark.parametrize("size", [1, 7, 30])
def test_an_evaluation_has_the_same_noise_each_time_whatever_the_batches(size):
    network = VariationalAutoencoder((1, 8, 8), 64).eval()
    pixels = torch.rand(30, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole, parts = measured(network, pixels, 30), measured(network, pixels, size)
        other = VariationalAutoencoder((1, 8, 8), 64, dropout_seed=9).eval()
        other.load_state_dict(network.state_dict())
        assert measured(other, pixels, 30) == whole
    assert parts == pytest.approx(whole, rel=1e-5)
    assert whole[LOSS.name] == pytest.approx(
        whole[RECONSTRUCTION.name] + whole[KL_DIVERGENCE.name], rel=1e-6
    )


def test_fixed_noise_is_standard_normal_differs_by_place_and_repeats_after_the_last_row():
    noise = Noise(50, seed=1).eval()
    first = noise(torch.empty(9_000, 50), 0)
    assert float(first.mean()) == pytest.approx(0, abs=0.01)
    assert float(first.std()) == pytest.approx(1, abs=0.01)
    assert len(first.unique(dim=0)) == 9_000
    around = noise(torch.empty(20, 50), 9_990)
    assert torch.equal(around[10:], first[:10])
    assert list(noise.state_dict()) == []


def test_noise_in_training_follows_its_seed_alone():
    shape = torch.empty(3, 50)
    draws = []
    for disturbed in (False, True):
        noise = Noise(50, seed=4).train()
        noise(shape, 0)
        if disturbed:
            torch.randn(7)
            noise.eval()(shape, 5)
            noise.train()
        before = torch.get_rng_state()
        draws.append(noise(shape, 0))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*draws)
    assert not torch.equal(Noise(50, seed=5).train()(shape, 0), Noise(50, seed=4).train()(shape, 0))


class Recorded(VariationalAutoencoder):
    """The network that keeps the noise of its training."""

    drawn: list

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.noise.register_forward_hook(self._keep)

    def _keep(self, layer, inputs, output):
        if layer.training:
            self.drawn.append(output.clone())


class RecordedVAE(model_class("vae")):
    """The model of it."""

    network_class = Recorded


@pytest.mark.parametrize("opts", ["sgd", "lion:lr=0.01"])
def test_noise_is_paired_over_optimizers(digits, opts, monkeypatch):
    noises = []
    for each in ("adam", opts):
        monkeypatch.setattr(Recorded, "drawn", [], raising=False)
        trial, context = digits(each)
        run(replace(trial, model=f"{HERE}.RecordedVAE"), context, points=2)
        noises.append(torch.cat(Recorded.drawn))
    assert len(noises[0]) == 1257
    assert torch.equal(*noises)


@pytest.mark.slow
def test_a_line_search_sees_one_function(digits):
    trial, context = digits("torch.optim.LBFGS:lr=0.5")
    first, second = (run(trial, context, points=1) for _ in range(2))
    assert first.status == "done"
    assert first.weights_sha256 == second.weights_sha256
    assert first.metrics["train/loss"] < 40


@pytest.mark.one_in(3)
@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true", "bf16-true"])
def test_other_precisions_train(digits, precision):
    trial, context = digits(precisions=(precision,))
    record = run(trial, context, points=1)
    assert record.status == "done"
    assert record.metrics["train/loss"] < 64 * math.log(2)


@pytest.mark.parametrize(
    ("loss", "is_diverged"), [(545.0, False), (54_000.0, False), (55_000.0, True), (1e30, True)]
)
def test_a_loss_has_diverged_at_a_hundred_times_its_start(loss, is_diverged):
    assert EvidenceBound(784).is_diverged(loss, 545.0) is is_diverged


@pytest.mark.parametrize("seed", range(5))
def test_no_term_is_negative_so_that_only_growth_is_divergence(seed):
    draw = torch.Generator().manual_seed(seed)
    outputs = [10 * torch.randn(50, size, generator=draw) for size in (64, 7, 7)]
    pixels = torch.rand(50, 1, 8, 8, generator=draw)
    meters = EvidenceBound(64).meters()
    EvidenceBound(64).evaluate(lambda *_, first: Reconstruction(*outputs), (pixels, None), meters)
    assert all(value >= 0 for value in meters.compute().values())


class Images(LightningDataModule):
    """Anyone's images, named for the task by their own module."""

    task = "vae"
    input_shape = (2, 3, 4)
    num_pixels = 24

    def setup(self, stage=None):
        self.images = torch.rand(40, *self.input_shape)

    def train_dataloader(self):
        return DataLoader(TensorDataset(self.images, torch.zeros(40)), 20)

    val_dataloader = test_dataloader = train_dataloader


class Bright(Images):
    """Values above one."""

    def setup(self, stage=None):
        super().setup(stage)
        self.images[3, 1, 0, 0] = 1.5


class Whole(Images):
    """Whole numbers."""

    def setup(self, stage=None):
        super().setup(stage)
        self.images = (self.images * 255).long()


class Miscounted(Images):
    """A number of pixels without the channels."""

    num_pixels = 12


class Missing(Images):
    """An image that is not a number."""

    def setup(self, stage=None):
        super().setup(stage)
        self.images[3, 1, 0, 0] = math.nan


class Labelled(Images):
    """Images with classes, of any range."""

    task = "classification"
    num_classes = 2

    def setup(self, stage=None):
        super().setup(stage)
        self.images = 7 * self.images - 3

    def train_dataloader(self):
        return DataLoader(TensorDataset(self.images, torch.arange(40) % 2), 20)

    val_dataloader = test_dataloader = train_dataloader


class Rows(Labelled):
    """Rows of numbers with classes."""

    input_shape = (24,)


class Blank(Labelled):
    """A channel without an image."""

    def setup(self, stage=None):
        super().setup(stage)
        self.images[:, 1] = 0.5


@pytest.mark.parametrize("dataset", ["Images", "Labelled"])
def test_anyones_images_are_learnt(dataset):
    check_fit("vae", prepare_data(f"{HERE}.{dataset}", None, None), dropout=False)


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("Bright", "to 1.5, not 0 to 1"),
        ("Whole", "yields inputs torch.int64"),
        ("Miscounted", "has input_shape (2, 3, 4) and num_pixels 12"),
        ("Missing", "yields inputs that are NaN or infinite"),
        ("Rows", "expected images of real numbers"),
        ("Blank", "a channel has the same value in all images"),
    ],
)
def test_images_that_break_the_contract_are_one_line_with_it(dataset, words):
    with pytest.raises(UsageError) as refused:
        check_fit("vae", prepare_data(f"{HERE}.{dataset}", None, None), dropout=False)
    assert words in str(refused.value)
    assert EvidenceBound.data_contract in str(refused.value)
    assert "\n" not in str(refused.value)


class Half(nn.Module):
    """Gives logits of half the pixels."""

    def __init__(self, input_shape, num_outputs):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, pixels, first=0):
        flat = self.scale * pixels.flatten(1)
        return flat[:, ::2], flat[:, :5], flat[:, :5]


def test_a_network_with_other_outputs_is_refused():
    data = prepare_data(f"{HERE}.Images", None, None)
    with pytest.raises(UsageError, match=r"gives \[\(40, 12\), .* not \[\(40, 24\), "):
        check_fit(f"{HERE}.Half", data, dropout=False)
    with pytest.raises(UsageError, match=r"model 'mlp' "):
        check_fit("mlp", data, dropout=False)
