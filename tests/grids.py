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
        marks = () if sum(places) % turns == 0 else pytest.mark.slow
        cases.append(pytest.param(*values, marks=marks, id="-".join(map(_name, values))))
    return pytest.mark.parametrize(names, cases)


def _name(value):
    return str(getattr(value, "name", getattr(value, "__name__", value)))
