"""How the optimizer under check is built: as a study builds it, so that what runs can be checked.

Classes and descriptions go through `optimizers.construct`; any other factory is called as it is.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pkgutil import resolve_name
from typing import Any

from torch.optim import Optimizer

from optimizers.conformance.subject import Factory
from optimizers.construct import construct, supplied_arguments, takes_torchs_forms, with_classes
from optimizers.spec import OptimizerSpec

Source = Factory | OptimizerSpec

# Ways to step that are tried in turn, as fields of a `Subject`.
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
        factory: Takes parameters or groups, and `keywords`.
        keywords: Hyperparameters that the factory takes by keyword.
        bare: Takes parameters in every form that torch.optim takes, nothing being done to them
            before; None for what asks for another form by design.
        needs: Ways to step that are worth a try.
    """

    factory: Factory
    keywords: frozenset[str]
    bare: Factory | None
    needs: tuple[dict[str, bool], ...] = _NEEDS


def making_of(source: Source) -> Making:
    """Return how `source` is followed: a description, a class, a partial of one, or a factory."""
    if isinstance(source, OptimizerSpec):
        return _of_spec(source)
    cls = source.func if isinstance(source, partial) and not source.args else source
    if not isinstance(cls, type):
        return Making(factory=source, keywords=_arguments(source), bare=source)
    settings = source.keywords if isinstance(source, partial) else {}
    return Making(
        factory=partial(_from_class, cls, settings),
        keywords=_arguments(cls) - supplied_arguments(cls),
        bare=_bare(cls, settings),
    )


def _of_spec(spec: OptimizerSpec) -> Making:
    spec = replace(spec, rest=None)  # what steps the other parameters is another optimizer
    cls = resolve_name(spec.target)
    needs = [each for each in _NEEDS if spec.gradients != "first" or each.get("gradients_first")]
    return Making(
        factory=partial(_from_spec, spec),
        keywords=_arguments(cls) - supplied_arguments(cls),
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


def _arguments(made_by: Callable[..., Any]) -> frozenset[str]:
    arguments = list(inspect.signature(made_by).parameters.values())
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(each.name for each in arguments[1:] if each.kind in kinds)
