"""The terminal's output while the experiments of a paper are run."""

from rich.console import Console

from benchmark.cli.terminal import Terminal
from benchmark.launchers import Launcher
from benchmark.mirror.destination import WandbOptions
from benchmark.planning import TrialPlan
from benchmark.report.words import counted
from benchmark.store import Store

_DOING = {"tuning": "choosing rates", "evaluation": "training at the chosen rates"}


class PaperTerminal(Terminal):
    """A terminal that says of each study what it is for, in one line; it makes no copies."""

    def __init__(self, console: Console, store: Store, launcher: Launcher) -> None:
        super().__init__(
            console, store, launcher, WandbOptions(mode="disabled", project="", entity=None)
        )

    def planned(self, plan: TrialPlan) -> None:
        """Print the purpose and number of the trials that will run."""
        if plan.missing:
            doing = _DOING[plan.missing[0].purpose]
            self.say(f"{self._store.study:<11} {doing}: {counted(len(plan.missing), 'trial')}")
