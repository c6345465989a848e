"""State and scalars go to a rule by name: their order cannot be got wrong, a wrong name is told."""

import inspect
from pkgutil import resolve_name

import pytest
import torch

from optimizers.motion import RuleArguments
from optimizers.registry import OPTIMIZERS

rows = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


def backwards(cls):
    """Return a subclass whose rule takes its state, and its scalars, in the opposite order."""
    optimizer = cls([torch.nn.Parameter(torch.ones(2))])
    group = optimizer.param_groups[0]
    theta, g, *rest = inspect.signature(cls.rule).parameters
    num_state = len(optimizer.entries(group))
    state, scalars = rest[:num_state][::-1], rest[num_state:][::-1]
    names = ", ".join([theta, g, *state, *scalars])
    known = {"rule": cls.rule}
    given = ", ".join(f"{name}={name}" for name in rest)
    exec(f"def turned({names}): rule({theta}, {g}, {given})", known)
    return type("Backwards", (cls,), {"rule": staticmethod(known["turned"])})


def trained(cls, execution):
    draw = torch.Generator().manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(n, generator=draw)) for n in (5, 7)]
    optimizer = cls(params, execution=execution)
    for _ in range(6):
        for param in params:
            param.grad = torch.randn(param.shape, generator=draw)
        optimizer.step()
    state = [value for each in optimizer.state.values() for _, value in sorted(each.items())]
    return [*params, *state]


@rows
@pytest.mark.parametrize("execution", ["loop", "auto", "packed"])
def test_the_order_in_which_a_rule_takes_its_arguments_changes_no_bit(row, execution):
    cls = resolve_name(row.target)
    turned = backwards(cls)
    assert turned.rule_arguments.names != cls.rule_arguments.names or row.state_tensors < 2
    for one, other in zip(trained(cls, execution), trained(turned, execution), strict=True):
        assert torch.equal(one, other)


@rows
@pytest.mark.parametrize("part", ["entries", "scalars"])
def test_a_name_that_the_rule_does_not_have_is_told(row, part):
    cls = resolve_name(row.target)

    def misnamed(self, *arguments):
        first, *others = getattr(cls, part)(self, *arguments).items()
        return {"misnamed": first[1], **dict(others)}

    param = torch.nn.Parameter(torch.ones(2))
    param.grad = torch.ones(2)
    with pytest.raises(TypeError, match=rf"{cls.rule.__name__} has no argument 'misnamed' there"):
        type("Misnamed", (cls,), {part: misnamed})([param]).step()


@rows
def test_state_and_scalars_make_up_all_arguments_of_the_rule(row):
    cls = resolve_name(row.target)
    optimizer = cls([torch.nn.Parameter(torch.ones(2))])
    group = optimizer.param_groups[0]
    numbers = dict.fromkeys(cls.counters, 0.5)
    names = [*optimizer.entries(group), *optimizer.scalars(group, numbers)]
    assert sorted(names) == sorted(cls.rule_arguments.names)


def test_state_is_not_taken_for_a_scalar():
    def rule(theta, g, m, beta1): ...

    with pytest.raises(TypeError, match="no argument 'm' there"):
        RuleArguments.of(rule).order_scalars({"m": 0.5})
