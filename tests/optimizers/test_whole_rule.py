"""A rule that needs parameters whole: stepped one by one in every execution, and in stacks."""

import pytest
import torch

from optimizers import Muon
from optimizers.base import Bound, PaperOptimizer
from optimizers.rules.muon import orthogonal
from optimizers.stacking import stack

SHAPES = ((3,), (4, 3), (2, 5))


def by_sign(theta, g, lr):
    theta.sub_(lr * g.sign())


def by_norm(theta, g, m, lr):
    m.add_(g)
    theta.sub_(lr * m / m.norm())


class Normed(PaperOptimizer):
    """Signs for vectors, and a sum of gradients over its norm for matrices."""

    bounds = {"lr": Bound(), "weight_decay": Bound()}  # noqa: RUF012
    rule = staticmethod(by_sign)
    whole_rule = staticmethod(by_norm)

    def __init__(self, params, lr=0.1, *, execution="auto"):
        super().__init__(params, {"lr": lr, "weight_decay": 0.0, "maximize": False}, execution)

    def is_whole(self, param):
        return param.ndim == 2

    def scalars(self, group, counters):
        return {"lr": group["lr"]}

    def whole_entries(self, group):
        return {"m": "total"}

    def whole_scalars(self, group):
        return {"lr": group["lr"]}


def drawn(seed):
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=draw) for shape in SHAPES]


def trained(lr, seed=0, execution="auto"):
    params = [torch.nn.Parameter(each) for each in drawn(seed)]
    optimizer = Normed(params, lr, execution=execution)
    for step in range(1, 5):
        for param, grad in zip(params, drawn(seed + 10 * step), strict=True):
            param.grad = grad
        optimizer.step()
    return params


@pytest.mark.parametrize("execution", ["auto", "packed"])
def test_every_execution_goes_as_the_loop(execution):
    assert all(map(torch.equal, trained(0.1, execution=execution), trained(0.1, execution="loop")))


def test_the_first_step_of_a_matrix_is_as_long_as_the_rate():
    param = torch.nn.Parameter(torch.zeros(4, 3))
    param.grad = torch.full((4, 3), 7.0)
    optimizer = Normed([param], lr=0.5)
    optimizer.step()
    assert param.norm().item() == pytest.approx(0.5)
    assert list(optimizer.state[param]) == ["total"]  # a whole rule has no counters


def test_a_member_of_a_stack_goes_as_it_does_alone():
    rates = (0.1, 0.3, 0.01)
    members = [
        Normed([torch.nn.Parameter(each) for each in drawn(seed)], lr)
        for seed, lr in enumerate(rates)
    ]
    stacked = stack(members)
    for step in range(1, 5):
        rows = zip(*(drawn(seed + 10 * step) for seed in range(3)), strict=True)
        for param, grads in zip(stacked.param_groups[0]["params"], rows, strict=True):
            param.grad = torch.stack(grads)
        stacked.step()
    for seed, (member, lr) in enumerate(zip(members, rates, strict=True)):
        assert all(map(torch.equal, member.param_groups[0]["params"], trained(lr, seed)))


@pytest.mark.parametrize("shape", [(5, 5), (3, 40), (40, 3)])
def test_singular_values_come_near_one_and_singular_vectors_stay(shape):
    draw = torch.Generator().manual_seed(0)
    matrix = torch.randn(shape, generator=draw, dtype=torch.float64)
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.mT @ orthogonal(matrix, 1e-8) @ vt.mT
    assert torch.allclose(turned, torch.diag(turned.diag()), atol=1e-12)
    assert 0.6 < turned.diag().min() <= turned.diag().max() < 1.3


def test_torchs_steps_in_bfloat16_are_equal_to_a_few_per_cent():
    start, grads = drawn(0)[1], [drawn(seed)[1] for seed in (1, 2, 3)]
    ends = []
    for cls in (Muon, torch.optim.Muon):
        param = torch.nn.Parameter(start.clone())
        optimizer = cls([param], lr=0.1, adjust_lr_fn="match_rms_adamw")
        for grad in grads:
            param.grad = grad.clone()
            optimizer.step()
        ends.append(param.detach() - start)
    assert not torch.equal(*ends)
    torch.testing.assert_close(*ends, rtol=0, atol=0.05 * ends[0].abs().max().item())
