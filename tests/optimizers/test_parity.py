"""Every optimizer against torch's own loop: parameters and state, after every step.

To the bit where the rule rounds in torch's order; where it puts bias corrections into the stepsize,
as the Adam paper proposes, to 13 digits.
"""

import io
from dataclasses import dataclass, field

import pytest
import torch

import optimizers
from optimizers.registry import OPTIMIZERS


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One of our classes and what torch's class takes to be the same."""

    ours: str
    torch: str
    both: dict = field(default_factory=dict)
    torch_only: dict = field(default_factory=dict)
    exact: bool = True
    resumed_tolerance: float = 0.0  # torch casts NAdam's product of μ when it loads it

    @property
    def tolerance(self):
        return 0.0 if self.exact else 1e-13

    def ours_on(self, params, **changes):
        return getattr(optimizers, self.ours)(params, **self.both | changes)

    def torch_on(self, params, **changes):
        cls = getattr(torch.optim, self.torch)
        has_fused = self.torch in ("SGD", "Adagrad", "Adam", "AdamW")
        fused = {"fused": False} if has_fused else {}
        values = self.both | self.torch_only | fused | changes
        return cls(params, **values, foreach=False)


PAIRS = {
    "sgd": Pair(ours="SGD", torch="SGD"),
    "momentum": Pair(ours="Momentum", torch="SGD", torch_only={"momentum": 0.9}),
    "momentum 0.5": Pair(ours="Momentum", torch="SGD", both={"momentum": 0.5}),
    "nesterov": Pair(
        ours="Nesterov", torch="SGD", both={"momentum": 0.9}, torch_only={"nesterov": True}
    ),
    "adagrad": Pair(ours="Adagrad", torch="Adagrad"),
    "adagrad lr_decay": Pair(
        ours="Adagrad",
        torch="Adagrad",
        both={"lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3},
    ),
    "adadelta": Pair(ours="Adadelta", torch="Adadelta"),
    "adadelta rho": Pair(ours="Adadelta", torch="Adadelta", both={"rho": 0.95, "eps": 1e-3}),
    "rmsprop": Pair(ours="RMSprop", torch="RMSprop"),
    "rmsprop centered": Pair(
        ours="RMSprop", torch="RMSprop", both={"centered": True, "alpha": 0.9, "eps": 1e-3}
    ),
    "rmsprop momentum": Pair(ours="RMSprop", torch="RMSprop", both={"momentum": 0.9}),
    "rmsprop both": Pair(
        ours="RMSprop", torch="RMSprop", both={"momentum": 0.5, "centered": True, "eps": 1e-3}
    ),
    "adam": Pair(ours="Adam", torch="Adam", exact=False),
    "adam betas": Pair(
        ours="Adam", torch="Adam", both={"betas": (0.3, 0.6), "eps": 1e-2}, exact=False
    ),
    "amsgrad": Pair(ours="Adam", torch="Adam", both={"amsgrad": True}, exact=False),
    "adamw": Pair(ours="AdamW", torch="AdamW", exact=False),
    "adamw amsgrad": Pair(
        ours="AdamW", torch="AdamW", both={"amsgrad": True, "eps": 1e-3}, exact=False
    ),
    "adamax": Pair(ours="Adamax", torch="Adamax"),
    "adamax betas": Pair(ours="Adamax", torch="Adamax", both={"betas": (0.3, 0.6), "eps": 1e-2}),
    "nadam": Pair(ours="NAdam", torch="NAdam", exact=False, resumed_tolerance=1e-7),
    "nadam decay": Pair(
        ours="NAdam",
        torch="NAdam",
        both={"betas": (0.3, 0.6), "momentum_decay": 0.1},
        exact=False,
        resumed_tolerance=1e-7,
    ),
    "radam": Pair(ours="RAdam", torch="RAdam", exact=False),
}
WITHOUT_PAIR = {"Lion"}  # torch has none
VARIANTS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "decay and maximize": {"weight_decay": 0.1, "maximize": True},
}

pairs = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
variants = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)


def tensors(seed, dtype=torch.float64):
    """Sizes around a SIMD width and not its multiples, 0-d, empty, strided and transposed."""
    draw = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(shape, generator=draw, dtype=dtype)

    return [
        random(),
        random(0),
        random(1),
        random(7),
        random(33, 3),
        random(5, 17).t(),
        random(67, 2)[:, 0],
    ]


def parameters(seed=0, dtype=torch.float64):
    # `Parameter(strided.detach())` keeps the strides, `clone` would not.
    return [torch.nn.Parameter(tensor) for tensor in tensors(seed, dtype)]


def assert_same(ours, theirs, tolerance=0.0):
    params, expected = list(flat(ours)), list(flat(theirs))
    for index, (param, twin) in enumerate(zip(params, expected, strict=True)):
        torch.testing.assert_close(
            param, twin, rtol=tolerance, atol=tolerance, msg=lambda m, i=index: f"{i}: {m}"
        )
        state, twin_state = ours.state.get(param, {}), theirs.state.get(twin, {})
        assert state.keys() == twin_state.keys()
        for name, value in state.items():
            torch.testing.assert_close(
                value,
                twin_state[name],
                rtol=tolerance,
                atol=tolerance,
                check_stride=True,
                msg=lambda m, n=name: n + m,
            )


def flat(optimizer):
    for group in optimizer.param_groups:
        yield from group["params"]


def feed(optimizers, seed, without=(), dtype=torch.float64):
    for optimizer in optimizers:
        for index, (param, grad) in enumerate(
            zip(flat(optimizer), tensors(seed, dtype), strict=True)
        ):
            param.grad = None if index in without else grad


def grouped(params):
    return [
        {"params": params[:4], "lr": 0.05},
        {"params": params[4:], "lr": 0.2, "weight_decay": 0.03},
    ]


@pairs
@variants
def test_parameters_and_state_are_torchs_after_every_step(pair, variant):
    both = (
        pair.ours_on(grouped(parameters()), **variant),
        pair.torch_on(grouped(parameters()), **variant),
    )
    assert_same(*both)
    for step in range(1, 15):
        # Parameter 4 misses step 3; 3 and 5 are frozen for a while; 0 and 6 start late.
        without = {3: (4,), 5: (3, 5), 6: (3, 5), 7: (3, 5)}.get(step, ())
        feed(both, 100 + step, without=(*without, 0, 6) if step < 5 else without)
        if step == 8:
            for optimizer in both:
                optimizer.param_groups[0]["lr"] = 0.003
        for optimizer in both:
            optimizer.step()
        assert_same(*both, pair.tolerance)


@pairs
def test_float32_is_torchs(pair):
    both = (
        pair.ours_on(parameters(dtype=torch.float32)),
        pair.torch_on(parameters(dtype=torch.float32)),
    )
    for step in range(10):
        feed(both, step, dtype=torch.float32)
        for optimizer in both:
            optimizer.step()
        assert_same(*both, 0.0 if pair.exact else 1e-6)


@pairs
@variants
def test_complex_parameters_move_as_torchs(pair, variant):
    if pair.ours == "RMSprop" and pair.both.get("centered"):
        variant = variant | {"eps": 0.1}  # keeps the cancelling variance away from a tiny root
    draws = [torch.randn(9, dtype=torch.complex128, generator=gen(seed)) for seed in range(8)]
    params = [torch.nn.Parameter(draws[0].clone()) for _ in range(2)]
    both = pair.ours_on(params[:1], **variant), pair.torch_on(params[1:], **variant)
    for draw in draws:
        for optimizer, param in zip(both, params, strict=True):
            param.grad = draw.clone()
            optimizer.step()
        torch.testing.assert_close(*params, rtol=1e-12, atol=1e-12)
        for name, value in both[0].state.get(params[0], {}).items():
            twin = both[1].state[params[1]][name]
            torch.testing.assert_close(value, twin, rtol=1e-12, atol=1e-12)


def gen(seed):
    return torch.Generator().manual_seed(seed)


@pairs
def test_training_a_small_model_gives_torchs_losses(pair):
    losses = []
    inputs = torch.randn(20, 5, dtype=torch.float64, generator=gen(1))
    classes = torch.randint(3, (20,), generator=gen(2))
    for make in (pair.ours_on, pair.torch_on):
        model = torch.nn.Sequential(
            torch.nn.Linear(5, 9), torch.nn.Tanh(), torch.nn.Linear(9, 3)
        ).double()
        with torch.no_grad():
            for index, param in enumerate(model.parameters()):
                param.copy_(torch.randn(param.shape, generator=gen(index), dtype=torch.float64))
        optimizer = make(model.parameters())
        for _ in range(20):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs), classes)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:20] == pytest.approx(losses[20:], rel=0 if pair.exact else 1e-10)
    assert losses[19] < losses[0]


@pairs
@pytest.mark.parametrize("direction", ["ours to torch", "torch to ours"])
def test_a_state_dict_goes_on_in_the_other_library(pair, direction):
    makers = [pair.ours_on, pair.torch_on]
    first, second = makers if direction == "ours to torch" else reversed(makers)
    tolerance = max(100 * pair.tolerance, pair.resumed_tolerance)
    unbroken = first(grouped(parameters()), weight_decay=0.1)
    for step in range(4):
        feed([unbroken], step, without=(2,))
        unbroken.step()
    moved = [torch.nn.Parameter(param.detach().clone()) for param in flat(unbroken)]
    resumed = second([{"params": moved[:4]}, {"params": moved[4:]}])
    resumed.load_state_dict(through_a_file(unbroken.state_dict()))
    for step in range(4, 10):
        feed([unbroken, resumed], step)
        unbroken.step()
        resumed.step()
        for param, twin in zip(flat(resumed), flat(unbroken), strict=True):
            torch.testing.assert_close(param, twin, rtol=tolerance, atol=tolerance)


def through_a_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pairs
def test_tensor_learning_rate_moves_as_torchs(pair):
    both = [
        make(parameters(), lr=torch.tensor(0.05, dtype=torch.float64))
        for make in (pair.ours_on, pair.torch_on)
    ]
    for step in range(10):
        feed(both, step)
        for optimizer in both:
            optimizer.step()
            if step == 5:
                optimizer.param_groups[0]["lr"].fill_(0.01)
        for param, twin in zip(flat(both[0]), flat(both[1]), strict=True):
            torch.testing.assert_close(param, twin, rtol=1e-12, atol=1e-12)


@pairs
def test_defaults_are_torchs(pair):
    mine, theirs = (
        make([torch.nn.Parameter(torch.zeros(2))]).param_groups[0]
        for make in (pair.ours_on, pair.torch_on)
    )
    assert {k: v for k, v in mine.items() if k in theirs and k != "params"} == {
        k: v for k, v in theirs.items() if k in mine and k != "params"
    }
    own = {"params"} | set(pair.both) | {"lr", "weight_decay", "maximize"}
    assert own <= mine.keys() & theirs.keys()


def test_every_listed_optimizer_has_a_pair():
    assert {row.target.partition(":")[2] for row in OPTIMIZERS.values()} <= {
        *(pair.ours for pair in PAIRS.values()),
        *WITHOUT_PAIR,
    }
