import math
from pkgutil import resolve_name

import pytest
import torch
from torch.nn import functional

from benchmark.models.dropout import Dropout
from benchmark.models.image import FourierFeatures
from benchmark.models.registry import MODELS
from benchmark.plugins import model_class
from datamodules.sparse import Bag

# Those of text and of pixels have tests of their own, test_charlm.py and tasks/test_vae.py.
REAL = [
    name
    for name, row in MODELS.items()
    if not (row.takes_text or resolve_name(row.target).takes_pixels)
]


def build(name, shape=(1, 28, 28), classes=10, **options):
    return model_class(name)(shape, classes, optimizer=torch.optim.SGD, **options)


def num_parameters(model):
    return sum(p.numel() for p in model.network.parameters())


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("logreg", (1, 28, 28), 784 * 10 + 10),
        ("mlp", (1, 28, 28), 784 * 1000 + 1000 + 1000 * 1000 + 1000 + 1000 * 10 + 10),
        (
            "cnn",
            (3, 32, 32),
            (3 * 64 + 64 * 64 + 64 * 128) * 25
            + 64
            + 64
            + 128
            + (128 * 4 * 4 * 1000 + 1000)
            + 1000 * 10
            + 10,
        ),
        (
            "cnn_valid",
            (3, 32, 32),
            (3 * 64 + 64 * 64 + 64 * 128) * 25
            + 64
            + 64
            + 128
            + (128 * 3 * 3 * 1000 + 1000)
            + 1000 * 10
            + 10,
        ),
        ("resnet", (3, 32, 32), 11_173_962),  # as many as of ResNet-18 with batch normalisation
        ("image", (2,), 3 * (128 * 128 + 128) + 128 * 10 + 10),
        ("regression", (10,), 10 * 100 + 100 + 100 * 10 + 10),
        (
            "vae",
            (1, 28, 28),
            784 * 500 + 500 + 2 * (500 * 50 + 50) + 50 * 500 + 500 + 500 * 10 + 10,
        ),
    ],
)
def test_networks_are_as_large_as_the_papers(name, shape, expected):
    assert num_parameters(build(name, shape)) == expected


@pytest.mark.parametrize(
    ("name", "size", "sides"),
    [
        ("cnn", 32, (16, 8, 4)),
        ("cnn_valid", 32, (15, 7, 3)),
        ("cnn_valid", 28, (13, 6, 2)),
        ("cnn_valid", 8, (3, 1, 1)),
    ],
)
def test_each_stage_pools_with_or_without_padding(name, size, sides):
    images, found = torch.randn(1, 3, size, size), []
    for layer in build(name, (3, size, size)).network:
        images = layer(images)
        if isinstance(layer, torch.nn.MaxPool2d):
            found.append(images.shape[-1])
    assert tuple(found) == sides


def test_an_unpadded_pool_takes_the_maxima_of_whole_windows():
    pool = next(m for m in build("cnn_valid", (3, 32, 32)).network if hasattr(m, "ceil_mode"))
    images = torch.randn(2, 64, 32, 32)
    windows = images.unfold(2, 3, 2).unfold(3, 3, 2)
    assert torch.equal(pool(images), windows.amax((4, 5)))


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (1, 5, 7)])
def test_any_image_size_gives_logits(name, shape):
    logits = build(name, shape, 4)(torch.randn(2, *shape))
    assert logits.shape == (2, 4)


@pytest.mark.parametrize("name", REAL)
def test_dropout_is_on_while_training_only_if_asked_for(name):
    images = torch.randn(4, 1, 8, 8)
    for dropout in (False, True):
        model = build(name, (1, 8, 8), dropout=dropout, dropout_seed=3).train()
        first, second = model(images), model(images)
        assert torch.equal(first, second) is not dropout
        model.eval()
        assert torch.equal(model(images), model(images))


def test_dropout_masks_come_from_their_own_seed():
    x = torch.ones(50, 20)
    masks = [Dropout(0.5, seed=seed).train()(x) for seed in (1, 1, 2)]
    before = torch.get_rng_state()
    Dropout(0.5, seed=9).train()(x)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert set(masks[0].unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("p", [-0.1, 1.0, 2.0])
def test_an_impossible_dropout_is_refused(p):
    with pytest.raises(ValueError, match=r"expected a number in \[0, 1\)"):
        Dropout(p, seed=0)


def test_a_sparse_bag_gives_the_loss_and_gradient_of_its_dense_form():
    model = build("logreg", (6,), 3)
    bag = Bag(
        indices=torch.tensor([0, 2, 5, 1, 1]),
        offsets=torch.tensor([0, 3, 3]),  # the second example is empty
        values=torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]),
    )
    targets = torch.tensor([0, 2, 1])
    losses, grads = [], []
    for inputs in (bag, bag.to_dense(6)):
        model.network.zero_grad()
        loss = functional.cross_entropy(model(inputs), targets)
        loss.backward()
        losses.append(loss.item())
        grads.append([p.grad.clone() for p in model.network.parameters()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    torch.testing.assert_close(*grads)


def a_bag(examples=7, features=40, classes=3):
    draw = torch.Generator().manual_seed(1)
    lengths = torch.tensor([3, 0, 9, 1, 5, 0, 4][:examples])
    total = int(lengths.sum())
    bag = Bag(
        indices=torch.randint(features, (total,), generator=draw),
        offsets=lengths.cumsum(0) - lengths,
        values=torch.rand(total, generator=draw),
    )
    return bag, torch.randint(classes, (examples,), generator=draw)


def test_a_hessian_of_a_sparse_bag_is_that_of_its_dense_form():
    model, (bag, targets) = build("logreg", (40,), 3), a_bag()
    products = []
    for inputs in (bag, bag.to_dense(40)):
        parameters = list(model.network.parameters())
        loss = functional.cross_entropy(model(inputs), targets)
        first = torch.autograd.grad(loss, parameters, create_graph=True)
        squares = sum(gradient.square().sum() for gradient in first)
        products.append(torch.autograd.grad(squares, parameters))
    torch.testing.assert_close(*products)


def test_an_unused_bag_asks_for_no_gradient_and_an_empty_one_gives_zeros():
    model = build("logreg", (6,), 3)
    empty = Bag(torch.tensor([], dtype=torch.int64), torch.tensor([0, 0]), torch.tensor([]))
    with torch.no_grad():
        assert model(empty).tolist() == [[0.0] * 3] * 2
    model(empty).sum().backward()
    assert model.network.weight.grad.tolist() == [[0.0] * 6] * 3
    assert model.network.bias.grad.tolist() == [2.0] * 3


@pytest.mark.parametrize("sparse", [False, True])
def test_logistic_regression_computes_what_a_linear_layer_computes(sparse):
    model, (bag, targets) = build("logreg", (40,), 3), a_bag()
    assert model.network.weight.shape == (3, 40)
    assert model.network.weight.is_contiguous()
    linear = torch.nn.Linear(40, 3)
    linear.load_state_dict(model.network.state_dict(), strict=True)
    inputs = bag if sparse else bag.to_dense(40)
    losses = [
        functional.cross_entropy(logits, targets)
        for logits in (model(inputs), linear(bag.to_dense(40)))
    ]
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(*losses)
    for ours, theirs in zip(model.network.parameters(), linear.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_initial_weights_of_logistic_regression_are_distributed_as_those_of_a_linear_layer():
    weight = build("logreg", (10_000,), 10).network.weight.detach() * 100  # times sqrt(features)
    assert float(weight.abs().max()) <= 1
    assert float(weight.mean()) == pytest.approx(0, abs=0.01)
    assert float(weight.var()) == pytest.approx(1 / 3, abs=0.01)  # uniform on [-1, 1]


def test_l2_is_half_lambda_times_the_squared_weights_without_biases():
    plain, penalised = build("logreg"), build("logreg", l2=0.3)
    penalised.load_state_dict(plain.state_dict())
    with torch.no_grad():
        penalised.network.bias += 100.0
        plain.network.bias += 100.0
    images, targets = torch.randn(5, 1, 28, 28), torch.randint(10, (5,))
    extra = penalised.loss(images, targets) - plain.loss(images, targets)
    weight = plain.network.weight.detach()
    assert extra.item() == pytest.approx(0.15 * weight.square().sum().item(), rel=1e-4)


def test_an_evaluation_weights_every_example_alike_whatever_the_batches():
    model = build("logreg", (4,), 3).eval()
    inputs, targets = torch.randn(10, 4), torch.randint(3, (10,))
    with torch.no_grad():
        for begin, end in ((0, 8), (8, 10)):  # the last batch is smaller
            model.validation_step((inputs[begin:end], targets[begin:end]), 0, dataloader_idx=1)
        whole = functional.cross_entropy(model(inputs), targets).item()
        accuracy = (model(inputs).argmax(1) == targets).float().mean().item()
    found = dict(model.read_metrics())
    assert found["val/loss"] == pytest.approx(whole, rel=1e-5)
    assert found["val/accuracy"] == pytest.approx(accuracy)
    assert dict(model.read_metrics()) == {}


def test_convolutions_run_channels_last():
    model = build("cnn", (3, 32, 32))
    weight = next(p for p in model.network.parameters() if p.ndim == 4)
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_fourier_features_are_cosines_and_sines_of_frequencies_that_no_seed_changes():
    first, second = FourierFeatures(2), FourierFeatures(2)
    assert torch.equal(first.frequencies, second.frequencies)
    assert list(first.parameters()) == []
    assert first.frequencies.std() == pytest.approx(2 * math.pi * 10, rel=0.2)
    places = torch.tensor([[0.0, 0.0], [0.25, 0.5]])
    angles = (places[:, None, :] * first.frequencies).sum(-1)
    found = first(places)
    assert torch.equal(found[0], torch.tensor([1.0] * 64 + [0.0] * 64))
    assert found[1].tolist() == pytest.approx(
        [*angles[1].cos().tolist(), *angles[1].sin().tolist()], abs=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_angles_of_fourier_features_are_never_of_16_bits(dtype):
    places = torch.rand(20, 2, generator=torch.Generator().manual_seed(0)).to(dtype)
    features = FourierFeatures(2).to(dtype)
    found = features(places)
    assert found.dtype == dtype
    expected = places.double() @ features.frequencies.double().t()
    assert torch.allclose(found[:, :64].double(), expected.cos(), atol=0.01)


def test_mixed_precision_leaves_fourier_features_alone():
    places, features = torch.rand(20, 2), FourierFeatures(2)
    expected = features(places)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(features(places), expected)


@pytest.mark.slow
def test_the_residual_network_learns_a_batch_by_heart():
    network = build("resnet", (1, 8, 8)).network
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    draw = torch.Generator().manual_seed(0)
    images, targets = torch.randn(16, 1, 8, 8, generator=draw), torch.arange(16) % 10
    for _ in range(25):
        loss = functional.cross_entropy(network(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1


class AddsGroup(torch.optim.SGD):
    """Adds the parameters after the first as a group of their own in its second step."""

    def __init__(self, params, lr=0.5):
        self.taken = 0
        super().__init__([param for _, param in params], lr=lr)

    def step(self, closure=None):
        self.taken += 1
        if self.taken == 2:
            first = self.param_groups[0]
            later = first["params"][1:]
            del first["params"][1:]
            self.add_param_group({"params": later, "lr": 3.0})
        return super().step(closure)


def test_a_group_that_an_optimizer_adds_is_scheduled_from_its_own_rate():
    model = model_class("logreg")((4,), 2, optimizer=AddsGroup, lr_factor=lambda t: 1 / t)
    optimizer = model.build_optimizer()
    seen = []
    for _ in range(4):
        model.take_step(optimizer, (torch.ones(3, 4), torch.zeros(3, dtype=torch.long)))
        seen.append([group["lr"] for group in optimizer.param_groups])
    assert seen == [[0.5], [0.25, 3.0], [0.5 * (1 / 3), 3.0 * (1 / 3)], [0.125, 0.75]]
