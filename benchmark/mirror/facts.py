"""What every copy of a trial says of it, whatever is drawn of its rows."""

from typing import Any

from benchmark.spec import Trial


def facts_of(trial: Trial, study: str) -> dict[str, Any]:
    """Return names and numbers of a trial; hyperparameters lie apart, under a key of their own.

    An optimizer's own argument may be called like a field of the suite, such as ``seed``.
    """
    own = {name: value for name, value in trial.to_json().items() if name != "optimizer"}
    optimizer = trial.optimizer
    schedule = {"schedule": optimizer.schedule.kind, "warmup": optimizer.schedule.warmup}
    names = {"study": study, "key": trial.key, "optimizer": optimizer.name, "label": trial.label}
    apart = {"hyperparameters": optimizer.to_json()["hyperparameters"]}
    if optimizer.rest:
        apart["rest"] = optimizer.rest.to_json()
    return {**schedule, **own, **names, **apart}
