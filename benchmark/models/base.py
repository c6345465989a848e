"""Training and evaluation of every network; networks and tasks are in their own files.

`Model` takes its minibatches in chunks, because Lightning's loop costs 0.35 ms per call of
`training_step`, more than a step of logistic regression. It therefore uses manual optimization, in
the order of a plain PyTorch loop, and its results agree with such a loop bit by bit.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.errors import ClosureNotCalledError, UsageError
from benchmark.metrics import LOSS, SPLITS
from benchmark.models.randomness import StepRandomness
from benchmark.models.watching import StepWatcher, Watchers
from benchmark.tasks.base import Batch, Meters, Task
from benchmark.tasks.classification import Classification
from optimizers.base import PaperOptimizer
from optimizers.contract import (
    differentiates_gradients,
    switch_to_evaluation,
    switch_to_training,
    takes_closure,
)
from optimizers.schedules import BaseRates


@dataclass(frozen=True, kw_only=True)
class StepCall:
    """Settings for the call of an optimizer's step that cannot always be detected.

    Args:
        create_graph: Keep the graph of the gradients; None to detect this from the optimizer.
        gradients_first: Compute gradients before a step that takes a closure.
    """

    create_graph: bool | None = None
    gradients_first: bool = False


OptimizerFactory = Callable[[Iterable[tuple[str, nn.Parameter]]], Optimizer]

# Messages of a step without gradients: it uses None, or reduces an empty list of gradients.
_OF_MISSING_GRADIENTS = (
    *(TypeError, AttributeError, RuntimeError, ValueError),
    *(LookupError, AssertionError, ZeroDivisionError),
)


class Model(LightningModule):
    """A LightningModule that trains a network on a task with a given optimizer.

    Args:
        network: The network to train.
        task: The task, which gives loss and metrics.
        optimizer: Factory of the optimizer. It takes pairs of name and parameter, as
            `torch.optim.Optimizer` does.
        lr_factor: Function of the step t = 1, 2, …: a factor for all learning rates; None for
            constant learning rates.
        l2: Coefficient λ of a penalty λ/2·‖w‖² on weights, not on biases. The penalty is part of
            the training loss, not of the evaluated loss.

    Attributes:
        steps: Number of steps taken.
        watchers: Observers of single steps; they do not change the training in any bit.
        step_call: Settings for the call of a step.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        *,
        optimizer: OptimizerFactory,
        lr_factor: Callable[[int], float] | None = None,
        l2: float = 0.0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.task = task
        self.steps = 0
        self.watchers: list[StepWatcher] = []
        self.step_call = StepCall()
        self._factory = optimizer
        self._lr_factor = lr_factor
        self._l2 = l2
        self._base_rates = BaseRates([])
        self._takes_closure = True
        self._create_graph = False
        self._randomness: StepRandomness | None = None
        self._mixed = False
        self._scaler: Any = None
        self._convert: Callable[[Any], Any] | None = None

    @cached_property
    def _meters(self) -> tuple[Meters, ...]:
        # A tuple keeps the meters from being submodules: `bf16-true` would round their sums.
        return tuple(self.task.meters() for _ in SPLITS)

    def forward(self, inputs: Any) -> Tensor:
        """Return the network's outputs for a batch of inputs."""
        return cast(Tensor, self.network(inputs))

    def configure_optimizers(self) -> Optimizer:
        """Build the optimizer of this trial over the network's parameters."""
        optimizer = self.build_optimizer()
        self._mixed = "mixed" in str(self.trainer.precision)
        plugin = self.trainer.precision_plugin
        self._scaler = getattr(plugin, "scaler", None)
        # Lightning converts the chunk that the loader yields, but not the batches in it.
        if str(self.trainer.precision) in ("64-true", "bf16-true", "16-true"):
            self._convert = plugin.convert_input
        return optimizer

    def build_optimizer(self) -> Optimizer:
        """Build the optimizer, and find what its step needs; there may be no Trainer."""
        optimizer = self._factory(list(self.network.named_parameters()))
        self._base_rates = BaseRates(optimizer.param_groups)
        self._takes_closure = takes_closure(optimizer)
        asked = self.step_call.create_graph
        self._create_graph = differentiates_gradients(optimizer) if asked is None else asked
        # The suite's own optimizers call their closure once, so they need no replay of randomness.
        if self._takes_closure and not isinstance(optimizer, PaperOptimizer):
            self._randomness = StepRandomness(self.network, self.device)
        return optimizer

    @property
    def is_scheduled(self) -> bool:
        """True if the learning rates depend on the step."""
        return self._lr_factor is not None

    @property
    def l2(self) -> float:
        """Coefficient λ of the penalty on weights."""
        return self._l2

    @property
    def scales_gradients(self) -> bool:
        """True if a scaler multiplies the loss, and undoes that before the optimizer's step."""
        return self._scaler is not None

    def loss(self, *batch: Any) -> Tensor:
        """Return the training loss of one batch, such as (inputs, targets), with the penalty."""
        loss = self.task.loss(self.network, batch)
        if self._l2:
            weights = (p for p in self.network.parameters() if p.ndim > 1)
            loss = loss + 0.5 * self._l2 * sum(w.square().sum() for w in weights)
        return loss

    def training_step(self, batch: Batch | Iterable[Batch], batch_idx: int) -> dict[str, Tensor]:
        """Take one step for each batch of a chunk; a single batch counts as a chunk of one.

        Returns:
            ``losses``, the training loss before each step, shape (steps,), and ``loss``, the last.
        """
        optimizer = cast(Optimizer, self.optimizers(use_pl_optimizer=False))
        losses: list[Tensor] = []
        switch_to_training(optimizer)
        with self._autocast_off():
            for each in [batch] if isinstance(batch, (tuple, list)) else batch:
                converted = self._convert(each) if self._convert else each
                losses.append(self.take_step(optimizer, converted))
        return {"losses": torch.stack(losses), "loss": losses[-1]}

    def take_step(self, optimizer: Optimizer, batch: Batch) -> Tensor:
        """Take one step on a batch, and return the training loss before it."""
        self.steps += 1
        self.schedule(optimizer)
        watchers = Watchers(self.watchers, self.steps)
        closure = _Closure(self, optimizer, watchers, lambda: self._evaluate_loss(batch))
        optimizer.zero_grad()  # no step may use the gradients of the step before
        if self._randomness is not None:
            self._randomness.step_starts()
        watchers.step_starts()
        if self.step_call.gradients_first or not self._takes_closure:
            closure()
        try:
            self._call_step(optimizer, closure)
        except NotImplementedError:
            raise  # a RuntimeError for another reason than missing gradients
        except _OF_MISSING_GRADIENTS as error:
            if not closure.is_called:
                raise ClosureNotCalledError(optimizer, error) from error
            raise
        if closure.first is None:
            raise ClosureNotCalledError(optimizer)
        watchers.step_ends()
        if self._create_graph:
            _drop_graph(optimizer)
        return closure.first

    def _evaluate_loss(self, batch: Batch) -> Tensor:
        with (
            torch.enable_grad()
        ):  # a step under no_grad may call the closure without enabling gradients
            with self._autocast_on():
                loss = self.loss(*batch)
            self._backward(loss)
        return loss

    def drawing_again(self) -> AbstractContextManager[None]:
        """Return a context in which the random numbers of the step are drawn again."""
        return self._randomness.again() if self._randomness else nullcontext()

    def _call_step(self, optimizer: Optimizer, closure: Callable[[], Tensor]) -> None:
        if self._scaler is not None:
            lightning_optimizer = cast(Any, self.optimizers())
            lightning_optimizer.step(closure)
        elif self._takes_closure:
            optimizer.step(closure)  # type: ignore[arg-type]  # torch types the loss as a float
        else:
            optimizer.step()

    def _backward(self, loss: Tensor) -> None:
        if self._create_graph:
            with _no_word_of_cycles():
                self._backward_with_graph(loss)
        elif self._scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.manual_backward(loss)

    def _backward_with_graph(self, loss: Tensor) -> None:
        if self._scaler is None:
            loss.backward(create_graph=True)  # type: ignore[no-untyped-call]
        else:
            self.manual_backward(loss, create_graph=True)

    def schedule(self, optimizer: Optimizer) -> None:
        """Set the learning rates of the present step."""
        if self._lr_factor is not None:
            self._base_rates.scale(optimizer.param_groups, self._lr_factor(self.steps))

    def _autocast_off(self) -> AbstractContextManager[None]:
        # Lightning opens autocast around the whole chunk. But optimizers must not run in it, and
        # its cache of cast weights would outlive the step that changed the weights.
        if not self._mixed:
            return nullcontext()
        return torch.autocast(self.device.type, enabled=False)

    def _autocast_on(self) -> AbstractContextManager[None]:
        if not self._mixed:
            return nullcontext()
        torch.clear_autocast_cache()
        return cast(AbstractContextManager[None], self.trainer.precision_plugin.forward_context())

    def on_train_end(self) -> None:
        """Leave the network with the weights at which the optimizer is to be evaluated."""
        self._switch_to_evaluation()

    def _switch_to_evaluation(self) -> None:
        # Before the first step there is no optimizer, so the initial weights are evaluated.
        for optimizer in self.trainer.optimizers:
            switch_to_evaluation(optimizer)

    def on_validation_start(self) -> None:
        """Put the weights to evaluate into the network, and move the meters to its device."""
        self._switch_to_evaluation()
        for meters in self._meters:
            meters.to(self.device)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 1) -> None:
        """Add one batch to the meters of its split; `dataloader_idx` is an index into `SPLITS`."""
        self.task.evaluate(self.network, batch, self._meters[dataloader_idx])

    def read_metrics(self) -> Iterator[tuple[str, float]]:
        """Yield name and value of the metrics of every split evaluated since the last call."""
        for split, meters in zip(SPLITS, self._meters, strict=True):
            if meters[LOSS.name].update_called:
                yield from ((f"{split}/{name}", float(v)) for name, v in meters.compute().items())
                meters.reset()


class TaskModel(Model):
    """A model whose class names its network and its task.

    A subclass defines `network_class` or `build`, and may define a loss of its own.

    Attributes:
        takes_pixels: Images of any data set are learnt as grey values in [0, 1], without their
            targets: the task is that of the model.

    Args:
        input_shape: Shape of one example, such as (features,) or (channels, height, width).
        size: Argument for the task, such as the number of classes.
        dropout: Switch the network's dropout on.
        dropout_seed: Seed of the dropout masks.
        optimizer: See `Model`.
        lr_factor: See `Model`.
        l2: See `Model`.
    """

    task_class: ClassVar[type[Task]]
    network_class: ClassVar[type[nn.Module]]
    takes_pixels: ClassVar[bool] = False

    def __init__(
        self,
        input_shape: tuple[int, ...],
        size: int,
        *,
        optimizer: OptimizerFactory,
        lr_factor: Callable[[int], float] | None = None,
        l2: float = 0.0,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        task = self.task_class(size)
        network = self.build(input_shape, task.num_outputs, dropout, dropout_seed)
        super().__init__(network, task, optimizer=optimizer, lr_factor=lr_factor, l2=l2)

    def build(
        self, input_shape: tuple[int, ...], num_outputs: int, dropout: bool, dropout_seed: int
    ) -> nn.Module:
        """Return the network, with `num_outputs` for each example.

        Raises:
            UsageError: dropout is on, but the network does not take `dropout` and `dropout_seed`.
        """
        cls: Any = self.network_class
        if {"dropout", "dropout_seed"} <= inspect.signature(cls).parameters.keys():
            network = cls(input_shape, num_outputs, dropout=dropout, dropout_seed=dropout_seed)
        elif dropout:
            raise UsageError(f"{cls.__name__} has dropout of its own: leave --dropout out")
        else:
            network = cls(input_shape, num_outputs)
        return cast(nn.Module, network)


class Classifier(TaskModel):
    """A model that learns classes; its `size` is their number."""

    task_class = Classification


def model_of(network: type[nn.Module], task: type[Task]) -> type[TaskModel]:
    """Return a model that trains `network`, built as ``network(input_shape, num_outputs)``."""
    attributes = {"network_class": network, "task_class": task}
    return type(network.__name__, (TaskModel,), attributes)


class _Closure:
    """The closure of a step: it evaluates loss and gradients of one batch at every call.

    Attributes:
        is_called: True after the first call.
        first: The loss of the first call.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        watchers: Watchers,
        evaluate: Callable[[], Tensor],
    ) -> None:
        self.is_called = False
        self.first: Tensor | None = None
        self._model, self._optimizer = model, optimizer
        self._watchers, self._evaluate = watchers, evaluate

    def __call__(self) -> Tensor:
        """Return the loss, and replace the gradients by those of this evaluation."""
        self._watchers.closure_starts()
        if not self.is_called:
            self.is_called = True
            loss = self._evaluate()
            self.first = loss.detach()
        else:
            self._optimizer.zero_grad()
            with self._model.drawing_again():
                loss = self._evaluate()
        self._watchers.closure_ends()
        return loss


def _drop_graph(optimizer: Optimizer) -> None:
    """Free the graph of an ended step, in which gradients and parameters keep each other alive."""
    for group in optimizer.param_groups:
        for param in group["params"]:
            if param.grad is not None:
                param.grad = param.grad.detach()


@contextmanager
def _no_word_of_cycles() -> Iterator[None]:
    """Silence torch's warning about the reference cycle that `_drop_graph` breaks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using backward\\(\\) with create_graph=True")
        yield
