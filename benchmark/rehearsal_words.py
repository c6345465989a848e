"""Words on a rehearsal that fails, which the launching process and the worker share."""

from benchmark.spec import Trial
from optimizers.pick import is_import_path


def culprit(trial: Trial) -> str:
    """Return what is rehearsed: a user's optimizer, or a user's network or data with one of ours.

    It is followed by "fails".
    """
    if _is_about_a_network(trial):
        return f"{trial.problem} with optimizer {trial.label!r}"
    return f"optimizer {trial.label!r} on {trial.problem}"


def contract(trial: Trial) -> str:
    """Return where the contract of what is rehearsed can be read."""
    asked = "a network and of data" if _is_about_a_network(trial) else "an optimizer"
    return f"docs/plugins.md says what is asked of {asked}"


def _is_about_a_network(trial: Trial) -> bool:
    is_users = is_import_path(trial.model) or is_import_path(trial.dataset)
    return is_users and not is_import_path(trial.optimizer.name)
