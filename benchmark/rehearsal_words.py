"""Words on a rehearsal that fails, which the launching process and the worker share."""

from benchmark.spec import Trial
from optimizers.pick import is_import_path


def culprit(trial: Trial) -> str:
    """Return what is rehearsed: a user's optimizer, or a user's network or data with one of ours.

    It is followed by "fails".
    """
    if is_import_path(trial.optimizer.name) or not _is_users(trial):
        return f"optimizer {trial.label!r} on {trial.problem}"
    return f"{trial.problem} with optimizer {trial.label!r}"


def contract(trial: Trial) -> str:
    """Return where the contract of what is rehearsed can be read."""
    ours = not is_import_path(trial.optimizer.name) and _is_users(trial)
    return "docs/plugins.md says what is asked of " + (
        "a network and of data" if ours else "an optimizer"
    )


def _is_users(trial: Trial) -> bool:
    return is_import_path(trial.model) or is_import_path(trial.dataset)
