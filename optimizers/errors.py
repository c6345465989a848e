"""The errors of the optimizers.

::

    OptimizerError
    ├── UnknownNameError   a name that is not in a table
    ├── SpecError          an invalid description of an optimizer
    ├── SourceError        a file in which no class can be found
    ├── NoGroupsError      a class that does not accept parameter groups
    ├── CompilerError      a kernel that cannot be compiled here
    └── NotJudgedError     an optimizer that takes no step in any way that a check tries

Values that an optimizer refuses are ValueError or TypeError, as in torch.optim. The verdicts in
`optimizers.conformance` are no errors of the program and stand apart.
"""


class OptimizerError(Exception):
    """Any error of this package that is not torch's own kind; the message is one clear line."""


class UnknownNameError(OptimizerError, ValueError):
    """A name that is not in a table; the message suggests similar names and lists all."""


class SpecError(OptimizerError, ValueError):
    """An invalid description of an optimizer; the message is one line."""


class SourceError(OptimizerError, ValueError):
    """A file in which no class can be found; the message is one line."""


class NoGroupsError(OptimizerError, TypeError):
    """Parameter groups were given to a class that does not accept them."""


class CompilerError(OptimizerError, RuntimeError):
    """`torch.compile` cannot make a kernel on this machine; no tensor was changed."""


class NotJudgedError(OptimizerError):
    """The optimizer takes no step in any way tried; the message has the first error."""


def exit_words(error: SystemExit) -> str:
    """Return what a user's module or class did that ended the process, with its message.

    >>> exit_words(SystemExit(2)), exit_words(SystemExit("needs a GPU"))
    ('it called sys.exit(2)', 'needs a GPU')
    """
    words = " ".join(error.code.split()) if isinstance(error.code, str) else ""
    return words or f"it called sys.exit({'' if error.code is None else error.code})"
