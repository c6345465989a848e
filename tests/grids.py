"""Grids of test cases of which a part is quick and the rest slow."""

import itertools

import pytest


def taking_turns(names, *factors):
    """Parametrize over a product in which the values of the last factor take turns.

    A case of the quick run has the one value of the last factor whose turn it is, so that each
    combination of the others is tried once. The other cases of the product are marked slow.

    Args:
        names: Arguments of the test, one per factor.
        factors: Values of each argument.
    """
    turns = len(factors[-1])
    cases = []
    for placed in itertools.product(*map(enumerate, factors)):
        places, values = zip(*placed, strict=True)
        cases.append(_case(values, is_quick=sum(places) % turns == 0))
    return pytest.mark.parametrize(names, cases)


def quick_if(is_quick, values):
    """Return a case for each value; those for which `is_quick` does not hold are marked slow."""
    return [_case((value,), is_quick=is_quick(value)) for value in values]


def _case(values, *, is_quick):
    marks = () if is_quick else pytest.mark.slow
    return pytest.param(*values, marks=marks, id="-".join(map(_name, values)))


def _name(value):
    return str(getattr(value, "name", getattr(value, "__name__", value)))
