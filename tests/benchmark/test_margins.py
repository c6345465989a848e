"""The margin of equivalence."""

import pytest

from benchmark.margins import default_margin


@pytest.mark.parametrize(
    ("values", "margin"),
    [([2.0], 0.02), ([2.0, 2.0], 0.02), ([1.0, 3.0], 0.1), ([-2.0], 0.02), ([0.0], 0.0)],
)
def test_the_margin_is_the_deviation_within_one_and_five_per_cent(values, margin):
    assert default_margin(values) == pytest.approx(margin)
