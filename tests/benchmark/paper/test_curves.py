"""The published curves are complete and ordered."""

import pytest

from benchmark.paper.curves import published_curve, published_curves


def test_all_points_are_read():
    curves = published_curves()
    assert len(curves) == 51
    assert sum(len(curve.x) for curve in curves.values()) == 2328


@pytest.mark.parametrize("curve", published_curves().values(), ids=published_curves())
def test_a_curve_has_ascending_positions_and_positive_costs(curve):
    assert len(curve.x) == len(curve.y)
    assert list(curve.x) == sorted(set(curve.x))
    assert min(curve.y) > 0


def test_a_wrong_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'fig1_left_mnist_logreg/Adam'"):
        published_curve("fig1_left_mnist_logreg", "Adm")
