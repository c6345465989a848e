"""Construction of the optimizer under check, in the way in which a study builds it.

Classes and descriptions go through `optimizers.construct`; any other factory is called directly.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pkgutil import resolve_name
from typing import Any

from torch.optim import Optimizer

from optimizers.conformance.subject import Factory
from optimizers.construct import (
    construct,
    supplied_arguments,
    takes_torchs_forms,
    with_classes,
    wrapped_argument,
)
from optimizers.spec import OptimizerSpec

Source = Factory | OptimizerSpec

# Ways to step, as fields of a `Subject`; they are tried in turn.
_NEEDS: tuple[dict[str, bool], ...] = (
    {},
    {"needs_closure": True},
    {"needs_closure": True, "gradients_first": True},
    {"needs_graph": True},
    {"needs_closure": True, "needs_graph": True},
    {"needs_sparse": True},
)


@dataclass(frozen=True, kw_only=True)
class Making:
    """A way to build an optimizer.

    Args:
        factory: Function of parameters or groups, and of `keywords`.
        keywords: Hyperparameters that the factory takes by keyword.
        bare: Factory that gets parameters unchanged, in every form that torch.optim takes; None if
            the class needs another form by design.
        needs: Ways to step that are worth a try.
    """

    factory: Factory
    keywords: frozenset[str]
    bare: Factory | None
    needs: tuple[dict[str, bool], ...] = _NEEDS


def making_of(source: Source) -> Making:
    """Return the way to build `source`: a description, a class, a partial of one, or a factory."""
    if isinstance(source, OptimizerSpec):
        return _of_spec(source)
    cls = source.func if isinstance(source, partial) and not source.args else source
    if not isinstance(cls, type):
        return Making(factory=source, keywords=_arguments(source), bare=source)
    settings = source.keywords if isinstance(source, partial) else {}
    return Making(
        factory=partial(_from_class, cls, settings),
        keywords=_keywords(cls),
        bare=_bare(cls, settings),
    )


def _of_spec(spec: OptimizerSpec) -> Making:
    spec = replace(spec, rest=None)  # `rest` is another optimizer, not under check
    cls = resolve_name(spec.target)
    needs = [each for each in _NEEDS if spec.gradients != "first" or each.get("gradients_first")]
    return Making(
        factory=partial(_from_spec, spec),
        keywords=_keywords(cls),
        bare=_bare(cls, spec.hyperparameters),
        needs=tuple(needs),
    )


def _from_spec(spec: OptimizerSpec, params: Iterable[Any], /, **values: Any) -> Optimizer:
    return replace(spec, hyperparameters={**spec.hyperparameters, **values}).build(params)


def _from_class(
    cls: type[Optimizer], settings: Mapping[str, Any], params: Iterable[Any], /, **values: Any
) -> Optimizer:
    return construct(cls, params, {**settings, **values})


def _bare(cls: type[Optimizer], settings: Mapping[str, Any]) -> Factory | None:
    return partial(cls, **with_classes(settings)) if takes_torchs_forms(cls) else None


def _keywords(cls: type[Optimizer]) -> frozenset[str]:
    """Return the hyperparameters of a class."""
    return _arguments(cls, 0) - supplied_arguments(cls) - {wrapped_argument(cls)}


def _arguments(made_by: Callable[..., Any], begin: int = 1) -> frozenset[str]:
    arguments = list(inspect.signature(made_by).parameters.values())
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(each.name for each in arguments[begin:] if each.kind in kinds)
