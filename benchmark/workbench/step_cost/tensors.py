"""The parameters and gradients of a shape on a device."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmark.workbench.step_cost.shapes import Shape


class Tensors:
    """Parameters and gradients of one shape, with the same values whenever they are made.

    Every gradient is a separate tensor, as autograd leaves them. All sets of parameters share the
    gradients, because no optimizer changes them.
    """

    def __init__(self, shape: Shape, device: torch.device) -> None:
        self.device = device
        self._like = shape.make()
        self._grads = self._random(seed=1, scale=0.01)

    @property
    def num_tensors(self) -> int:
        """Number of parameter tensors."""
        return len(self._like)

    @property
    def num_params(self) -> int:
        """Number of elements of all parameters."""
        return sum(tensor.numel() for tensor in self._like)

    @property
    def num_bytes(self) -> int:
        """Size of the parameters in bytes, which is also that of the gradients."""
        return sum(grad.nbytes for grad in self._grads)

    def params(self) -> list[nn.Parameter]:
        """Return new parameters with gradients."""
        params = [nn.Parameter(tensor) for tensor in self._random(seed=0, scale=0.1)]
        for param, grad in zip(params, self._grads, strict=True):
            param.grad = grad
        return params

    def copy(self, num_bytes: int) -> Callable[[], object]:
        """Return a function that copies memory: it reads half of `num_bytes` and writes half."""
        source, target = torch.zeros(2, max(1, num_bytes // 8), device=self.device)
        return lambda: target.copy_(source)

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _random(self, *, seed: int, scale: float) -> list[Tensor]:
        generator = torch.Generator(self.device).manual_seed(seed)
        made = [torch.empty_like(tensor, device=self.device) for tensor in self._like]
        return [tensor.normal_(std=scale, generator=generator) for tensor in made]
