"""Which way is better, and which metrics choose: what the statistics need to know of metrics."""

# What chooses hyperparameters, marks the best and is compared: the mean of the first over seeds,
# ties by the next. Metrics that a study did not measure are passed over. Test metrics never choose.
# The loss comes first, for it is what optimizers lower, and tells seeds apart where accuracies tie.
CHOOSING = ("val/loss", "val/accuracy")

SHARE_DECIMALS = 7  # to which shares are read, see `rounded`
TIE_DECIMALS = 6  # to which means of them are compared: rounding moves a mean in the seventh

RUNNING = "train/running_loss"  # of the minibatches as trained on, since the row before

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


def validation_of(metric: str) -> str:
    """Return the metric that chooses where `metric` is shown: a test metric's on validation data.

    >>> validation_of("test/loss"), validation_of("train/loss")
    ('val/loss', 'train/loss')
    """
    split, _, kind = metric.partition("/")
    return f"val/{kind}" if split == "test" else metric


def is_share(metric: str) -> bool:
    """Return whether `metric` is a share of examples, a count over their number.

    >>> is_share("val/accuracy"), is_share("val/loss")
    (True, False)
    """
    return metric.endswith("accuracy")


def rounded(metric: str, value: float) -> float:
    """Return `value` without the digits that recording it in single precision made up.

    0.9225 is recorded as 0.9225000143: counts that are equally far apart then seem not to be, and
    equal means not to be equal. Seven decimals tell apart the counts over a million examples.

    >>> rounded("val/accuracy", 0.9225000143), rounded("val/loss", 0.9225000143)
    (0.9225, 0.9225000143)
    """
    return round(value, SHARE_DECIMALS) if is_share(metric) else value
