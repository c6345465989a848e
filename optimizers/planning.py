"""The decision when to make a `Plan` and when to drop it, from the last steps of a group."""

from collections.abc import Mapping, Sequence
from operator import is_

from torch import Tensor

from optimizers.layout import Names
from optimizers.packing import Plan


class Memory:
    """The parameters of a group's last steps, and the plans for further steps of the same kind.

    Plans pay only if the same parameters step again and again. Each plan that breaks doubles the
    number of equal steps that must pass before the next one is made.
    """

    def __init__(self) -> None:
        self.plans: list[Plan] | None = None
        self._params: Sequence[Tensor] = ()
        self._names: Names = ()
        self._alike = 0
        self._patience = 1

    @property
    def steady(self) -> bool:
        """Return whether enough steps were equal to make a plan."""
        return self._alike >= self._patience

    def look(
        self, params: Sequence[Tensor], names: Names, states: Mapping[Tensor, dict[str, Tensor]]
    ) -> None:
        """Note the parameters of this step, and drop the plans if they no longer hold.

        Args:
            params: The parameters of the group that have gradients.
            names: Names of the state entries that the rule takes.
            states: The optimizer's state.
        """
        same = len(params) == len(self._params) and all(map(is_, params, self._params))
        same = same and names == self._names
        if same and all(plan.holds(states) for plan in self.plans or ()):
            self._alike += 1
            return
        if self.plans is not None:
            self._patience = min(64, 2 * self._patience)
        self.plans, self._params, self._names, self._alike = None, params, names, 0
