"""The fixed protocol: every optimizer as it is given, on every seed."""

from dataclasses import dataclass

from benchmark.protocols.base import Results, Stage
from benchmark.spec import Cell
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A grid of optimizers and seeds, seed by seed, so that a stopped study is balanced.

    Args:
        optimizers: The optimizers with their hyperparameters.
        seeds: The evaluation seeds.
    """

    optimizers: tuple[OptimizerSpec, ...]
    seeds: tuple[int, ...]

    def specs(self) -> tuple[OptimizerSpec, ...]:
        """Return the optimizers."""
        return self.optimizers

    def stage(self, cell: Cell, results: Results) -> Stage:
        """Return the grid, whatever the results."""
        trials = [cell.trial(each, seed) for seed in self.seeds for each in self.optimizers]
        return Stage(trials=tuple({trial.key: trial for trial in trials}.values()))
