"""``python -m benchmark``: exit codes and one-line errors; the verbs are in `benchmark.cli`."""

import errno
import os
import sys
import warnings
from typing import Any

import click

from benchmark.cli.group import benchmark
from benchmark.cli.mistakes import cure_of
from benchmark.plain_text import plain
from benchmark.spec import UsageError
from datamodules.errors import DataError
from optimizers.pick import UnknownNameError

_MACHINE_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_LONGEST = 1_000  # characters of a message; its middle is cut out
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
    click.echo(f"warning: {plain(message, most=_LONGEST)}", err=True)


def _say(message: str, code: int) -> int:
    message = plain(message, most=_LONGEST)
    click.echo(f"Error: {message}" if code != INTERRUPTED else message, err=True)
    return code


def _say_of_machine(error: OSError) -> int:
    if error.errno in _MACHINE_TROUBLE:
        return _say(f"{error}; finished trials are kept", SOME_FAILED)
    return _say(str(error), USAGE)


if __name__ == "__main__":
    sys.exit(main())
