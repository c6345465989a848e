"""The import hook for recorded names: `optimizers.adam` finds the module `optimizers.rules.adam`.

Records and pickles name the class of an optimizer as ``optimizers.adam:Adam``, and that name is
part of the digest that is a trial's key. It stays the same wherever the files of the rules lie.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

_PACKAGE, _RULES = "optimizers", "optimizers.rules"
_FOLDER = (str(Path(__file__).with_name("rules")),)


class RuleFinder(MetaPathFinder, Loader):
    """Import hook that gives a rule's module for the rule's recorded name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec if a rule of this name exists."""
        package, _, name = fullname.rpartition(".")
        if package != _PACKAGE:
            return None
        real = PathFinder.find_spec(f"{_RULES}.{name}", _FOLDER)
        return real and spec_from_loader(fullname, self, origin=real.origin)

    def exec_module(self, module: ModuleType) -> None:
        """Replace `module` by the rule's module, so that its class exists only once."""
        sys.modules[module.__name__] = import_module(
            f"{_RULES}.{module.__name__.rpartition('.')[2]}"
        )


def address_of(target: str) -> str:
    """Return the name in records of the class at `target`.

    >>> address_of("optimizers.rules.adam:Adam")
    'optimizers.adam:Adam'
    """
    name = target.removeprefix(f"{_RULES}.")
    return target if name == target else f"{_PACKAGE}.{name}"


def install() -> None:
    """Put the hook before all finders, which may know another copy of the package."""
    if not any(isinstance(finder, RuleFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, RuleFinder())
