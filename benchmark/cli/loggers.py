"""The option ``--logger``: Lightning loggers, by import path, to which a study is copied."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from benchmark.errors import UsageError
from benchmark.mirror.logger import LoggerSink, LoggerSpec, parse_logger
from benchmark.spec import Trial
from benchmark.store import Store


class LoggerText(click.ParamType[LoggerSpec]):
    """``IMPORT.PATH:argument=value:…``."""

    name = "logger"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> LoggerSpec:
        """Return the logger that the text describes."""
        if isinstance(value, LoggerSpec):
            return value
        try:
            return parse_logger(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


def _each_once(
    ctx: click.Context, param: click.Parameter, specs: tuple[LoggerSpec, ...]
) -> tuple[LoggerSpec, ...]:
    for index, spec in enumerate(specs):
        if spec in specs[:index]:
            raise click.BadParameter(f"{spec.path} is given twice", ctx, param)
    return specs


def logger_option(help_text: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return the decorator that adds ``--logger``, which may be given several times."""
    return click.option(
        "--logger",
        "loggers",
        type=LoggerText(),
        multiple=True,
        callback=_each_once,
        metavar="IMPORT.PATH:ARG=VALUE:…",
        help=help_text,
    )


def logger_sinks(specs: Sequence[LoggerSpec], store: Store) -> list[LoggerSink]:
    """Return the sinks of the loggers after a check of their classes and arguments.

    No logger is built yet.

    Raises:
        UsageError: a class or an argument does not fit.
    """
    if not specs:
        return []
    from benchmark.plugins import logger_class  # loads Lightning

    return [LoggerSink(spec, logger_class(spec.path), store) for spec in specs]


def try_loggers(sinks: Sequence[LoggerSink], trial: Trial) -> list[str]:
    """Build the loggers of `trial`, and return a line for each with the place it writes to.

    Raises:
        UsageError: a logger cannot be built, or two write to the same folder.
    """
    lines, taken = [], set()
    for sink in sinks:
        run = sink.try_first(trial)
        folder, root = run.folder(), run.root()
        if folder in taken:
            raise UsageError(f"two loggers write to {folder}: give one of them another save_dir")
        if folder != root:
            taken.add(folder)
        place = root or sink.folder
        lines.append(f"{sink.name}: {f'in {place}' if place else 'one logger for each trial'}")
    return lines
