import itertools

import pytest

from benchmark.report.palette import OWN, style, styles
from optimizers.registry import OPTIMIZERS

FIXED = tuple(OPTIMIZERS)


def luminance(color):
    """Return the relative luminance of a colour (WCAG 2, section 1.4.3)."""
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", FIXED)
def test_every_colour_stands_out_from_the_backgrounds_of_both_themes(name):
    assert contrast(style(name).color, "#ffffff") >= 3
    assert contrast(style(name).color_on_dark, "#14161a") >= 3


def test_registered_optimizers_share_neither_colour_nor_marker():
    looks = [style(name) for name in FIXED]
    for one, other in itertools.combinations(looks, 2):
        assert one.color != other.color
        assert one.color_on_dark != other.color_on_dark
        assert one.marker != other.marker


def test_markers_fit_in_the_unit_circle():
    for name in FIXED:
        assert max(x * x + y * y for x, y in style(name).marker) <= 1 + 1e-9


def looks(names):
    return {(look.color, look.marker, look.dash) for look in styles(names)}


def test_optimizers_of_torch_are_told_apart_by_their_colours_and_keep_off_registered_ones():
    names = [f"torch.optim.{name}" for name in ("SGD", "ASGD", "AdamW", "Adagrad", "LBFGS")]
    found = styles([*names, "adam", "sgd"])
    assert len({look.color for look in found}) == 7
    assert found[5:] == [style("adam"), style("sgd")]
    assert styles([*names, "adam", "sgd"]) == found


def test_no_two_optimizers_look_alike_however_many_are_shown():
    others = [f"package.Optimizer{i}" for i in range(100)]
    assert len(looks([*FIXED, *others])) == len(FIXED) + 100
    assert len(looks(["adam"] * 9 + ["package.One"] * 9)) == 18


def test_an_unregistered_optimizer_keeps_its_look_where_its_colour_is_free():
    name = "torch.optim.AdamW"
    beside = next(each for each in FIXED if style(each).color != style(name).color)
    assert styles([beside, name])[1] == styles([name])[0] == style(name)


def test_an_unregistered_optimizer_never_looks_like_a_registered_one():
    pairs = {(style(name).color, style(name).marker) for name in FIXED}
    for i in range(300):
        look = style(f"package.Optimizer{i}")
        assert (look.color, look.marker) not in pairs


def test_settings_of_one_optimizer_differ_in_their_dashes():
    looks = styles(["adam", "sgd", "adam", "adam", "adam"])
    assert len({look.dash for i, look in enumerate(looks) if i != 1}) == 4
    assert {look.color for i, look in enumerate(looks) if i != 1} == {style("adam").color}


def test_the_readers_own_optimizer_has_a_look_that_no_other_has():
    assert style("mine.MyOpt") == OWN == styles([*FIXED, "torch.optim.SGD", "mine.MyOpt"])[-1]
    for theme in ("color", "color_on_dark"):
        assert getattr(OWN, theme) not in {getattr(style(name), theme) for name in FIXED}
    others = [*FIXED, *(f"torch.optim.{name}" for name in ("SGD", "AdamW", "LBFGS"))]
    assert all(style(name).marker != OWN.marker for name in others)
    assert contrast(OWN.color, "#ffffff") >= 4.5
    assert contrast(OWN.color_on_dark, "#14161a") >= 4.5


def test_a_second_own_optimizer_keeps_off_the_first():
    first, second = styles(["mine.One", "mine.Two"])
    assert first == OWN
    assert (first.color, first.marker) != (second.color, second.marker)


def test_momentum_and_adam_never_share_a_marker():
    for names in (["adam", "momentum"], ["momentum", "mine.MyOpt", "adam"]):
        assert len({look.marker for look in styles(names)}) == len(names)
