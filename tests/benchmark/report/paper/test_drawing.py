"""Figures of a claim."""

import pytest

from benchmark.paper.bands import Band
from benchmark.paper.curves import published_curves
from benchmark.paper.rate_curves import RateCurve, printed_over_rates
from benchmark.paper.rules import rules
from benchmark.report.paper.drawing import PRINTED, draw_claim, draw_rates, draw_variants

EXPERIMENTS = {each.name: each for each in rules().experiments}


def _bands(name, epochs):
    return [
        Band(series=each, mean=(0.5,) * epochs, low=(0.4,) * epochs, high=(0.6,) * epochs,
             seeds=3, diverged=0)
        for each in EXPERIMENTS[name].series
    ]  # fmt: skip


def _lines(axes):
    return [list(map(float, line.get_ydata())) for line in axes.get_lines()]


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
    [axes] = draw_claim(bands, "linear").axes
    drawn = _lines(axes)
    for band in bands:
        [name] = [each for each in band.series.published if each.startswith(f"{panel}/")]
        curve = published_curves()[name]
        within = [y for x, y in zip(curve.x, curve.y, strict=True) if x <= epochs + 0.5]
        assert within in drawn
    assert axes.get_ylim()[1] >= max(y for line in drawn for y in line)


def test_curves_over_rates_are_not_drawn_over_epochs():
    bands = _bands("fig4", 10)
    [axes] = draw_claim(bands, "linear").axes
    assert len(axes.get_lines()) == len(bands)
    assert PRINTED not in [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_a_claim_at_a_fixed_rate_has_the_printed_points_of_its_last_epoch():
    bands = [each for each in _bands("fig4", 100) if "β1=0.9 β2=0.9999" in each.series.name]
    [axes] = draw_claim(bands, "linear", 1e-3).axes
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
            diverged=(),
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
        assert drawn.count([111.0]) == 2  # the means at the chosen rates
        assert drawn.count([109.0, 113.0]) == 2
    assert {axes.get_ylim()[1] for axes in shown} == {165.0}
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["corrected", "uncorrected", PRINTED]


def test_series_of_one_optimizer_have_colours_of_their_own():
    bands = [each for each in _bands("fig4", 100) if "β1=0.9 β2=0.9999" in each.series.name]
    [axes] = draw_claim(bands, "linear", 1e-3).axes
    assert len({line.get_color() for line in axes.get_lines()[:4]}) == 2


def test_small_multiples_share_their_limits_and_one_legend():
    bands = _bands("fig1-mnist", 45)
    figure = draw_variants([("a", bands), ("b", bands[:1]), ("c", bands)], "log10")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["a", "b", "c"]
    assert len({axes.get_ylim() for axes in shown}) == 1
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()].count(PRINTED) == 1
