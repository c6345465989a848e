"""The table of tasks: each measures the metrics that it names."""

from pkgutil import resolve_name

import pytest

from benchmark.metrics import LOSS, METRICS
from benchmark.models.registry import MODELS
from benchmark.plugins import check_fit, data_module_class, prepare_data, task_class
from benchmark.request import _fits
from benchmark.tasks.registry import TASKS
from datamodules.registry import DATASETS

SIZE = 3


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_meter_for_each_of_its_metrics(name):
    task = task_class(name)
    assert set(task(SIZE).meters()) == {metric.name for metric in task.metrics}
    assert task.metrics[0] is LOSS
    assert hasattr(task, "stacked_loss") == TASKS[name].can_stack
    assert all(METRICS[metric.name] is metric for metric in task.metrics)


@pytest.mark.parametrize("row", MODELS.values(), ids=list(MODELS))
def test_a_model_names_the_task_that_it_brings_to_any_data(row):
    model = resolve_name(row.target)
    brings = model.task_class is not task_class(DATASETS[row.dataset].targets.task)
    assert brings == bool(row.task)
    assert model.task_class is task_class(row.task or DATASETS[row.dataset].targets.task)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_measures_its_metrics_on_an_embedded_data_set(name):
    task = task_class(name)
    embedded = [row for row in DATASETS.values() if row.embedded and not row.sparse]
    found = [
        (row, model)
        for row in embedded
        for model in MODELS.values()
        if _fits(model, row) and _learnt(row, model) is task
    ]
    assert found, f"expected an embedded data set for {name}"
    for row, model in found:
        if row is found[0][0]:
            check_fit(model.name, prepare_data(row.name, None, None), dropout=False)


def _learnt(row, model):
    own = resolve_name(model.target)
    return own.task_class if own.takes_pixels else task_class(data_module_class(row.name).task)
