"""Repetition of random numbers, so that all evaluations of the loss in one step draw the same.

A step may evaluate the loss several times, for example in a line search. All evaluations must be
of the same function, without new dropout masks each time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmark.models.drawing import Drawing


@dataclass(frozen=True, kw_only=True)
class _States:
    cpu: Tensor
    device: Tensor | None
    layers: list[Tensor | None]
    generators: list[Tensor]


class StepRandomness:
    """The random state at the start of a step: torch's global state and that of the network.

    Args:
        network: The network. Its state is that of its `Drawing` layers, such as `Dropout`, and of
            its attributes that are a `torch.Generator`.
        device: Device of the network.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        modules = list(network.modules())
        self._on_gpu = device.type == "cuda"
        self._layers = [module for module in modules if isinstance(module, Drawing)]
        self._generators = [
            value
            for module in modules
            if not isinstance(module, Drawing)
            for value in vars(module).values()
            if isinstance(value, torch.Generator)
        ]
        self._first = self._states()

    def step_starts(self) -> None:
        """Save the state."""
        self._first = self._states()

    @contextmanager
    def again(self) -> Iterator[None]:
        """Draw the step's first random numbers again in the block, and then restore the state."""
        now = self._states()
        self._set(self._first)
        try:
            yield
        finally:
            self._set(now)

    def _states(self) -> _States:
        return _States(
            cpu=torch.get_rng_state(),
            device=torch.cuda.get_rng_state() if self._on_gpu else None,
            layers=[layer.random_state() for layer in self._layers],
            generators=[generator.get_state() for generator in self._generators],
        )

    def _set(self, states: _States) -> None:
        torch.set_rng_state(states.cpu)
        if states.device is not None:
            torch.cuda.set_rng_state(states.device)
        for layer, state in zip(self._layers, states.layers, strict=True):
            layer.set_random_state(state)
        for generator, now in zip(self._generators, states.generators, strict=True):
            generator.set_state(now)
