"""Words for targets and performance profiles, shared by page, figures and texts."""

from benchmark.analysis.profiles import FEWEST_SEEDS, FEWEST_SETTINGS
from benchmark.analysis.targets import Target
from benchmark.report.words import counted

PROFILES_LEFT_OUT = (
    f"Performance profiles are left out: they need {FEWEST_SETTINGS} settings or more that all "
    f"optimizers ran, with {FEWEST_SEEDS} seeds or more each."
)


def target_words(target: Target) -> str:
    """Return the origin of a target in words."""
    if target.source == "given":
        return "as given"
    if target.source == "race":
        return "from the race: half of the optimizers reach it"
    return (
        "which the median seed of tuned Adam has after three quarters of the problem's "
        f"{counted(target.epochs, 'epoch')}"
    )
