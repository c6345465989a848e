"""Step counters shared by parameters that have taken equally many steps."""

from collections.abc import Sequence
from operator import attrgetter

import torch
from torch import Tensor

_version_of = attrgetter("_version")


class Counters:
    """The counters in the state of parameters whose counters are equal.

    `values` holds one tensor for each name, to be advanced in place; `spread` then copies the
    numbers into the entries, one 0-d tensor for each parameter.

    Args:
        entries: The state of each parameter.
        names: Names of the counters.
        as_views: Entries may become views of one tensor, which saves copying.
    """

    def __init__(
        self, entries: Sequence[dict[str, Tensor]], names: Sequence[str], *, as_views: bool
    ) -> None:
        self.values: dict[str, Tensor] = {}  # (parameters,), or (1,) if entries keep their memory
        self._copies: list[tuple[list[Tensor], list[Tensor]]] = []
        for name in names:
            found = [entry[name] for entry in entries]
            if as_views:
                self.values[name] = torch.stack(found)
                for entry, view in zip(entries, self.values[name].unbind(), strict=True):
                    entry[name] = view
            else:
                self.values[name] = found[0].detach().clone().view(1)
                self._copies.append((found, [self.values[name].view(())] * len(found)))
        self._watched = [t for found, _ in self._copies for t in found] or [*self.values.values()]
        self._versions = self._look()

    def spread(self) -> None:
        """Write `values`, after they were advanced, into the entries."""
        for entries, values in self._copies:
            torch._foreach_copy_(entries, values)
        self._versions = self._look()

    def are_untouched(self) -> bool:
        """Return whether no other code has written to the counters."""
        return self._versions == self._look()

    def _look(self) -> list[int]:
        return list(map(_version_of, self._watched))
