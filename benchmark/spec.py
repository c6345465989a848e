"""Trials: a trial is one training run, a cell is what the trials of one comparison share.

Both consist of names and numbers only, so that a trial can travel as JSON between processes and
machines. `runner` runs a trial, and `store` keeps its outcome.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache, cached_property, lru_cache
from typing import Any

from benchmark.decode import (
    OptimizerFields,
    TrialFields,
    decode_trial,
    given,
    packed_optimizer,
    unpacked_optimizer,
)
from benchmark.errors import Misfit, UsageError
from benchmark.plain_text import plain
from optimizers.pick import shown
from optimizers.spec import OptimizerSpec

ACCELERATORS = ("cpu", "gpu", "mps")
PRECISIONS = ("32-true", "64-true", "bf16-mixed", "bf16-true", "16-mixed", "16-true")
SCHEMA = 2  # goes into every key: raise it when the same trial would train differently
PURPOSES = ("evaluation", "tuning", "budget")
FIRST_TUNING_SEED = 10_000  # evaluation seeds are smaller, so that no trial serves both purposes


_SINCE_SCHEMA_2 = ("purpose", "schema")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training run: problem × optimizer × hyperparameters × seed × budget.

    Args:
        problem: Name such as ``mlp/mnist``; with `seed`, it decides every random number.
        model: Registered name or import path of the network.
        dataset: Registered name or import path of the data module that is actually used.
        optimizer: The optimizer with all its hyperparameters.
        seed: Seed of initial weights, batch order and dropout masks.
        epochs: Passes over the training split.
        batch_size: Examples per step.
        dropout: Use the model's own dropout, as in the paper.
        l2: Coefficient λ of the penalty λ/2·‖w‖² added to the training loss.
        accelerator: ``cpu``, ``gpu`` or ``mps``.
        precision: Lightning's name, such as ``32-true`` or ``bf16-mixed``.
        threads: CPU threads of the training process; results differ in their last bits between
            numbers of threads.
        log_every: Steps between two rows of the running loss.
        diagnostics_every: Steps between two rows of diagnostics; 0 for none.
        source: Digest of the source files of a user's model and data set; empty for registered
            ones.
        purpose: ``evaluation``; ``tuning`` for a trial that only chooses hyperparameters; or
            ``budget`` for one that evaluates the choice of a smaller budget. Only evaluation is
            compared.
        schema: Version of the training; trials of different versions are never compared.
    """

    problem: str
    model: str
    dataset: str
    optimizer: OptimizerSpec
    seed: int
    epochs: int
    batch_size: int
    dropout: bool = False
    l2: float = 0.0
    accelerator: str = "cpu"
    precision: str = "32-true"
    threads: int = 1
    log_every: int = 50
    diagnostics_every: int = 0
    source: str = ""
    purpose: str = "evaluation"
    schema: int = SCHEMA

    @property
    def label(self) -> str:
        """The optimizer's name in tables and figures."""
        return self.optimizer.label

    @cached_property
    def key(self) -> str:
        """Folder name: readable words, then a digest of everything that decides the outcome."""
        words = "-".join([self.model, self.dataset, self.optimizer.name, f"s{self.seed}"])
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', words)[:80]}-{self._digest()}"

    def _digest(self) -> str:
        # Fields with their default value are left out, so that a new field renames no folder. The
        # text is that of json.dumps([schema, fields], sort_keys=True, separators=(",", ":")), but
        # the optimizer, which many trials share, is encoded only once.
        values = vars(self)
        given = ",".join(
            f'"{name}":{_text(value)}' if name != "optimizer" else self._optimizer
            for name, default in _defaults_by_name()
            if (value := values[name]) != default or default is MISSING
        )
        text = f"[{self.schema},{{{given}}}]"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def _optimizer(self) -> str:
        return f'"optimizer":{self.optimizer.compact}'

    def to_json(self) -> dict[str, Any]:
        """Return the trial as a JSON-able mapping of names and numbers."""
        names = [name for name, _ in _defaults() if self.schema > 1 or name not in _SINCE_SCHEMA_2]
        values = {name: getattr(self, name) for name in names}
        return values | {"optimizer": self.optimizer.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Trial":
        """Build a trial from `to_json`'s mapping.

        Raises:
            Misfit: `data` is not what `to_json` writes.
        """
        return cls.from_fields(decode_trial(data))

    @classmethod
    def from_fields(cls, fields: TrialFields) -> "Trial":
        """Build a trial from its decoded fields.

        Raises:
            Misfit: the optimizer is not valid.
        """
        found = {"schema": 1, **given(fields)}
        if found["schema"] > SCHEMA:
            raise Misfit(f"a newer version of the suite wrote it (schema {found['schema']})")
        return cls(**{**found, "optimizer": _spec(fields.optimizer)})


def _spec(fields: OptimizerFields) -> OptimizerSpec:
    """Return the decoded optimizer; equal optimizers share one object."""
    return _spec_of(packed_optimizer(fields))


@lru_cache(maxsize=10_000)
def _spec_of(text: bytes) -> OptimizerSpec:
    try:
        return OptimizerSpec.from_json(unpacked_optimizer(text))
    except ValueError as error:
        raise Misfit(plain(error, 120)) from None


@cache
def _defaults() -> tuple[tuple[str, Any], ...]:
    """Return the fields of a trial with their defaults, `MISSING` where there is none."""
    return tuple((field.name, field.default) for field in fields(Trial))


@lru_cache(maxsize=10_000, typed=True)  # typed: 1, 1.0 and True are equal
def _text(value: str | float) -> str:
    return json.dumps(value)


@cache
def _defaults_by_name() -> tuple[tuple[str, Any], ...]:
    """Return the fields that a trial's key depends on, sorted by name, with their defaults."""
    return tuple(sorted(each for each in _defaults() if each[0] != "schema"))


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One problem with its numbers: the settings that all optimizers and seeds share."""

    problem: str
    model: str
    dataset: str
    epochs: int
    batch_size: int
    dropout: bool = False
    l2: float = 0.0
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What the trials of one comparison share: a problem, and how it is trained.

    Args:
        workload: The problem with its numbers.
        accelerator, precision, threads, log_every, diagnostics_every: As in `Trial`.
    """

    workload: Workload
    accelerator: str = "cpu"
    precision: str = "32-true"
    threads: int = 1
    log_every: int = 50
    diagnostics_every: int = 0

    def trial(self, optimizer: OptimizerSpec, seed: int, purpose: str = "evaluation") -> Trial:
        """Return the trial of an optimizer with a seed."""
        return Trial(
            **vars(self.workload),
            optimizer=optimizer,
            seed=seed,
            accelerator=self.accelerator,
            precision=self.precision,
            threads=self.threads,
            log_every=self.log_every,
            diagnostics_every=self.diagnostics_every,
            purpose=purpose,
        )


def check_study_name(name: str) -> str:
    """Return `name` if it can be a folder inside the results folder.

    Raises:
        UsageError: the name is empty, too long, or could lead out of the folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise UsageError(
            f"study name {shown(name)}: expected up to 80 letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit"
        )
    return name
