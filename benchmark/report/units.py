"""Values and axes in the units that they have on a problem: a loss has that of its task."""

from benchmark.metrics import NO_UNIT, Unit, metric_of
from benchmark.problems import unit_on
from benchmark.report.words import value_words, with_unit


def value_on(problem: str, metric: str, value: float | None) -> str:
    """Return a value with its unit on a problem.

    >>> value_on("mlp/mnist", "val/loss", 0.12345).split()
    ['0.1235', 'nats']
    """
    return value_words(metric, value, unit_on(metric, [problem]))


def task_unit(metric: str, problem: str) -> Unit:
    """Return the unit of a loss on a problem, which `value_words` does not know.

    >>> task_unit("val/loss", "mlp/mnist").sign, task_unit("val/accuracy", "mlp/mnist").sign
    ('nats', '')
    """
    return unit_on(metric, [problem]) if metric_of(metric).unit == NO_UNIT else NO_UNIT


def axis_words(metric: str, problem: str) -> str:
    """Return the words for an axis of values as they are recorded.

    >>> axis_words("val/loss", "mlp/mnist"), axis_words("val/accuracy", "mlp/mnist")
    ('validation loss, nats', 'validation accuracy')
    """
    unit = unit_on(metric, [problem])
    return with_unit(metric, unit if unit.factor == 1 else NO_UNIT)
