"""The fixed protocol: every optimizer, as given or as tuned earlier, on every seed."""

from dataclasses import dataclass

from benchmark.baselines import PerProblem
from benchmark.declaration import Chosen
from benchmark.protocols.base import Results, Stage
from benchmark.spec import Cell
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A grid of optimizers and seeds, run seed by seed, so that an interrupted study is balanced.

    Args:
        optimizers: The optimizers with their hyperparameters, which may differ from problem to
            problem.
        seeds: The seeds.
        purpose: Purpose of the trials.
    """

    optimizers: tuple[OptimizerSpec | PerProblem, ...]
    seeds: tuple[int, ...]
    purpose: str = "evaluation"

    def specs(self) -> tuple[OptimizerSpec, ...]:
        """Return the optimizers, with all the hyperparameters that they may have."""
        found = [
            spec
            for each in self.optimizers
            for spec in (each.specs() if isinstance(each, PerProblem) else [each])
        ]
        return tuple(dict.fromkeys(found))

    def stage(self, cell: Cell, results: Results) -> Stage:
        """Return the grid, whatever the results."""
        specs = [
            each.spec(cell) if isinstance(each, PerProblem) else each for each in self.optimizers
        ]
        trials = [
            cell.trial(spec, seed, purpose=self.purpose) for seed in self.seeds for spec in specs
        ]
        return Stage(
            trials=tuple({trial.key: trial for trial in trials}.values()), chosen=self._chosen(cell)
        )

    def _chosen(self, cell: Cell) -> tuple[Chosen, ...]:
        """Return the outcomes of earlier searches that are used in a cell."""
        found = [each.chosen(cell) for each in self.optimizers if isinstance(each, PerProblem)]
        return tuple(each for each in found if each is not None)
