"""Words for targets and performance profiles, shared by page, figures and texts."""

from benchmark.analysis.profiles import FEWEST_SEEDS, FEWEST_SETTINGS
from benchmark.analysis.targets import Target

_SOURCES = {
    "given": "as given",
    "table": "which the median seed of tuned Adam has after three quarters of the budget",
    "race": "from the race: half of the optimizers reach it",
}
PROFILES_LEFT_OUT = (
    f"Performance profiles are left out: they need {FEWEST_SETTINGS} settings or more that all "
    f"optimizers ran, with {FEWEST_SEEDS} seeds or more each."
)


def target_words(target: Target) -> str:
    """Return the origin of a target in words."""
    return _SOURCES[target.source]
