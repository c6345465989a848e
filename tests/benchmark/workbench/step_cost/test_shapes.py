import math

import pytest

from benchmark.models.registry import MODELS
from benchmark.plugins import data_module_class, model_class, task_class
from benchmark.workbench.step_cost.shapes import EVERYDAY, SHAPES
from datamodules.registry import DATASETS


@pytest.mark.parametrize(
    ("name", "num_tensors", "num_params"),
    [
        ("logreg", 2, 7_850),
        ("mlp", 6, 1_796_010),
        ("cnn", 10, 4_800 + 64 + 102_400 + 64 + 204_800 + 128 + 2_048_000 + 1_000 + 10_010),
        ("image", 8, 3 * (128 * 128 + 128) + 128 * 3 + 3),
        ("regression", 4, 10 * 100 + 100 + 100 + 1),
        ("charlm", 30, 116_576),
        ("vae", 10, 2 * 784 * 500 + 500 + 784 + 2 * (500 * 50 + 50) + 50 * 500 + 500),
        ("small60", 60, 124_800),
        ("one4m", 1, 4_194_304),
        ("resnet50", 161, 25_557_032),  # as torchvision documents it
        ("gpt2", 148, 124_439_808),  # as the published checkpoint has, with tied embeddings
        ("large32", 32, 134_217_728),
    ],
)
def test_a_shape_has_the_tensors_of_its_model(name, num_tensors, num_params):
    tensors = SHAPES[name].make()
    assert len(tensors) == num_tensors
    assert sum(tensor.numel() for tensor in tensors) == num_params
    assert all(tensor.is_meta for tensor in tensors)


@pytest.mark.parametrize("row", MODELS.values(), ids=list(MODELS))
def test_every_registered_model_has_the_shape_of_its_network_on_its_data(row):
    data, sizes = DATASETS[row.dataset], [tensor.shape for tensor in SHAPES[row.name].make()]
    model = model_class(row.name, task_class(data_module_class(row.dataset).task))
    size = math.prod(data.input_shape) if model.takes_pixels else data.targets.size
    built = model.network_class(data.input_shape, size, dropout=False, dropout_seed=0)
    assert sizes
    assert sizes == [parameter.shape for parameter in built.parameters()]


def test_every_shape_that_is_no_model_is_counted_above_and_everyday_ones_exist():
    [mark] = test_a_shape_has_the_tensors_of_its_model.pytestmark
    counted = {row[0] for row in mark.args[1]}
    assert SHAPES.keys() - MODELS.keys() <= counted <= SHAPES.keys()
    assert set(EVERYDAY) <= SHAPES.keys()


def test_a_shape_keeps_the_layout_that_its_model_has_in_memory():
    filters = [tensor for tensor in SHAPES["cnn"].make() if tensor.ndim == 4]
    assert filters
    assert not any(tensor.is_contiguous() for tensor in filters)
