"""Studies: a named set of trials, described by a protocol and the cells that it is applied to."""

import itertools
from dataclasses import dataclass
from functools import cached_property

from benchmark.decode import Misfit, check_optimizer
from benchmark.plain_text import plain
from benchmark.protocols.base import TrialProtocol
from benchmark.protocols.fixed import Fixed
from benchmark.protocols.tuned import Tuned
from benchmark.spec import Cell, Trial, UsageError, Workload, check_study_name
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class Study:
    """A named set of trials that belong together: one folder, one W&B group per problem.

    Args:
        name: Name of the folder.
        workloads: The problems with their numbers.
        optimizers: The optimizers as they are given; empty with `tuned`.
        seeds: The evaluation seeds.
        tuned: The protocol that tunes the optimizers first; None to train them as given.
        accelerators, precisions: Each combination is a comparison of its own.
        threads, log_every, diagnostics_every: As in `Trial`.
    """

    name: str
    workloads: tuple[Workload, ...]
    optimizers: tuple[OptimizerSpec, ...] = ()
    seeds: tuple[int, ...] = ()
    tuned: Tuned | None = None
    accelerators: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("32-true",)
    threads: int = 1
    log_every: int = 50
    diagnostics_every: int = 0

    def __post_init__(self) -> None:
        check_study_name(self.name)
        for optimizer in self.protocol.specs():
            try:
                check_optimizer(optimizer.to_json())
            except Misfit as error:
                label = plain(optimizer.label, 80)
                raise UsageError(f"optimizer {label!r} cannot be kept on record: {error}") from None

    @cached_property
    def protocol(self) -> TrialProtocol:
        """The rule that says which trials a cell needs."""
        return self.tuned or Fixed(optimizers=self.optimizers, seeds=self.seeds)

    def cells(self, workload: Workload) -> list[Cell]:
        """Return the cells of `workload`, one for each accelerator and precision."""
        return [
            Cell(
                workload=workload,
                accelerator=accelerator,
                precision=precision,
                threads=self.threads,
                log_every=self.log_every,
                diagnostics_every=self.diagnostics_every,
            )
            for accelerator, precision in itertools.product(self.accelerators, self.precisions)
        ]

    def trials(self) -> list[Trial]:
        """Return the trials that are wanted before any has a record, in a fixed order."""
        cells = [cell for workload in self.workloads for cell in self.cells(workload)]
        trials = [t for cell in cells for t in self.protocol.stage(cell, lambda _: None).trials]
        return list({trial.key: trial for trial in trials}.values())
