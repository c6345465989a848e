import pytest

from benchmark.axes import AXES
from benchmark.metrics import (
    METRICS,
    SPLITS,
    higher_is_better,
    is_metric,
    is_share,
    metric_of,
    metric_words,
    names_of,
)
from datamodules import base


@pytest.mark.parametrize(
    ("metric", "higher"),
    [("val/loss", False), ("train/running_loss", False), ("test/accuracy", True), ("loss", False)],
)
def test_losses_fall_and_accuracies_rise(metric, higher):
    assert higher_is_better(metric) is higher


@pytest.mark.parametrize("name", ["val/charm", "val/top5_accuracy", "val/aux_loss"])
def test_nothing_is_assumed_of_an_unknown_metric(name):
    with pytest.raises(ValueError, match=f"{name!r}.*Known: loss"):
        higher_is_better(name)


@pytest.mark.parametrize(
    ("name", "words", "sign", "logarithmic"),
    [
        ("val/charm", "validation charm", "", False),
        ("test/top5_accuracy", "test top5 accuracy", "%", False),
        ("train/aux_loss", "training aux loss", "", True),
        ("far/charm", "far charm", "", False),
        ("charm", "charm", "", False),
        ("", "", "", False),
        ("val/{oops}", "validation {oops}", "", False),
    ],
)
def test_an_unknown_metric_has_words_and_a_format_by_its_name(name, words, sign, logarithmic):
    assert metric_words(name) == words
    assert metric_of(name).unit.sign == sign
    assert metric_of(name).logarithmic is logarithmic
    assert is_share(name) is (sign == "%")


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_a_row_is_shown_only_where_it_is_measured(metric):
    assert set(metric.tabled) <= set(metric.splits) <= set(SPLITS)
    assert not metric.chooses or "val" in metric.splits
    assert not metric.in_headline or "test" in metric.splits
    assert metric.better is not None or not (metric.chooses or metric.in_headline)


def test_metrics_have_different_words_and_axes_are_no_metrics():
    names = names_of(lambda metric: metric.splits)
    assert len({metric_words(name) for name in names}) == len(names)
    assert all(is_metric(name) for name in names)
    assert not any(is_metric(name) for name in (*AXES, "lr", "inside/all/cosine"))


def test_splits_are_those_of_the_data_in_their_order():
    assert tuple(SPLITS) == base.SPLITS
