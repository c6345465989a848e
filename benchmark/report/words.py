"""Metrics and their values as people say them, the same on the page, in figures and in texts."""

import math

NO_BREAK = "\u00a0"  # a space at which no line ends

_WORDS = {
    "val/accuracy": "validation accuracy",
    "val/loss": "validation loss",
    "test/accuracy": "test accuracy",
    "test/loss": "test loss",
    "train/accuracy": "training accuracy",
    "train/loss": "training loss",
    "train/running_loss": "running training loss",
}


def metric_words(metric: str) -> str:
    """Return what people call `metric`.

    >>> metric_words("val/loss")
    'validation loss'
    """
    return _WORDS.get(metric, metric)


def counted(number: int, noun: str) -> str:
    """Return `number` with its noun.

    >>> counted(1, "seed"), counted(2, "seed")
    ('1 seed', '2 seeds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def value_words(metric: str, value: float | None) -> str:
    """Return `value` as people read it: accuracies in per cent.

    >>> value_words("val/loss", 0.12345)
    '0.1235'
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value * 100:.2f}{NO_BREAK}%" if metric.endswith("accuracy") else f"{value:.4g}"
