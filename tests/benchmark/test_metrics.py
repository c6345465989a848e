import pytest

from benchmark.metrics import higher_is_better


@pytest.mark.parametrize(
    ("metric", "higher"),
    [("val/loss", False), ("train/running_loss", False), ("test/accuracy", True), ("loss", False)],
)
def test_losses_fall_and_accuracies_rise(metric, higher):
    assert higher_is_better(metric) is higher


def test_nothing_is_assumed_of_an_unknown_metric():
    with pytest.raises(ValueError, match="'val/charm'.*Known: names that end in loss"):
        higher_is_better("val/charm")
