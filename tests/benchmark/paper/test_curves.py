"""The published curves are complete and ordered."""

import pytest

from benchmark.paper.curves import printed_mean, published_curve, published_curves


def test_all_points_are_read():
    curves = published_curves()
    assert len(curves) == 51
    assert sum(len(curve.x) for curve in curves.values()) == 2328


@pytest.mark.parametrize("curve", published_curves().values(), ids=published_curves())
def test_a_curve_has_ascending_positions_and_positive_costs(curve):
    assert len(curve.x) == len(curve.y)
    assert list(curve.x) == sorted(set(curve.x))
    assert min(curve.y) > 0


def test_a_printed_mean_is_over_the_whole_window_or_not_at_all():
    name = "fig1_right_imdb_bow_logreg/SGDNesterov+dropout"  # off the chart in its first epochs
    assert printed_mean([name], 175, 10) == pytest.approx(0.35115, abs=1e-5)
    assert printed_mean([name], 10, 10) is None
    assert printed_mean([], 45, 5) is None


def test_a_point_where_a_line_leaves_the_chart_is_no_epoch():
    name = "fig3_left_cifar_first3/Adam"
    assert published_curve(*name.split("/")).x[-1] == 3.395
    assert printed_mean([name], 3, 1) == 0.63419


def test_a_wrong_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'fig1_left_mnist_logreg/Adam'"):
        published_curve("fig1_left_mnist_logreg", "Adm")
