"""Figures of a claim."""

from itertools import combinations

import pytest

from benchmark.paper.bands import Band
from benchmark.paper.curves import published_curves
from benchmark.paper.rate_curves import RateCurve, printed_over_rates
from benchmark.paper.rules import rules
from benchmark.report.paper.colors import NEAR, distance
from benchmark.report.paper.drawing import (
    BEYOND,
    PRINTED,
    draw_claim,
    draw_rates,
    draw_variants,
)

EXPERIMENTS = {each.name: each for each in rules().experiments}
CLAIMS = {each.name: each for each in rules().claims}
SHORT = CLAIMS["fig3-rapid"]  # compares the costs of one epoch


def _bands(name, epochs):
    return [_band(each, epochs) for each in EXPERIMENTS[name].series]


def _band(series, epochs, mean=0.5, spread=0.1):
    low, high = mean - spread, mean + spread
    costs = {"mean": (mean,) * epochs, "low": (low,) * epochs, "high": (high,) * epochs}
    return Band(series=series, **costs, seeds=3, diverged=0)


def _lines(axes):
    return [list(map(float, line.get_ydata())) for line in axes.get_lines()]


def _is(line, costs):
    return list(line.get_ydata()) == costs


@pytest.mark.parametrize(
    ("experiment", "epochs", "panel"),
    [
        ("fig1-mnist", 45, "fig1_left_mnist_logreg"),
        ("fig1-imdb", 175, "fig1_right_imdb_bow_logreg"),
        ("fig2a", 200, "fig2a_mnist_mlp_dropout"),
        ("fig2b", 25, "fig2b_mlp_det_epochs"),
        ("fig3", 3, "fig3_left_cifar_first3"),
        ("fig3", 45, "fig3_right_cifar_45"),
    ],
)
def test_the_printed_curve_of_the_panel_is_on_the_same_axes(experiment, epochs, panel):
    bands = _bands(experiment, epochs)
    [axes] = draw_claim(bands, SHORT).axes
    drawn = _lines(axes)
    for band in bands:
        [name] = [each for each in band.series.published if each.startswith(f"{panel}/")]
        curve = published_curves()[name]
        within = [y for x, y in zip(curve.x, curve.y, strict=True) if x <= epochs + 0.5]
        assert within in drawn
    assert axes.get_ylim()[1] >= max(y for line in drawn for y in line)


def test_curves_over_rates_are_not_drawn_over_epochs():
    bands = _bands("fig4", 10)
    [axes] = draw_claim(bands, SHORT).axes
    assert len(axes.get_lines()) == len(bands)
    assert PRINTED not in [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_a_claim_at_a_fixed_rate_has_the_printed_points_of_its_last_epoch():
    bands = [each for each in _bands("fig4", 100) if "β1=0.9 β2=0.9999" in each.series.name]
    [axes] = draw_claim(bands, CLAIMS["fig4-unstable"]).axes
    rings = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert [list(ring.get_ydata()) for ring in rings] == [[99.0438], [111.088], []]
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()][-1] == PRINTED


@pytest.mark.parametrize("epochs", [10, 100])
def test_costs_by_rate_are_over_the_printed_ones_on_equal_axes(epochs):
    series = EXPERIMENTS["fig4"].series
    curves = [
        RateCurve(
            series=each,
            costs={1e-4: 130.0, 1e-3: 110.0, 1e-2: 900.0},
            diverged=(1e-1,),
            best=1e-3,
            compared=(109.0, 111.0, 113.0),
            printed=printed_over_rates(each.published, epochs),
        )
        for each in series
    ]
    figure = draw_rates([curves[at : at + 2] for at in range(0, len(curves), 2)])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == [
        each.name.partition(" ")[2] for each in series[::2]
    ]
    for axes, pair in zip(shown, zip(curves[::2], curves[1::2], strict=True), strict=True):
        drawn = _lines(axes)
        assert all(list(each.printed.y) in drawn for each in pair if each.printed)
        printed = [
            each for each in axes.lines if each.get_linestyle() == "--" and any(each.get_xdata())
        ]
        assert all(each.get_marker() == "." for each in printed)  # one point has no dash
        assert drawn.count([111.0]) == 2  # the means at the chosen rates
        assert drawn.count([109.0, 113.0]) == 2
        chosen = [line.get_xdata()[0] for line in axes.get_lines() if _is(line, [111.0])]
        assert chosen[0] < 1e-3 < chosen[1] < 1.5e-3  # side by side
        crosses = [line for line in axes.get_lines() if line.get_marker() == "x"][:2]
        assert [list(cross.get_xdata()) for cross in crosses] == [[1e-2, 1e-1]] * 2
        heights = [height for cross in crosses for height in cross.get_ydata()]
        assert heights == pytest.approx([1.0, 1.0, 0.93, 0.93])  # of the axis
    assert {axes.get_ylim()[1] for axes in shown} == {165.0}
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["corrected", "uncorrected", PRINTED, BEYOND]


def test_a_choice_that_no_other_series_shares_is_at_its_rate():
    pair = [
        RateCurve(series=each, costs={1e-4: 130.0, 1e-3: 110.0}, diverged=(), best=best,
                  compared=(111.0,), printed=None)
        for each, best in zip(EXPERIMENTS["fig4"].series, (1e-4, 1e-3), strict=False)
    ]  # fmt: skip
    figure = draw_rates([pair])
    chosen = [line for line in figure.axes[0].get_lines() if _is(line, [111.0])]
    assert [line.get_xdata()[0] for line in chosen] == [1e-4, 1e-3]
    assert BEYOND not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_series_of_one_optimizer_have_colours_of_their_own():
    bands = [each for each in _bands("fig4", 100) if "β1=0.9 β2=0.9999" in each.series.name]
    [axes] = draw_claim(bands, CLAIMS["fig4-unstable"]).axes
    assert len({line.get_color() for line in axes.get_lines()[:4]}) == 2


@pytest.mark.parametrize("claim", [each for each in CLAIMS.values() if len(each.series) < 7])
def test_the_series_of_a_claim_have_colours_that_everyone_can_tell_apart(claim):
    by_name = EXPERIMENTS[claim.experiment].by_name
    bands = [_band(by_name[name], claim.horizon) for name in claim.series]
    axes = draw_claim(bands, claim).axes[0]
    colors = {line.get_color() for line in axes.get_lines() if line.get_label() in by_name}
    assert len(colors) == len(bands)
    assert min(distance(*pair) for pair in combinations(colors, 2)) >= NEAR


def test_the_compared_epochs_have_a_panel_at_least_as_high_as_the_margin():
    claim = CLAIMS["fig1-mnist-similar"]
    bands = [_band(each, 45, 0.24, 0.002) for each in EXPERIMENTS["fig1-mnist"].series[:2]]
    whole, window = draw_claim(bands, claim).axes
    assert list(window.get_xticks()) == [41, 45]
    low, high = window.get_ylim()
    assert 0.02 < high - low < 0.03
    assert (low + high) / 2 == pytest.approx(0.24)
    assert whole.get_ylim()[1] > 0.5  # with the printed curves


def test_no_printed_curve_hides_how_measured_costs_differ():
    series = EXPERIMENTS["fig1-imdb"].series
    bands = [_band(each, 175, 0.24 + 0.002 * at) for at, each in enumerate(series)]
    figure = draw_variants([("a", bands)], "linear")
    low, high = figure.axes[0].get_ylim()
    assert [low, high] == [pytest.approx(0.24, rel=0.1)] * 2
    dashes = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    solid = [line for line in figure.axes[0].get_lines() if line not in dashes]
    assert min(line.get_zorder() for line in dashes) > max(line.get_zorder() for line in solid)


def test_small_multiples_share_their_limits_and_one_legend():
    bands = _bands("fig1-mnist", 45)
    figure = draw_variants([("a", bands), ("b", bands[:1]), ("c", bands)], "log10")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["a", "b", "c"]
    assert len({axes.get_ylim() for axes in shown}) == 1
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()].count(PRINTED) == 1
    assert [axes.get_xlabel() for axes in shown] == ["", "epoch", "epoch"]


@pytest.mark.parametrize(("worst", "scale"), [(150.0, "linear"), (900.0, "linear"), (5e6, "log")])
def test_costs_that_are_far_apart_have_a_logarithmic_axis_that_begins_near_the_lowest(worst, scale):
    claim = CLAIMS["fig4-unstable-large-rate"]
    corrected, uncorrected = EXPERIMENTS["fig4b"].series
    bands = [_band(corrected, 100, 100.0), _band(uncorrected, 100, worst)]
    [axes] = draw_claim(bands, claim).axes
    low, high = axes.get_ylim()
    assert axes.get_yscale() == scale
    assert 50 < low < 101
    assert high == pytest.approx(worst, rel=0.01)
