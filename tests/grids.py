"""Grids of test cases of which a part is quick and the rest slow."""

import itertools
from collections import Counter

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


def mark_samples(items):
    """Mark as slow all cases but the first of every n of each test that is marked `one_in(n)`.

    A case that is slow anyway is not counted. Of a product of factors, choose an n that has no
    divisor in common with the length of the last one: otherwise some of its values are always slow.

    Args:
        items: All tests that pytest has collected, in order.
    """
    counts = Counter()
    for item in items:
        sample = item.get_closest_marker("one_in")
        if sample is None or item.get_closest_marker("slow"):
            continue
        test = item.nodeid.split("[")[0]
        (every,) = sample.args
        if counts[test] % every:
            item.add_marker(pytest.mark.slow)
        counts[test] += 1


def _case(values, *, is_quick):
    marks = () if is_quick else pytest.mark.slow
    return pytest.param(*values, marks=marks, id="-".join(map(_name, values)))


def _name(value):
    return str(getattr(value, "name", getattr(value, "__name__", value)))
