"""One update step, for tensors that share the rule and its scalars.

Every way of executing an optimizer ends in `Motion`: on a parameter, on a slice of one, on many
parameters packed into one tensor, or through a compiled kernel. Scalars of shape [K, 1, …] let one
`Motion` step the parameters of K trials stacked along the first dimension.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from optimizers.inplace import plus_scaled

Rule = Callable[..., None]
Scalar = float | Tensor
Given = TypeVar("Given")
State = tuple[Tensor | None, ...]
Moved = tuple[Tensor, Tensor, State]  # a parameter, its gradient and its state, of one shape
Run = Callable[["Motion", Sequence[Moved]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """An update rule, its scalars, its weight decay and its direction.

    Args:
        rule: A pure in-place function of (parameter, gradient, *state, *scalars).
        scalars: The rule's scalars: floats, or tensors that broadcast against the parameter.
        maximize: Ascend instead of descend.
        l2: Weight decay λ through the gradient, g + λθ; None for no decay.
        keep: Factor of θ before the rule, for decoupled weight decay; None for no decay.
    """

    rule: Rule
    scalars: tuple[Scalar, ...]
    maximize: bool = False
    l2: Scalar | None = None
    keep: Scalar | None = None

    def __call__(self, x: Tensor, g: Tensor, state: tuple[Tensor | None, ...]) -> None:
        """Update `x` and `state` in place; `g`, of the same shape, does not change."""
        move(self.rule, x, g, state, self.scalars, self.maximize, self.l2, self.keep)


def move(
    rule: Rule,
    x: Tensor,
    g: Tensor,
    state: tuple[Tensor | None, ...],
    scalars: tuple[Scalar, ...],
    maximize: bool,
    l2: Scalar | None,
    keep: Scalar | None,
) -> None:
    """Carry out a `Motion`, as a plain function that can be compiled."""
    if maximize:
        g = -g
    if l2 is not None:
        g = plus_scaled(g, l2, x)
    if keep is not None:
        x.mul_(keep)
    rule(x, g, *state, *scalars)


def run_plain(motion: Motion, moved: Sequence[Moved]) -> None:
    """Apply `motion` to each of `moved`, one operation of the rule after the other."""
    for x, g, state in moved:
        motion(x, g, state)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleArguments:
    """The arguments of a rule after parameter and gradient: first its state, then its scalars.

    Args:
        rule: Name of the rule.
        names: Names of the arguments, in order.
    """

    rule: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, rule: Rule) -> "RuleArguments":
        """Read the arguments from the signature of a rule."""
        return cls(rule=rule.__name__, names=tuple(inspect.signature(rule).parameters)[2:])

    def order_state(self, given: Mapping[str, str | None]) -> tuple[str | None, ...]:
        """Return the `given` state in the order of the rule's arguments.

        Raises:
            TypeError: the names are not those of the rule's state.
        """
        return self._order(self.names[: len(given)], given)

    def order_scalars(self, given: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Return the `given` scalars in the order of the rule's arguments.

        Raises:
            TypeError: the names are not those of the rule's scalars.

        >>> def rule(theta, g, m, v, beta1, beta2): ...
        >>> RuleArguments.of(rule).order_scalars({"beta2": 0.999, "beta1": 0.9})
        (0.9, 0.999)
        """
        return self._order(self.names[len(self.names) - len(given) :], given)

    def _order(self, names: tuple[str, ...], given: Mapping[str, Given]) -> tuple[Given, ...]:
        try:
            return tuple([given[name] for name in names])  # as many names as are given
        except KeyError:
            [wrong, *_] = [name for name in given if name not in names]
            raise TypeError(
                f"{self.rule} has no argument {wrong!r} there: it takes parameter, gradient, "
                f"{', '.join(self.names)}, and got {', '.join(given)}"
            ) from None
