"""Construction of any optimizer class over parameters, in the form that its constructor expects.

Classes expect a list of parameters, pairs of name and parameter, groups that say which parameters
are matrices, a model, another optimizer to wrap, or the class of one. The constructor's signature
decides; no form is kept merely because trying it happened to work.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from optimizers.errors import NoGroupsError, exit_words
from optimizers.registry import OPTIMIZERS
from optimizers.spaces import KNOWN

if TYPE_CHECKING:
    from torch.optim import Optimizer

_WRAPPED = ("optimizer", "base_optimizer", "inner_optimizer")  # a first argument to be wrapped
_NAMED = ("named_parameters", "named_params")  # an argument that takes pairs
_MODEL = "model"  # an argument that takes a module
_PARAMS = "params"  # an argument that takes parameters, at any position
_GIVEN = (_PARAMS, *_NAMED, _MODEL)
_MATRIX_FLAG = "use_muon"  # groups of Jordan's Muon: https://github.com/KellerJordan/Muon
_NO_GROUPS = {
    "model": "it takes a model, which has no groups of parameters",
    "named": "it takes named parameters, which come in no groups",
}
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def construct(
    cls: type["Optimizer"], params: Iterable[Any], settings: Mapping[str, Any]
) -> "Optimizer":
    """Return an optimizer of `cls`.

    Args:
        cls: Any optimizer class.
        params: Parameters, pairs of name and parameter, or groups of either.
        settings: Arguments of the class by name. A text that is the import path of an optimizer
            stands for that class. For a class that wraps an optimizer, the name of its first
            argument gives the inner optimizer, and keys that begin with that name and a dot give
            the inner optimizer's arguments.

    Raises:
        RuntimeError: the class called ``sys.exit``, which must not end the program.
        Exception: any other error of the class, as it is.
    """
    try:
        return _construct(cls, list(params), settings)
    except SystemExit as error:
        raise RuntimeError(exit_words(error)) from error


def _construct(
    cls: type["Optimizer"], given: list[Any], settings: Mapping[str, Any]
) -> "Optimizer":
    inner = wrapped_argument(cls)
    if inner:
        prefix = f"{inner}."
        theirs = {k.removeprefix(prefix): v for k, v in settings.items() if k.startswith(prefix)}
        inner_cls = optimizer_class(settings[inner])
        if inner_cls is None:
            raise ValueError(
                f"{inner}={settings[inner]!r} is no optimizer: give a registered name or an import "
                f"path, such as {inner}=torch.optim.SGD"
            )
        own = {k: v for k, v in settings.items() if k != inner and not k.startswith(prefix)}
        return cls(_construct(inner_cls, given, theirs), **with_classes(own))  # type: ignore[arg-type]
    supplied = {name: _supplied(cls, name, given) for name in supplied_arguments(cls)}
    by_position = [
        supplied.pop(name)
        for name in [_first_argument(cls)]
        if name in supplied and not _is_keyword_only(cls, name)
    ]
    make: Callable[..., Optimizer] = cls
    return make(*by_position, **supplied, **with_classes(settings))


def supplied_arguments(cls: type) -> frozenset[str]:
    """Return the arguments that `construct` fills: parameters, and a model where one is required.

    The parameters go to ``params`` or ``named_parameters`` wherever the class has it, otherwise to
    its first argument, unless that is a hyperparameter beside a ``model``.

    >>> import torch
    >>> sorted(supplied_arguments(torch.optim.SGD))
    ['params']
    """
    if wrapped_argument(cls):
        return frozenset()
    takes = inspect.signature(cls).parameters
    first = _first_argument(cls)
    found = {name for name in _GIVEN if name in takes and _is_required(takes[name])}
    found |= {first} & {*_GIVEN}
    if first in found or found - {_MODEL}:
        return frozenset(found)
    if first not in takes or (_is_required(takes[first]) and first not in KNOWN):
        return frozenset(found | {first})
    return frozenset(found | {next((name for name in _GIVEN if name in takes), first)})


def wrapped_argument(cls: type) -> str:
    """Return the name of the first argument if it is an optimizer to wrap, otherwise "".

    >>> import torch
    >>> wrapped_argument(torch.optim.SGD)
    ''
    """
    first = _first_argument(cls)
    return first if first in _WRAPPED else ""


def optimizer_class(value: Any) -> type["Optimizer"] | None:
    """Return the optimizer class registered as `value` or at that import path, otherwise None.

    >>> optimizer_class("torch.optim.SGD").__name__, optimizer_class("adam").__name__
    ('SGD', 'Adam')
    >>> optimizer_class("strong_wolfe")
    """
    if not isinstance(value, str):
        return None
    if value in OPTIMIZERS:
        return resolve_name(OPTIMIZERS[value].target)  # type: ignore[no-any-return]
    return _class_at(value)


def takes_torchs_forms(cls: type) -> bool:
    """Return whether `cls` promises to accept parameters in every form that torch.optim accepts.

    >>> import torch
    >>> takes_torchs_forms(torch.optim.SGD)
    True
    """
    first = _first_argument(cls)
    if wrapped_argument(cls) or first in _NAMED or _mentions(cls, _MATRIX_FLAG):
        return False
    is_alone = supplied_arguments(cls) == {first} and not _is_keyword_only(cls, first)
    return is_alone and first != _MODEL


def with_classes(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which classes replace the import paths of optimizers."""
    found = {}
    for name, value in settings.items():
        resolve = optimizer_class if name in _WRAPPED else _class_at
        found[name] = (resolve(value) if isinstance(value, str) else None) or value
    return found


def _class_at(text: str) -> type["Optimizer"] | None:
    if not _PATH.fullmatch(text):
        return None
    from torch.optim import Optimizer

    with suppress(Exception, SystemExit):  # a user's module may raise anything
        found = resolve_name(text)
        if isinstance(found, type) and issubclass(found, Optimizer):
            return found
    return None


def _supplied(cls: type, name: str, given: list[Any]) -> Any:
    return _as_model(given) if name == _MODEL else _in_the_form_of(cls, name, given)


def _as_model(given: list[Any]) -> Any:
    """Return a module that holds the parameters under their names and has no forward.

    Raises:
        NoGroupsError: groups were given, and a module cannot carry their settings.
    """
    from torch.nn import Module

    if any(map(_is_group, given)):
        raise NoGroupsError(_NO_GROUPS["model"])
    model = Module()
    for i, each in enumerate(given):
        name, param = each if isinstance(each, tuple) else (f"parameter {i}", each)
        *path, last = name.split(".")
        inner = model
        for part in path:
            if part not in inner._modules:
                inner.add_module(part, Module())
            inner = inner.get_submodule(part)
        inner.register_parameter(last, param)
    return model


def _is_required(argument: inspect.Parameter) -> bool:
    return argument.default is argument.empty


def _is_keyword_only(cls: type, name: str) -> bool:
    argument = inspect.signature(cls).parameters.get(name)
    return argument is not None and argument.kind is argument.KEYWORD_ONLY


def _in_the_form_of(cls: type, name: str, given: list[Any]) -> list[Any]:
    if name in _NAMED:
        if any(map(_is_group, given)):
            raise NoGroupsError(_NO_GROUPS["named"])
        if not all(isinstance(each, tuple) for each in given):
            return [(f"parameter {i}", param) for i, param in enumerate(_unnamed(given))]
        return given
    given = _unnamed(given)
    if not _mentions(cls, _MATRIX_FLAG):
        return given
    groups = given if any(map(_is_group, given)) else [{"params": given}]
    return [part for group in groups for part in _by_matrices(group)]


def _by_matrices(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Split a group into matrices and the rest, unless the group says itself what it holds."""
    if _MATRIX_FLAG in group:
        return [group]
    params = [group["params"]] if _is_tensor(group["params"]) else group["params"]
    split = {flag: [p for p in params if (p.ndim >= 2) is flag] for flag in (True, False)}
    return [{**group, "params": own, _MATRIX_FLAG: flag} for flag, own in split.items() if own]


def _is_group(each: Any) -> bool:
    return isinstance(each, dict)


def _unnamed(given: Iterable[Any]) -> list[Any]:
    return [_unnamed_one(each) for each in given]


def _unnamed_one(each: Any) -> Any:
    if isinstance(each, dict):
        params = each["params"]
        listed = list(params) if isinstance(params, Iterable) and not _is_tensor(params) else params
        return {**each, "params": _unnamed(listed) if isinstance(listed, list) else listed}
    return each[1] if isinstance(each, tuple) else each


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "ndim")


def _mentions(cls: type, text: str) -> bool:
    """Return whether the code of a constructor of `cls` or its bases has the constant `text`."""
    codes = (getattr(vars(each).get("__init__"), "__code__", None) for each in cls.__mro__)
    return any(code and text in code.co_consts and text not in code.co_varnames for code in codes)


def _first_argument(cls: type) -> str:
    return next(iter(inspect.signature(cls).parameters), "")
