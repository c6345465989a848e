"""The facts about a trial that every copy of it contains, besides its rows."""

from typing import Any

from benchmark.spec import Trial


def facts_of(trial: Trial, study: str) -> dict[str, Any]:
    """Return the names and numbers of a trial, with its hyperparameters under a key of their own.

    They are separate because an optimizer's argument may have the name of a field of the suite,
    such as ``seed``.
    """
    own = {name: value for name, value in trial.to_json().items() if name != "optimizer"}
    optimizer = trial.optimizer
    schedule = {"schedule": optimizer.schedule.kind, "warmup": optimizer.schedule.warmup}
    names = {"study": study, "key": trial.key, "optimizer": optimizer.name, "label": trial.label}
    names["purpose"] = trial.purpose  # a trial's own JSON leaves it out where it is the default
    apart = {"hyperparameters": optimizer.to_json()["hyperparameters"]}
    if optimizer.rest:
        apart["rest"] = optimizer.rest.to_json()
    return {**schedule, **own, **names, **apart}
