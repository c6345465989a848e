"""A course that every two implementations of one rule are led over, side by side.

Fourteen steps with all that training does to an optimizer: parameters of many sizes and layouts in
two groups, one that misses a step, two that freeze for a while, two that begin late, one that never
has a gradient, and learning rates that change on the way.
"""

from functools import cache

import torch

STEPS = range(1, 15)
_MISSING = {3: (4,), 5: (3, 5), 6: (3, 5), 7: (3, 5)}
_LATE = (0, 6)  # begin at step 5
_NEVER = (8,)


def tensors(seed, dtype=torch.float64):
    """0-d, empty, one, sizes around and above vector widths, transposed, with gaps."""
    draw = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype)

    return [
        random(),
        random(0),
        random(1),
        random(7),
        random(33, 3),
        random(5, 17).t(),
        random(67, 2)[:, 0],
        random(1003),
        random(9),
        random(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    ]


def every(tensor):
    return True


def matrices(tensor):
    return tensor.ndim == 2


def parameters(seed=0, dtype=torch.float64, only=every):
    """Return parameters that keep the strides of `tensors`."""
    return [torch.nn.Parameter(tensor) for tensor in filter(only, tensors(seed, dtype))]


def groups(seed=0, dtype=torch.float64, only=every):
    """Return the parameters in two groups with rates and decays of their own."""
    params = parameters(seed, dtype, only)
    cut = 4 if only is every else 1
    return [
        {"params": params[:cut], "lr": 0.05},
        {"params": params[cut:], "lr": 0.2, "weight_decay": 0.03},
    ]


def flat(optimizer):
    return [param for group in optimizer.param_groups for param in group["params"]]


@cache
def gradients(step, dtype=torch.float64, only=every):
    """Return the gradients of a step, None for what has none in it; all callers share them."""
    without = {*_MISSING.get(step, ()), *_NEVER, *(_LATE if step < 5 else ())}
    return [
        None if index in without else tensor
        for index, tensor in enumerate(tensors(100 + step, dtype))
        if only(tensor)
    ]


def walk(*optimizers, steps=STEPS, dtype=torch.float64, only=every):
    """Lead the optimizers over the course; yields the number of each step, taken."""
    for step in steps:
        for optimizer in optimizers:
            if step == 8:
                optimizer.param_groups[0]["lr"] = 0.003
            for param, grad in zip(flat(optimizer), gradients(step, dtype, only), strict=True):
                param.grad = None if grad is None else grad.clone()
            optimizer.step()
        yield step


def assert_same(ours, theirs, tolerance, step=None):
    """Compare parameters and every state tensor, by name."""
    pairs = zip(flat(ours), flat(theirs), strict=True)
    for index, (param, twin) in enumerate(pairs):
        where = f"parameter {index}, step {step}"
        assert_close(param, twin, tolerance, where)
        state, other = ours.state.get(param, {}), theirs.state.get(twin, {})
        assert state.keys() == other.keys(), where
        for name, value in state.items():
            looks = value.dtype, value.stride()
            assert looks == (other[name].dtype, other[name].stride()), f"{where}, {name}"
            assert_close(value, other[name], tolerance, f"{where}, {name}")


def assert_close(found, expected, tolerance, where):
    tolerances = {"rtol": tolerance, "atol": tolerance, "equal_nan": True}
    if torch.equal(found, expected) or torch.allclose(found, expected, **tolerances):
        return  # each is ten times faster than what follows it
    torch.testing.assert_close(found, expected, **tolerances, msg=lambda text: f"{where}: {text}")
