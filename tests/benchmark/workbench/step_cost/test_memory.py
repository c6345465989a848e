import pytest
import torch

from benchmark.workbench.step_cost.memory import free_bytes, measure_memory, rule_bytes
from benchmark.workbench.step_cost.shapes import SHAPES, Shape
from benchmark.workbench.step_cost.tensors import Tensors
from optimizers.grammar import parse

CPU = torch.device("cpu")
SMALL = SHAPES["small60"]
ONE = Shape(name="one", summary="", make=lambda: [torch.empty(100, 10, device="meta")])


def memory_of(text, shape=SMALL):
    [spec] = parse(text)
    return measure_memory(spec.build, Tensors(shape, CPU))


@pytest.mark.parametrize(
    ("text", "per_param", "per_tensor"),
    [
        ("sgd", 0, 0),
        ("momentum", 4, 0),
        ("torch.optim.SGD:momentum=0.9", 4, 0),
        ("rmsprop", 4, 4),
        ("adadelta", 8, 4),
        ("adam", 8, 4),
        ("torch.optim.Adam", 8, 4),
        ("torch.optim.Adam:amsgrad=true", 12, 4),
    ],
)
def test_state_is_counted_to_the_byte(text, per_param, per_tensor):
    memory = memory_of(text)
    assert memory.state == per_param * 124_800 + per_tensor * 60
    assert memory.state <= memory.kept <= memory.peak


def test_what_torchs_loop_needs_for_a_moment_counts_in_the_peak():
    memory = memory_of("torch.optim.Adam", ONE)
    assert memory.kept == memory.state
    assert memory.peak - memory.kept >= 4 * 1000  # the root, at least


def test_a_buffer_outside_the_state_counts_in_what_is_kept():
    memory = memory_of("tests.plugins.steps.Nested", ONE)
    assert memory.state == memory.kept == 8 * 1000
    assert memory.peak == memory.kept + 12 * 1000
    with pytest.warns(UserWarning, match="packs nothing"):
        memory = memory_of("tests.plugins.steps.Executed:execution=packed", ONE)
    assert memory.state == 0
    assert memory.kept == 40 * 1000


def test_parameters_that_moved_into_a_buffer_are_not_counted_twice():
    memory = memory_of("tests.plugins.steps.Packed")
    assert memory.kept == 0
    assert memory.peak < 1000


@pytest.mark.parametrize(
    ("text", "per_param"),
    [
        ("sgd", 12),
        ("momentum", 20),
        ("rmsprop", 20),
        ("rmsprop:centered=true:momentum=0.9", 36),
        ("adagrad", 20),
        ("adadelta", 28),
        ("adam", 28),
        ("torch.optim.Adam:amsgrad=true", 36),
    ],
)
def test_bytes_that_a_rule_must_move(text, per_param):
    [spec] = parse(text)
    params = Tensors(ONE, CPU).params()
    optimizer = spec.build(params)
    optimizer.step()
    assert rule_bytes(params, optimizer) == per_param * 1000


def test_memory_is_measured_without_a_word_on_the_screen(capfd):
    memory_of("adam", ONE)
    streams = capfd.readouterr()
    assert streams.out == streams.err == ""


def test_the_machine_has_some_memory():
    free = free_bytes(CPU)
    assert free is None or free > 2**20
