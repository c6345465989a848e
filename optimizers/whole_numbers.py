"""Which ranges are of whole numbers: those of counts, such as steps between two actions.

Learning rates, decays and the like are real numbers even where a class writes its default as ``1``.
"""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from optimizers.errors import SpecError
from optimizers.resolve import REQUIRED, Found, arguments, find
from optimizers.spaces import Range, kind_of, split_name

_REAL_KINDS = frozenset({"lr", "momentum/beta1", "beta2", "weight_decay"})
_REAL_WORDS = frozenset({"lr", "rate", "beta", "betas", "eps", "epsilon", "decay", "momentum"})


def is_of_whole_numbers(each: Range, found: Found, fixed: Mapping[str, Any]) -> bool:
    """Return whether the values of a range are to be whole numbers.

    They are if the class has a whole number as default of this argument and does not annotate it as
    ``float``, or has no default and annotates it as ``int``; and if no value of the range lies
    below 1, and the name is not that of a rate, decay or eps.

    Args:
        each: A range of the optimizer `found`.
        found: The optimizer.
        fixed: Hyperparameters that are not drawn; ``optimizer`` names one that is wrapped.

    Raises:
        SpecError: fewer than two whole numbers lie in the range, or a wrapped optimizer is unknown.
    """
    if each.low < 1 or _is_real(each.name):
        return False
    head, _, own = each.name.partition(".")
    if isinstance(fixed.get(head), str) and own:
        found, name = find(fixed[head]), own
    else:
        name = each.name
    if not _is_count(found, name):
        return False
    if each.whole_count < 2:
        raise SpecError(
            f"range of {each.name}: {found.name} takes whole numbers: expected two or more of them "
            f"between {each.low:g} and {each.high:g}"
        )
    return True


def _is_real(name: str) -> bool:
    """Return whether hyperparameters called `name` are never rounded.

    >>> [_is_real(name) for name in ("lr", "max_lr", "betas.0", "eps2", "decay_steps", "k")]
    [True, True, True, True, False, False]
    """
    last = split_name(name)[0].rpartition(".")[2]
    words = re.split(r"_|(?<=\D)\d+$", last.lower())
    ending = [word for word in words if word][-1:]
    return kind_of(name).removeprefix("rest.") in _REAL_KINDS or not _REAL_WORDS.isdisjoint(ending)


def _is_count(found: Found, name: str) -> bool:
    key, index = split_name(name)
    default = arguments(found).get(key)
    if index is not None:
        numbers = default if isinstance(default, (tuple, list)) else ()
        default = numbers[index] if index < len(numbers) else None
    takes = inspect.signature(found.cls).parameters if found.cls else {}
    annotation = str(takes[key].annotation) if key in takes else ""
    if default is REQUIRED:
        return bool(re.search(r"\bint\b", annotation)) and "float" not in annotation
    is_count = isinstance(default, int) and not isinstance(default, bool)
    return is_count and "float" not in annotation
