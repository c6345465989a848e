"""The checks that anyone can run on an optimizer, on every row of the table."""

import itertools
import sys
from functools import cache, partial

import pytest
import torch

from optimizers.conformance import CHECKS, look_at
from optimizers.conformance.outcome import apply
from optimizers.registry import OPTIMIZERS
from tests.conformance.cases import KINDS, class_of, every_row, needs_compiler

CHECK_OF_GROWTH = next(c for c in CHECKS if c.name == "memory does not grow with steps")
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


@cache
def subject_of(row, execution):
    return look_at(partial(class_of(row), execution=execution))


def without_meaning(row):
    """Return the names of checks that do not apply to an optimizer."""
    if not OPTIMIZERS[row].takes_sparse:
        yield "sparse gradients move as dense ones"
        yield "a row that comes twice counts twice"
    if not {"momentum", "betas"} & subject_of(row, "loop").defaults.keys():
        yield "a cycled momentum takes effect"
    if hasattr(class_of(row), "whole_rule"):
        yield "elements move as by themselves whatever the size"
        yield "a slice of a parameter moves as by itself"
        yield "elements move alike whatever the shape"
        yield "vectors decay as matrices do"
        yield "complex parameters move as pairs of reals"


EXECUTIONS = ("loop", "packed")


def cases():
    """Yield every row, check and execution.

    Quick is, for each check, one of the rows that have each kind of state, in turn. Each row has
    one execution there, for which it is looked at once.
    """
    for (i, check), (j, row) in itertools.product(enumerate(CHECKS), enumerate(OPTIMIZERS)):
        has_turn = row == KINDS[i % len(KINDS)]
        for k, execution in enumerate(EXECUTIONS):
            marks = () if has_turn and (j + k) % len(EXECUTIONS) == 0 else pytest.mark.slow
            name = f"{row}-{check.name}-{execution}"
            yield pytest.param(row, check, execution, marks=marks, id=name)


@pytest.mark.parametrize(("row", "check", "execution"), list(cases()))
def test_it_has_the_property(row, check, execution):
    assert_passes(row, check, execution)


@needs_compiler
@pytest.mark.slow
@every_row
@every_check
def test_it_has_the_property_compiled(row, check):
    assert_passes(row, check, "compiled")


def assert_passes(row, check, execution):
    if execution == "packed" and check.name == "parameters keep their memory":
        pytest.skip("packed execution moves parameters into one buffer: that is what it is for")
    subject = subject_of(row, execution)
    before = torch.get_rng_state()
    outcome = apply(check, subject)
    assert torch.equal(torch.get_rng_state(), before)
    expected = "not applicable" if check.name in without_meaning(row) else "passed"
    assert (outcome.status, outcome.reason) == (expected, outcome.reason), outcome.reason


@pytest.mark.slow
def test_what_python_keeps_between_two_looks_is_not_growth_in_each_step(monkeypatch):
    """Python's own caches may keep dozens of objects meanwhile, however few steps there are."""
    blocks, looks = sys.getallocatedblocks, itertools.count()
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: blocks() + 60 * next(looks))
    assert_passes("sgd", CHECK_OF_GROWTH, "loop")
    assert next(looks) == 8  # a short look aroused suspicion
