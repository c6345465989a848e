"""How every model of the benchmark is trained and evaluated; the networks live in their own files.

`Classifier` takes its minibatches in chunks, because Lightning's loop costs 0.35 ms per call of
`training_step`, more than a step of logistic regression. It therefore optimizes manually, in the
order of a plain PyTorch loop, and gives that loop's bits.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from benchmark.metrics import SPLITS
from benchmark.models.randomness import StepRandomness
from benchmark.models.watching import StepWatcher, Watchers
from benchmark.plain_text import error_line
from benchmark.spec import UsageError
from optimizers.base import PaperOptimizer
from optimizers.contract import (
    differentiates_gradients,
    switch_to_evaluation,
    switch_to_training,
    takes_closure,
)


class ClosureNotCalledError(RuntimeError):
    """An optimizer took a step without the loss and the gradients that its closure computes."""

    def __init__(self, optimizer: Optimizer, error: Exception | None = None) -> None:
        cause = f"{error_line(error, 150)}; " if error else ""
        super().__init__(
            f"{cause}{type(optimizer).__name__}.step takes a closure and did not call it, so there "
            "are no gradients: begin it with loss = closure(), or let step take no closure; "
            "one that needs gradients before it calls the closure is given as NAME:gradients=first "
            "(README, Your own optimizer)"
        )


@dataclass(frozen=True, kw_only=True)
class StepCall:
    """How a step is called, where that cannot be told from the optimizer.

    Args:
        create_graph: Whether gradients keep their graph; None to tell from the optimizer.
        gradients_first: Whether gradients are there before a step that takes a closure.
    """

    create_graph: bool | None = None
    gradients_first: bool = False


OptimizerFactory = Callable[[Iterable[tuple[str, nn.Parameter]]], Optimizer]
Batch = tuple[Any, Tensor]  # inputs (batch, …) or a bag of words, targets (batch,)

# What a step raises that finds no gradients: they are None, or an empty list of them is reduced.
_OF_MISSING_GRADIENTS = (
    *(TypeError, AttributeError, RuntimeError, ValueError),
    *(LookupError, AssertionError, ZeroDivisionError),
)


class Classifier(LightningModule):
    """Trains a network on mean cross-entropy with an optimizer that comes from outside.

    A model is a subclass with `build`, or any network class given to `classifier_of`.

    Args:
        input_shape: Of one example: (features,) or (channels, height, width).
        num_classes: Number of classes.
        optimizer: Factory: takes pairs of name and parameter, as `torch.optim.Optimizer` does, and
            returns one.
        lr_factor: Multiplies every learning rate at step t = 1, 2, …; None leaves them alone.
        l2: Coefficient λ of a penalty λ/2·‖w‖² on weights, not on biases; part of the training
            loss, not of the evaluated one.
        dropout: Whether the model's own dropout is on.
        dropout_seed: Of the dropout masks.

    Attributes:
        steps: How many were taken.
        watchers: Look into single steps; they leave every bit of the training as it is.
        step_call: How a step is called.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        optimizer: OptimizerFactory,
        lr_factor: Callable[[int], float] | None = None,
        l2: float = 0.0,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = self.build(input_shape, num_classes, dropout, dropout_seed)
        self.steps = 0
        self.watchers: list[StepWatcher] = []
        self.step_call = StepCall()
        self._factory = optimizer
        self._lr_factor = lr_factor
        self._l2 = l2
        self._base_lrs: list[Any] = []
        self._takes_closure = True
        self._create_graph = False
        self._randomness: StepRandomness | None = None
        self._mixed = False
        self._scaler: Any = None
        self._convert: Callable[[Any], Any] | None = None
        # In a tuple, so that they are no submodules: `bf16-true` would round what they add up.
        self._metrics = tuple(_metrics(num_classes) for _ in SPLITS)

    def build(
        self, input_shape: tuple[int, ...], num_classes: int, dropout: bool, dropout_seed: int
    ) -> nn.Module:
        """Return the network: it maps a batch of inputs to logits of shape (batch, classes)."""
        raise NotImplementedError

    def forward(self, inputs: Any) -> Tensor:
        """Return logits of shape (batch, classes)."""
        return cast(Tensor, self.network(inputs))

    def configure_optimizers(self) -> Optimizer:
        """Build the optimizer of this trial over the network's parameters."""
        optimizer = self._factory(list(self.network.named_parameters()))
        self._base_lrs = [group.get("lr") for group in optimizer.param_groups]
        self._takes_closure = takes_closure(optimizer)
        asked = self.step_call.create_graph
        self._create_graph = differentiates_gradients(optimizer) if asked is None else asked
        # The suite's own call their closure once: they need not pay for what a second call takes.
        if self._takes_closure and not isinstance(optimizer, PaperOptimizer):
            self._randomness = StepRandomness(self.network, self.device)
        self._mixed = "mixed" in str(self.trainer.precision)
        plugin = self.trainer.precision_plugin
        self._scaler = getattr(plugin, "scaler", None)
        # Lightning converts what the loader yields, which is a chunk and not its batches.
        if str(self.trainer.precision) in ("64-true", "bf16-true", "16-true"):
            self._convert = plugin.convert_input
        return optimizer

    @property
    def scales_gradients(self) -> bool:
        """Whether a scaler multiplies the loss, and undoes that before the optimizer's step."""
        return self._scaler is not None

    def loss(self, inputs: Any, targets: Tensor) -> Tensor:
        """Return the training loss of one batch: mean cross-entropy and the penalty."""
        loss = functional.cross_entropy(self.network(inputs), targets)
        if self._l2:
            weights = (p for p in self.network.parameters() if p.ndim > 1)
            loss = loss + 0.5 * self._l2 * sum(w.square().sum() for w in weights)
        return loss

    def training_step(self, batch: Batch | Iterable[Batch], batch_idx: int) -> dict[str, Tensor]:
        """Take one step for each batch of a chunk; one batch counts as a chunk of one.

        Returns:
            ``losses``: the training loss before each step, shape (steps,), and ``loss``, the last.
        """
        optimizer = cast(Optimizer, self.optimizers(use_pl_optimizer=False))
        losses: list[Tensor] = []
        switch_to_training(optimizer)
        with self._autocast_off():
            for inputs, targets in [batch] if isinstance(batch, (tuple, list)) else batch:
                if self._convert is not None:
                    inputs = self._convert(inputs)
                self.steps += 1
                self._schedule(optimizer)
                self._step(optimizer, inputs, targets, losses)
        return {"losses": torch.stack(losses), "loss": losses[-1]}

    def _step(
        self, optimizer: Optimizer, inputs: Any, targets: Tensor, losses: list[Tensor]
    ) -> None:
        watchers = Watchers(self.watchers, self.steps)
        closure = _Closure(self, optimizer, watchers, lambda: self._evaluate_loss(inputs, targets))
        optimizer.zero_grad()  # no step is to meet the gradients of the one before
        if self._randomness is not None:
            self._randomness.step_starts()
        watchers.step_starts()
        if self.step_call.gradients_first or not self._takes_closure:
            closure()
        try:
            self._call_step(optimizer, closure)
        except NotImplementedError:
            raise  # a RuntimeError, but not for want of gradients
        except _OF_MISSING_GRADIENTS as error:
            if not closure.is_called:
                raise ClosureNotCalledError(optimizer, error) from error
            raise
        if closure.first is None:
            raise ClosureNotCalledError(optimizer)
        losses.append(closure.first)
        watchers.step_ends()
        if self._create_graph:
            _drop_graph(optimizer)

    def _evaluate_loss(self, inputs: Any, targets: Tensor) -> Tensor:
        with torch.enable_grad():  # a step under no_grad that forgets to may call it too
            with self._autocast_on():
                loss = self.loss(inputs, targets)
            self._backward(loss)
        return loss

    def drawing_again(self) -> AbstractContextManager[None]:
        """Return a block in which the step's first random numbers are drawn again."""
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
                self.manual_backward(loss, create_graph=True)
        elif self._scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.manual_backward(loss)

    def _schedule(self, optimizer: Optimizer) -> None:
        if self._lr_factor is None:
            return
        factor = self._lr_factor(self.steps)
        for group, lr in zip(optimizer.param_groups, self._base_lrs, strict=True):
            group["lr"] = lr * factor

    def _autocast_off(self) -> AbstractContextManager[None]:
        # Lightning opens autocast around the whole chunk: optimizers must not run in it, and its
        # cache of cast weights would outlive the step that changed them.
        if not self._mixed:
            return nullcontext()
        return torch.autocast(self.device.type, enabled=False)

    def _autocast_on(self) -> AbstractContextManager[None]:
        if not self._mixed:
            return nullcontext()
        torch.clear_autocast_cache()
        return cast(AbstractContextManager[None], self.trainer.precision_plugin.forward_context())

    def on_train_end(self) -> None:
        """Leave the weights that the optimizer is to be judged at."""
        self._switch_to_evaluation()

    def _switch_to_evaluation(self) -> None:
        # There is none before the first step: an evaluation there is of the initial weights.
        for optimizer in self.trainer.optimizers:
            switch_to_evaluation(optimizer)

    def on_validation_start(self) -> None:
        """Take the weights that are judged to the network, and the metrics to where it is."""
        self._switch_to_evaluation()
        for metrics in self._metrics:
            metrics.to(self.device)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 1) -> None:
        """Add one batch of a split, by its place in `SPLITS`, to that split's metrics."""
        self._evaluate(batch, self._metrics[dataloader_idx])

    def _evaluate(self, batch: Batch, metrics: MetricCollection) -> None:
        inputs, targets = batch
        logits = self.network(inputs).float()
        # One value per example: torchmetrics 1.9 drops weights where it does not look for NaN.
        metrics["loss"].update(functional.cross_entropy(logits, targets, reduction="none"))
        metrics["accuracy"].update(logits, targets)

    def read_metrics(self) -> Iterator[tuple[str, float]]:
        """Yield ``val/loss`` and the like for every split evaluated since the last call."""
        for split, metrics in zip(SPLITS, self._metrics, strict=True):
            if metrics["accuracy"].update_called:
                yield from ((f"{split}/{name}", float(v)) for name, v in metrics.compute().items())
                metrics.reset()


def classifier_of(network: type[nn.Module]) -> type[Classifier]:
    """Return a model that trains `network`, built as ``network(input_shape, num_classes)``."""

    class Wrapped(Classifier):
        def build(
            self, input_shape: tuple[int, ...], num_classes: int, dropout: bool, dropout_seed: int
        ) -> nn.Module:
            if dropout:
                raise UsageError(f"{network.__name__} has dropout of its own: leave --dropout out")
            return network(input_shape, num_classes)

    Wrapped.__name__ = Wrapped.__qualname__ = network.__name__
    return Wrapped


def _metrics(num_classes: int) -> MetricCollection:
    accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
    return MetricCollection(
        {"loss": MeanMetric(nan_strategy="disable"), "accuracy": accuracy}, compute_groups=False
    )


class _Closure:
    """Evaluates one batch's loss and gradients, as often as the step asks.

    Attributes:
        is_called: Whether it was.
        first: The loss of the first evaluation.
    """

    def __init__(
        self,
        model: Classifier,
        optimizer: Optimizer,
        watchers: Watchers,
        evaluate: Callable[[], Tensor],
    ) -> None:
        self.is_called = False
        self.first: Tensor | None = None
        self._model, self._optimizer = model, optimizer
        self._watchers, self._evaluate = watchers, evaluate

    def __call__(self) -> Tensor:
        """Return the loss, with gradients in place of those that were there."""
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
    """Free the graph of the step that is over: gradients and parameters keep each other alive."""
    for group in optimizer.param_groups:
        for param in group["params"]:
            if param.grad is not None:
                param.grad = param.grad.detach()


@contextmanager
def _no_word_of_cycles() -> Iterator[None]:
    """Silence torch's warning of the cycle that `_drop_graph` breaks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using backward\\(\\) with create_graph=True")
        yield
