"""Studies: named sets of trials, described by a protocol and the cells to which it applies."""

import itertools
from dataclasses import dataclass
from functools import cached_property

from benchmark import __version__
from benchmark.baselines import PerProblem
from benchmark.declaration import Declaration, Tuning, now
from benchmark.decode import check_optimizer
from benchmark.errors import Misfit, UsageError
from benchmark.metrics import CHOOSING, CONFIRMATORY
from benchmark.plain_text import plain
from benchmark.protocols.base import TrialProtocol
from benchmark.protocols.fixed import Fixed
from benchmark.protocols.tuned import Tuned
from benchmark.spec import SCHEMA, Cell, Trial, Workload, check_study_name
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class Study:
    """A named set of trials that belong together: one folder, one W&B group per problem.

    Args:
        name: Name of the folder.
        workloads: The problems with their numbers.
        optimizers: The optimizers, as given or as tuned earlier for each problem; empty with
            `tuned`.
        seeds: The seeds.
        purpose: Purpose of all trials, if there is no `tuned`.
        tuned: The protocol that tunes the optimizers first; None to train them as given.
        accelerators, precisions: Those to train with; each combination is a separate comparison.
        threads, log_every, diagnostics_every: As in `Trial`.
    """

    name: str
    workloads: tuple[Workload, ...]
    optimizers: tuple[OptimizerSpec | PerProblem, ...] = ()
    seeds: tuple[int, ...] = ()
    purpose: str = "evaluation"
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
        """The rule that finds the trials of a cell."""
        fixed = Fixed(optimizers=self.optimizers, seeds=self.seeds, purpose=self.purpose)
        return self.tuned or fixed

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

    def declaration(self, reference: str = "", stages: int = 1) -> Declaration:
        """Return the declaration of this study, with the present time.

        Args:
            reference: Label of the optimizer that all others are compared with; empty for none.
            stages: Number of looks at the evaluation seeds; 0 for as many as were declared before.
        """
        tuned = self.tuned
        return Declaration(
            at=now(),
            suite=__version__,
            schema=SCHEMA,
            problems={each.problem: each for each in self.workloads},
            accelerators=list(self.accelerators),
            precisions=list(self.precisions),
            threads=self.threads,
            log_every=self.log_every,
            diagnostics_every=self.diagnostics_every,
            seeds=self._evaluation_seeds(),
            stages=stages,
            choosing=tuned.metric if tuned else CHOOSING[0],
            confirmatory=CONFIRMATORY,
            reference=reference,
            tuning=_tuning(tuned) if tuned else None,
            optimizers=[] if tuned else [spec.label for spec in self.optimizers],
            sources={label: spec.source for label, spec in self._by_label().items() if spec.source},
        )

    def _evaluation_seeds(self) -> list[int]:
        if self.tuned:
            return list(self.tuned.seeds)
        return list(self.seeds) if self.purpose == "evaluation" else []

    def _by_label(self) -> dict[str, OptimizerSpec]:
        """Return the optimizers by label, those to tune with their default hyperparameters."""
        if self.tuned:
            return {each.label: each.defaults() for each in self.tuned.tunables}
        return {spec.label: spec for spec in self.protocol.specs()}

    def trials(self) -> list[Trial]:
        """Return the trials that are wanted before any has a record, in a fixed order."""
        cells = [cell for workload in self.workloads for cell in self.cells(workload)]
        trials = [t for cell in cells for t in self.protocol.stage(cell, lambda _: None).trials]
        return list({trial.key: trial for trial in trials}.values())


def _tuning(tuned: Tuned) -> Tuning:
    return Tuning(
        budget=tuned.budget,
        seeds=list(tuned.tuning_seeds),
        sampler=tuned.sampler,
        optimizers=tuple(tuned.tunables),
        budget_curve=tuned.budget_curve,
    )
