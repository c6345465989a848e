"""Names of the ways in which an optimizer runs its rule, without torch."""

from typing import Literal

Execution = Literal["auto", "loop", "packed", "compiled", "packed-compiled"]


def is_compiled(execution: str) -> bool:
    """Return whether this way uses a compiled kernel.

    >>> is_compiled("packed-compiled"), is_compiled("packed")
    (True, False)
    """
    return execution in ("compiled", "packed-compiled")
