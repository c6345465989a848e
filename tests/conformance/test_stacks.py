"""The rule of one optimizer on K trials at once: stacked, each with its own learning rate."""

import pytest
import torch

from optimizers.motion import Motion
from tests.conformance.cases import VARIANTS, every_case

LRS = (0.1, 0.01, 0.3)


def column(values):
    return torch.tensor(values, dtype=torch.float64).reshape(-1, 1)


@pytest.mark.one_in(5)
@every_case
@pytest.mark.parametrize("variant", [{}, VARIANTS["decay and maximize"]], ids=["plain", "both"])
def test_a_stack_of_trials_with_their_own_rates_moves_as_each_alone(case, variant):
    """The scalars of K optimizers, as columns (K, 1), move K stacked parameters by one rule."""
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(3, 11, generator=draw, dtype=torch.float64)
    alone = [torch.nn.Parameter(row.clone()) for row in start]
    singles = [
        case.build([param], **variant | {"lr": lr}) for param, lr in zip(alone, LRS, strict=True)
    ]
    one = singles[0]
    group = one.param_groups[0]
    names = one.state_names(group)
    stacked = start.clone()
    first = {n: one.initial(n, stacked, group) for n in names if n is not None}
    state = tuple(None if n is None else first[n] for n in names)
    counters = {name: one.initial_counter(name) for name in one.counters}
    for _ in range(8):
        grads = torch.randn(3, 11, generator=draw, dtype=torch.float64)
        for param, grad, optimizer in zip(alone, grads, singles, strict=True):
            param.grad = grad.clone()
            optimizer.step()
        if counters:
            one.count(group, counters)
        numbers = {name: value.item() for name, value in counters.items()}
        motions = [each.motion(each.param_groups[0], numbers) for each in singles]
        together = Motion(
            rule=one.rule,
            scalars=tuple(map(column, zip(*(m.scalars for m in motions), strict=True))),
            maximize=motions[0].maximize,
            l2=None if motions[0].l2 is None else column([m.l2 for m in motions]),
            keep=None if motions[0].keep is None else column([m.keep for m in motions]),
        )
        together(stacked, grads, state)
        expected = torch.stack([param.detach() for param in alone])
        torch.testing.assert_close(stacked, expected, rtol=1e-12, atol=1e-13)
