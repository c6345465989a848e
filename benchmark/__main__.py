"""``python -m benchmark``: exit codes and one-line errors; the verbs are in `benchmark.cli`."""

import errno
import os
import sys
import warnings
from typing import Any

import click

from benchmark.cli.group import benchmark
from benchmark.cli.mistakes import cure_of
from benchmark.spec import UsageError
from datamodules.errors import DataError
from optimizers.pick import UnknownNameError

_MACHINE_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_LONGEST_WORD = 300  # characters; paths are words
_LONGEST_LINE = 1_000
DONE, SOME_FAILED, USAGE, NO_DATA, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code.

    0 done, 1 some trial failed, 2 bad usage, 3 data unavailable, 130 interrupted.
    """
    warnings.showwarning = _warn
    try:
        code = benchmark.main(
            args=arguments,
            prog_name="python -m benchmark",
            complete_var="_OPTIMIZER_BENCHMARK_COMPLETE",
            standalone_mode=False,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USAGE
    except click.ClickException as error:
        return _say(cure_of(error) or error.format_message(), USAGE)
    except (UsageError, UnknownNameError) as error:
        return _say(str(error), USAGE)
    except DataError as error:
        return _say(str(error), NO_DATA)
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted; the same command goes on where it stopped", INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return DONE
    except OSError as error:
        return _say_of_machine(error)
    return code if isinstance(code, int) else DONE


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"warning: {message}", err=True)


def _say(message: str, code: int) -> int:
    line = _bounded(" ".join(message.split()))
    click.echo(f"Error: {line}" if code != INTERRUPTED else line, err=True)
    return code


def _say_of_machine(error: OSError) -> int:
    if error.errno in _MACHINE_TROUBLE:
        return _say(f"{error}; finished trials are kept", SOME_FAILED)
    return _say(str(error), USAGE)


def _bounded(line: str) -> str:
    """Return `line` printable and of readable length; a cure at its end stays."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    words = (w if len(w) <= _LONGEST_WORD else w[:80] + "…" for w in printable.split(" "))
    short = " ".join(words)
    return (
        short if len(short) <= _LONGEST_LINE else f"{short[: _LONGEST_LINE // 2]} … {short[-300:]}"
    )


if __name__ == "__main__":
    sys.exit(main())
