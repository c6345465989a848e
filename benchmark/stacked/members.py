"""One trial of a pack: its model, its optimizer, and its callbacks."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from benchmark.callbacks.clock import Clock
from benchmark.callbacks.curves import CurveWriter
from benchmark.callbacks.divergence import Divergence
from benchmark.models.base import Model
from benchmark.record import Clocks, Cost, known
from benchmark.runner import weights_sha256
from benchmark.spec import Trial
from benchmark.stacked.steppers import RandomState
from optimizers.base import PaperOptimizer
from optimizers.registry import OPTIMIZERS
from optimizers.state import state_tensors


@dataclass
class Turn:
    """What the callbacks of a member see in place of the Trainer, which all members share."""

    optimizers: list[Optimizer]
    should_stop: bool = False


@dataclass(kw_only=True, eq=False)
class Member:
    """One trial of a pack.

    Args:
        trial: The trial.
        model: Its model; the parameters of its network are views of the stack.
        optimizer: Its optimizer.
        random: State of torch's generators after its network was built.
        curves, divergence: Its callbacks, as of a trial of its own.
    """

    trial: Trial
    model: Model
    optimizer: Optimizer
    random: RandomState
    curves: CurveWriter
    divergence: Divergence
    cost: Cost = field(default_factory=Cost)
    digest: str = ""
    has_ended: bool = False

    def __post_init__(self) -> None:
        self.turn: Any = Turn([self.optimizer])

    @property
    def is_stackable(self) -> bool:
        """True if the optimizer is a registered one: their rules step many rows together."""
        return self.trial.optimizer.name in OPTIMIZERS and isinstance(
            self.optimizer, PaperOptimizer
        )

    @property
    def kind(self) -> tuple[str, ...]:
        """What members must share for their optimizers to be one stack."""
        if not self.is_stackable:
            return ("", *_name(self.optimizer))
        return ("ours", *_name(self.optimizer), str(self.places))

    @property
    def form(self) -> str:
        """What members of a kind should share to be neighbours: they then move in one call."""
        names = sorted(self.optimizer.defaults)
        choices = [
            (n, bool(value))
            for n in names
            if not isinstance(value := self.optimizer.defaults[n], (tuple, list))
        ]
        return str(choices)

    @property
    def places(self) -> list[list[int]]:
        """The places of the network's parameters in each group of the optimizer."""
        order = {id(param): place for place, param in enumerate(self.model.network.parameters())}
        return [[order[id(p)] for p in group["params"]] for group in self.optimizer.param_groups]

    def chunk_ends(self, steps: int, losses: Tensor) -> None:
        """Pass the losses, (steps in the chunk,), to the callbacks."""
        self.model.steps = steps
        outputs = {"losses": losses}
        self.curves.on_train_batch_end(self.turn, self.model, outputs, None, 0)
        self.divergence.on_train_batch_end(self.turn, self.model, outputs, None, 0)

    def evaluation_ends(self, steps: int, values: dict[str, float]) -> None:
        """Pass the values of an evaluation to the callbacks."""
        self.model.steps = steps
        self.curves.evaluate(values, step=steps)
        self.divergence.on_validation_end(self.turn, self.model)

    def end(self) -> None:
        """Note the weights and the cost; nothing of the stack is used afterwards."""
        self.has_ended = True
        params = [param for group in self.optimizer.param_groups for param in group["params"]]
        self.cost = Cost(
            state_bytes=sum(tensor.nbytes for tensor in state_tensors(self.optimizer)),
            parameters=sum(param.numel() for param in params),
        )
        self.digest = weights_sha256(self.model.network)


class Share(Clock):
    """The clock of one of `size` trials: its share of the pack's time."""

    def __init__(self, pack: Clock, size: int) -> None:
        super().__init__(0.0)
        self._pack, self._size = pack, size

    def training_at(self, steps_ago: int) -> float:
        """Return the share of the seconds of training up to some steps ago."""
        return self._pack.training_at(steps_ago) / self._size

    def clocks(self) -> Clocks:
        """Return the shares of all clocks; the load is that of the process."""
        found = known(self._pack.clocks())
        return Clocks(**{k: v if k == "load" else v / self._size for k, v in found.items()})


def _name(optimizer: Optimizer) -> tuple[str, str]:
    cls = type(optimizer)
    return cls.__module__, cls.__qualname__
