"""The table of tasks: each measures the metrics that it names."""

import pytest

from benchmark.metrics import LOSS, METRICS
from benchmark.models.registry import MODELS
from benchmark.plugins import check_fit, data_module_class, prepare_data, task_class
from benchmark.tasks.registry import TASKS
from datamodules.registry import DATASETS

SIZE = 3


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_meter_for_each_of_its_metrics(name):
    task = task_class(name)
    assert set(task(SIZE).meters()) == {metric.name for metric in task.metrics}
    assert task.metrics[0] is LOSS
    assert (task.size_name, hasattr(task, "stacked_loss")) == (
        TASKS[name].size_name,
        TASKS[name].can_stack,
    )
    assert all(METRICS[metric.name] is metric for metric in task.metrics)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_measures_its_metrics_on_an_embedded_data_set(name):
    of_task = [
        row.name
        for row in DATASETS.values()
        if row.embedded
        and not row.sparse
        and task_class(data_module_class(row.name).task) is task_class(name)
    ]
    assert of_task, f"expected an embedded data set for {name}"
    data = prepare_data(of_task[0], None, None)
    is_text = DATASETS[of_task[0]].text
    for model in MODELS.values():
        if model.takes_text is is_text and (not model.takes_images or len(data.input_shape) == 3):
            check_fit(model.name, data, dropout=False)
