"""Which way is better, and which metrics choose: what the statistics need to know of metrics."""

# What chooses hyperparameters, marks the best and is compared: the mean of the first over seeds,
# ties by the next. Metrics that a study did not measure are passed over. Test metrics never choose.
# The loss comes first, for it is what optimizers lower, and tells seeds apart where accuracies tie.
CHOOSING = ("val/loss", "val/accuracy")

_HIGHER_IS_BETTER = {"loss": False, "running_loss": False, "accuracy": True}


def higher_is_better(metric: str) -> bool:
    """Return whether more of `metric`, such as ``val/accuracy``, is better.

    Raises:
        ValueError: nothing is known of the metric; the message lists what is.

    >>> higher_is_better("val/accuracy"), higher_is_better("train/loss")
    (True, False)
    """
    kind = metric.rpartition("/")[2]
    if kind not in _HIGHER_IS_BETTER:
        raise ValueError(
            f"metric {metric!r}: cannot say whether more is better. "
            f"Known: names that end in {', '.join(_HIGHER_IS_BETTER)}"
        )
    return _HIGHER_IS_BETTER[kind]
