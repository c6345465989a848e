"""The table of shapes, the parameter tensors that optimizers are timed on; torch loads lazily."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from benchmark.models.registry import MODELS, ModelRow
from datamodules.registry import DATASETS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A set of parameter tensors.

    Args:
        name: Name for ``--shapes`` and in tables.
        summary: Description of a model with such parameters.
        make: Returns the tensors on the meta device, with sizes and memory layout but no data.
    """

    name: str
    summary: str
    make: Callable[[], "list[Tensor]"]


def _plain(sizes: Sequence[tuple[int, ...]]) -> "list[Tensor]":
    import torch

    return [torch.empty(size, device="meta") for size in sizes]


def _of_model(row: ModelRow) -> Shape:
    dataset = DATASETS[row.dataset]

    def make() -> "list[Tensor]":
        import torch

        cls = resolve_name(row.target)
        shape = dataset.input_shape
        size = math.prod(shape) if cls.takes_pixels else dataset.targets.size
        with torch.device("meta"):
            model = cls(shape, size, optimizer=torch.optim.SGD)
        return [parameter.detach() for parameter in model.network.parameters()]

    return Shape(name=row.name, summary=f"{row.summary}, on {dataset.title}", make=make)


def _resnet50() -> "list[Tensor]":
    import torch
    from torchvision.models import resnet50

    with torch.device("meta"):
        return [parameter.detach() for parameter in resnet50().parameters()]


def _gpt2() -> "list[Tensor]":
    """Return GPT-2's tensors, with tied embeddings (Radford et al., 2019, table 2, smallest)."""
    width, num_layers, vocabulary, context = 768, 12, 50257, 1024
    norm: list[tuple[int, ...]] = [(width,), (width,)]
    attention = [(width, 3 * width), (3 * width,), (width, width), (width,)]
    perceptron = [(width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    block = [*norm, *attention, *norm, *perceptron]
    return _plain([(vocabulary, width), (context, width), *(num_layers * block), *norm])


_ROWS = (
    *map(_of_model, MODELS.values()),
    Shape(
        name="small60",
        summary="30 layers of 64×64 with biases: 60 small tensors",
        make=lambda: _plain(30 * [(64, 64), (64,)]),
    ),
    Shape(name="one4m", summary="one tensor of 2048×2048", make=lambda: _plain([(2048, 2048)])),
    Shape(name="resnet50", summary="ResNet-50: 161 tensors", make=_resnet50),
    Shape(name="gpt2", summary="GPT-2 small: 148 tensors, 124 M parameters", make=_gpt2),
    Shape(
        name="large32",
        summary="32 tensors of 2048×2048, 134 M parameters: for a GPU",
        make=lambda: _plain(32 * [(2048, 2048)]),
    ),
)

SHAPES = {row.name: row for row in _ROWS}
_MODELS = (name for name, row in MODELS.items() if not row.variant_of)
EVERYDAY = (*_MODELS, "small60", "one4m")  # each takes seconds and little memory
