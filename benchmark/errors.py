"""The errors of the benchmark; `benchmark.__main__` turns them into one line and an exit code.

::

    BenchmarkError             exit code 2 if it reaches the command line
    ├── UsageError             a request that cannot be carried out as it stands
    ├── PushError              W&B or a logger failed while a run was sent
    ├── ClosureNotCalledError  an optimizer breaks the contract of ``step(closure)``
    ├── ClaimedError           another process has a trial
    └── Misfit                 a file that the suite did not write; readers leave it out

The other two packages have roots of their own: `optimizers.errors.OptimizerError`, exit code 2, and
`datamodules.errors.DataError`, exit code 3.
"""

from benchmark.plain_text import error_line


class BenchmarkError(Exception):
    """Any error that the benchmark raises on purpose; the message is one clear line."""


class UsageError(BenchmarkError, ValueError):
    """A request that cannot be carried out as it stands; its message is one clear line."""


class PushError(BenchmarkError):
    """An error of W&B or a logger while a run was sent; the message is one line."""


class ClaimedError(BenchmarkError, BlockingIOError):
    """An error: another process has claimed the trial; the message names that process."""


class ClosureNotCalledError(BenchmarkError, RuntimeError):
    """An error: an optimizer took a step without calling its closure for loss and gradients.

    Args:
        optimizer: The optimizer.
        error: The error that its step raised instead, if any.
    """

    def __init__(self, optimizer: object, error: Exception | None = None) -> None:
        cause = f"{error_line(error, 150)}; " if error else ""
        super().__init__(
            f"{cause}{type(optimizer).__name__}.step takes a closure and did not call it, so there "
            "are no gradients: begin it with loss = closure(), or let step take no closure. If it "
            "needs gradients before that, give it as NAME:gradients=first (docs/plugins.md)"
        )


class Misfit(BenchmarkError, ValueError):  # noqa: N818  # it is a fault of a file, not of the program
    """A file that the suite did not write; the message says in one line what is wrong and where."""
