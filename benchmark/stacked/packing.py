"""Which trials can be one pack; nothing here loads torch."""

from collections.abc import Hashable, Sequence

from benchmark.models.registry import MODELS
from benchmark.spec import Trial
from benchmark.tasks.registry import TASKS
from datamodules.registry import DATASETS
from optimizers.spec import OptimizerSpec

PRECISIONS = ("32-true",)
_OWN = ("seed", "purpose", "optimizer")  # what the trials of a pack may differ in


def shared(trial: Trial) -> Hashable:
    """Return everything that the trials of a pack have in common."""
    return tuple((name, value) for name, value in vars(trial).items() if _is_shared(name))


def why_not(trials: Sequence[Trial]) -> str:
    """Return why these trials cannot be one pack; "" if they can.

    An optimizer given by import path may still turn out to need single steps: `run_pack` then
    raises an error before it trains.
    """
    if not trials:
        return "there is none"
    if len({trial.key for trial in trials}) < len(trials):
        return "one is there twice"
    different = sorted(
        name
        for name, value in vars(trials[0]).items()
        if _is_shared(name) and any(getattr(trial, name) != value for trial in trials)
    )
    if different:
        return f"they differ in {', '.join(different)}"
    return next(filter(None, map(why_not_one, trials)), "")


def why_not_one(trial: Trial) -> str:
    """Return why a trial can be in no pack; "" if it can."""
    if trial.model not in MODELS:
        return f"{trial.model} is no registered model"
    if trial.dataset not in DATASETS:  # bits were compared for registered ones
        return f"{trial.dataset} is no registered data set"
    if not MODELS[trial.model].stacked_megabytes:
        return f"model {trial.model} has no form that trains several trials as one network"
    if not TASKS[DATASETS[trial.dataset].targets.task].can_stack:
        return f"the task of {trial.dataset} has no form that trains several trials as one network"
    if trial.precision not in PRECISIONS:
        return f"precision {trial.precision} is none of {', '.join(PRECISIONS)}"
    if trial.diagnostics_every:
        return "diagnostics watch the steps of each optimizer"
    return _why_not_optimizer(trial.optimizer)


def _why_not_optimizer(spec: OptimizerSpec) -> str:
    if spec.create_graph or spec.gradients == "first":
        return f"{spec.label} needs more than one gradient for each step"
    if spec.hyperparameters.get("execution") == "compiled":
        return f"{spec.label} runs compiled"
    return ""


def _is_shared(name: str) -> bool:
    return name not in _OWN and name in Trial.__dataclass_fields__
