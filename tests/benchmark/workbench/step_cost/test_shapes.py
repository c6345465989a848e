import pytest

from benchmark.workbench.step_cost.shapes import EVERYDAY, SHAPES


@pytest.mark.parametrize(
    ("name", "num_tensors", "num_params"),
    [
        ("logreg", 2, 7_850),
        ("mlp", 6, 1_796_010),
        ("cnn", 10, 4_800 + 64 + 102_400 + 64 + 204_800 + 128 + 2_048_000 + 1_000 + 10_010),
        ("image", 8, 3 * (128 * 128 + 128) + 128 * 3 + 3),
        ("regression", 4, 10 * 100 + 100 + 100 + 1),
        ("charlm", 30, 116_576),
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


def test_every_shape_is_tested_here_and_everyday_ones_exist():
    [mark] = test_a_shape_has_the_tensors_of_its_model.pytestmark
    assert {row[0] for row in mark.args[1]} == set(SHAPES)
    assert set(EVERYDAY) <= set(SHAPES)


def test_a_shape_keeps_the_layout_that_its_model_has_in_memory():
    filters = [tensor for tensor in SHAPES["cnn"].make() if tensor.ndim == 4]
    assert filters
    assert not any(tensor.is_contiguous() for tensor in filters)
