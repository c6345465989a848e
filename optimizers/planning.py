"""When to make a `Plan` and when to drop it: what a group remembers of its last steps."""

from collections.abc import Mapping, Sequence
from operator import is_

from torch import Tensor

from optimizers.layout import Names
from optimizers.packing import Plan


class Memory:
    """What a group's last steps were made of, and the plans for more of the same.

    Plans pay only if the same parameters step again and again: each that breaks doubles the steps
    that must be alike before the next one is made.
    """

    def __init__(self) -> None:
        self.plans: list[Plan] | None = None
        self._params: Sequence[Tensor] = ()
        self._names: Names = ()
        self._alike = 0
        self._patience = 1

    @property
    def steady(self) -> bool:
        """Whether enough steps were alike for a plan."""
        return self._alike >= self._patience

    def look(
        self, params: Sequence[Tensor], names: Names, states: Mapping[Tensor, dict[str, Tensor]]
    ) -> None:
        """Note what steps now, and drop the plans if they do not hold for it.

        Args:
            params: Those of the group that have gradients.
            names: Of the state entries that the rule takes.
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
