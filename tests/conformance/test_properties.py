"""What every rule obeys for any shapes, gradients and numbers of steps; hypothesis picks them."""

from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optimizers.registry import OPTIMIZERS
from tests.conformance.cases import class_of, every_row_by_kind

# Of six tests for twelve rows: a quarter of the profile's number of examples.
quickly = settings(
    max_examples=settings().max_examples // 4, deadline=None, derandomize=True, database=None
)
sizes = st.integers(min_value=0, max_value=9)
shapes = st.lists(st.lists(sizes, max_size=3).map(tuple), min_size=2, max_size=4)
executions = st.sampled_from(["loop", "packed"])


@dataclass(frozen=True, kw_only=True)
class Run:
    """Parameters to train and how: everything but the optimizer."""

    shapes: list
    seed: int
    steps: int
    size: float

    def parameters(self):
        return [torch.nn.Parameter(each) for each in self.draw(0, 1.0)]

    def gradients(self, step):
        return self.draw(step + 1, self.size)

    def draw(self, step, size):
        generator = torch.Generator().manual_seed(1000 * self.seed + step)
        return [
            size * torch.randn(shape, generator=generator, dtype=torch.float64)
            for shape in self.shapes
        ]

    def train(self, build, change=lambda grads: grads, start=lambda params: params):
        """Return where parameters end that `start` begins and `change`d gradients move."""
        params = start(self.parameters())
        optimizer = build(params)
        for step in range(self.steps):
            for param, grad in zip(params, change(self.gradients(step)), strict=True):
                param.grad = grad
            optimizer.step()
        return params


def is_elementwise(row, shape):
    """Return whether a rule steps the elements of a parameter of this shape by themselves."""
    param = torch.nn.Parameter(torch.zeros(shape))
    return not class_of(row)([param]).is_whole(param)


runs = st.builds(
    Run,
    shapes=shapes,
    seed=st.integers(0, 10**6),
    steps=st.integers(1, 9),
    size=st.sampled_from([1e-3, 1.0, 1e3]),
)


def assert_equal(found, expected, tolerance=1e-12):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@every_row_by_kind
@quickly
@given(run=runs, execution=executions, decay=st.sampled_from([0.0, 0.1]))
def test_maximize_on_g_is_minimize_on_minus_g(row, run, execution, decay):
    build = partial(class_of(row), weight_decay=decay, execution=execution)
    climbed = run.train(partial(build, maximize=True))
    descended = run.train(build, lambda grads: [-grad for grad in grads])
    assert_equal(climbed, descended, 0)


@every_row_by_kind
@quickly
@given(run=runs, execution=executions, decay=st.sampled_from([0.0, 0.1]))
def test_the_mirror_image_of_a_run_is_a_run(row, run, execution, decay):
    build = partial(class_of(row), weight_decay=decay, execution=execution)
    mirrored = run.train(
        build,
        lambda grads: [-grad for grad in grads],
        lambda params: [torch.nn.Parameter(-param.detach()) for param in params],
    )
    assert_equal([-param for param in mirrored], run.train(build), 0)


@every_row_by_kind
@quickly
@given(run=runs, execution=executions, data=st.data())
def test_one_optimizer_with_two_groups_is_two_optimizers(row, run, execution, data):
    cls = partial(class_of(row), execution=execution)
    rates = st.sampled_from([1e-3, 0.1])
    settings_of_two = [
        {"lr": data.draw(rates), "weight_decay": data.draw(st.sampled_from([0.0, 0.3]))}
        for _ in range(2)
    ]
    cut = data.draw(st.integers(1, len(run.shapes) - 1))

    def together(params):
        parts = params[:cut], params[cut:]
        return cls([{"params": p} | s for p, s in zip(parts, settings_of_two, strict=True)])

    def first(params):
        return cls(params[:cut], **settings_of_two[0])

    def second(params):
        return cls(params[cut:], **settings_of_two[1])

    both = run.train(together)
    assert_equal(both[:cut], run.train(first)[:cut])
    assert_equal(both[cut:], run.train(second)[cut:])


@every_row_by_kind
@quickly
@given(run=runs, execution=executions, data=st.data())
def test_parameters_move_alike_in_any_order(row, run, execution, data):
    cls = partial(class_of(row), execution=execution)
    order = data.draw(st.permutations(range(len(run.shapes))))
    turned = run.train(lambda params: cls([params[index] for index in order]))
    assert_equal(turned, run.train(cls))


@every_row_by_kind
@quickly
@given(run=runs, execution=executions)
def test_elements_move_alike_in_one_parameter_or_in_many(row, run, execution):
    cls = partial(class_of(row), execution=execution)
    run = replace(run, shapes=[shape for shape in run.shapes if is_elementwise(row, shape)])
    assume(run.shapes)
    whole = run.train(
        cls,
        lambda grads: [torch.cat([grad.flatten() for grad in grads])],
        lambda params: [torch.nn.Parameter(torch.cat([p.detach().flatten() for p in params]))],
    )
    apart = torch.cat([param.detach().flatten() for param in run.train(cls)])
    assert_equal(whole, [torch.nn.Parameter(apart)])


@pytest.mark.parametrize("row", [row.name for row in OPTIMIZERS.values() if row.scale_free])
@quickly
@given(run=runs, execution=executions, exponent=st.integers(-20, 20))
def test_a_factor_of_all_gradients_changes_nothing(row, run, execution, exponent):
    cls = class_of(row)
    without_eps = {"eps": 0.0} if "eps" in cls.bounds else {}
    build = partial(cls, **without_eps, execution=execution)
    scaled = run.train(build, lambda grads: [grad * 2.0**exponent for grad in grads])
    assert_equal(scaled, run.train(build), 1e-9)


@pytest.mark.parametrize("row", [row.name for row in OPTIMIZERS.values() if not row.scale_free])
def test_a_factor_of_all_gradients_counts_where_the_table_says_so(row):
    run = Run(shapes=[(3,), (2, 2)], seed=0, steps=3, size=1.0)
    scaled = run.train(class_of(row), lambda grads: [grad * 8 for grad in grads])
    for one, other in zip(scaled, run.train(class_of(row)), strict=True):
        assert not torch.allclose(one, other, rtol=1e-9, atol=1e-9)
