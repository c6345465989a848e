"""``python -m benchmark``: exit codes and one-line errors; the verbs are in `benchmark.cli`.

Before the handler of Ctrl-C and SIGTERM is installed, only the standard library is imported here.
"""

import errno
import os
import signal
import sys
import warnings
from contextlib import suppress
from types import FrameType
from typing import Any

_MACHINE_TROUBLE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EAGAIN,
    errno.EFBIG,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
_LONGEST = 1_000  # characters of a message; the middle of a longer one is cut out
DONE, SOME_FAILED, USAGE, NO_DATA, INTERRUPTED = 0, 1, 2, 3, 130
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)
_SET_UP = "run make setup, and then source .venv/bin/activate"
_INTERRUPTED_WORDS = "interrupted; the same command goes on where it stopped"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code.

    0 done, 1 some trial failed, 2 bad usage, 3 data unavailable, 130 interrupted.
    """
    before = {signum: signal.getsignal(signum) for signum in _INTERRUPTIONS}
    with suppress(ValueError):  # only the main thread may set a handler
        for signum in _INTERRUPTIONS:
            signal.signal(signum, _interrupt)
    try:
        from benchmark.cli.streams import lasting_streams

        with lasting_streams():
            warnings.showwarning = _warn
            return _answered(arguments)
    except KeyboardInterrupt:
        return _say(_INTERRUPTED_WORDS, INTERRUPTED)
    finally:
        with suppress(ValueError):
            for signum, handler in before.items():
                signal.signal(signum, handler)


def _answered(arguments: list[str] | None) -> int:
    """Run the command line, print an error as one line, and return the exit code."""
    try:
        import click

        from benchmark.cli.mistakes import cure_of
        from benchmark.errors import BenchmarkError
        from datamodules.errors import DataError
        from optimizers.errors import OptimizerError
    except ModuleNotFoundError as error:
        return _say(f"{error.name} is not installed in {sys.executable}: {_SET_UP}", USAGE)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return _called(given)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USAGE
    except click.ClickException as error:
        return _say(cure_of(error, given) or error.format_message(), USAGE)
    except (BenchmarkError, OptimizerError) as error:
        return _say(str(error), USAGE)
    except DataError as error:
        return _say(str(error), NO_DATA)
    except click.Abort:
        return _say(_INTERRUPTED_WORDS, INTERRUPTED)
    except OSError as error:
        return _say_of_machine(error)


def _called(arguments: list[str]) -> int:
    import click

    from benchmark.cli.group import benchmark

    try:
        code = benchmark.main(
            args=arguments,
            prog_name="python -m benchmark",
            complete_var="_OPTIMIZER_BENCHMARK_COMPLETE",
            standalone_mode=False,
        )
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):  # click turns EOFError into Abort
            raise OSError(errno.EIO, f"something ended too early: {error.__cause__!r}") from None
        raise
    return code if isinstance(code, int) else DONE


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Handle Ctrl-C and SIGTERM: raise KeyboardInterrupt, but exit at once during an import.

    A module that is being imported may swallow the exception.
    """
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            with suppress(Exception):
                _say(_INTERRUPTED_WORDS, INTERRUPTED)
                sys.stderr.flush()
            os._exit(INTERRUPTED)  # workers, if there are any, end with this process
        frame = frame.f_back
    raise KeyboardInterrupt


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    _write("warning: ", message)


def _say(message: str, code: int) -> int:
    _write("Error: " if code != INTERRUPTED else "", message)
    return code


def _say_of_machine(error: OSError) -> int:
    if error.errno in _MACHINE_TROUBLE:
        return _say(f"{error}; finished trials are kept", SOME_FAILED)
    if error.filename is None:
        return _say(str(error), USAGE)
    return _say(
        f"{error.filename}: {error.strerror}. Expected a place that can be read and "
        "written: name another one",
        USAGE,
    )


def _write(kind: str, message: object) -> None:
    from benchmark.plain_text import plain

    if sys.stderr is not None:
        sys.stderr.write(f"{kind}{plain(message, most=_LONGEST)}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
