"""``check``: does an optimizer keep what users of torch.optim count on? A verdict per property."""

import json
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pkgutil import resolve_name
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from benchmark.cli.options import OptimizerList
from benchmark.spec import UsageError
from optimizers.grammar import parse
from optimizers.spec import OptimizerSpec, SpecError

if TYPE_CHECKING:
    from optimizers.conformance import Outcome

_MARKS = {"passed": "✓", "failed": "✗", "not applicable": "–"}
_COLOURS = {"passed": "green", "failed": "red", "not applicable": "bright_black"}


@click.command(name="check")
@click.argument("optimizers", nargs=-1, required=True, type=OptimizerList())
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def command(optimizers: Sequence[str], as_json: bool) -> int:
    """Check what users of torch.optim count on, for each of OPTIMIZERS.

    Each is a name or an import path with hyperparameters, as in --opts: adam,
    torch.optim.AdamW:weight_decay=0.05, mypkg.MyOpt:lr=0.01.
    """
    specs = _specs(",".join(optimizers))
    verdicts = {spec: _examine(spec) for spec in specs}
    if as_json:
        click.echo(json.dumps([_as_json(*verdict) for verdict in verdicts.items()], indent=1))
    else:
        for spec, outcomes in verdicts.items():
            _print(spec, outcomes)
    return int(any(each.status == "failed" for found in verdicts.values() for each in found))


def _specs(text: str) -> list[OptimizerSpec]:
    try:
        specs = parse(text)
    except SpecError as error:
        raise UsageError(str(error)) from None
    for spec in specs:
        if not spec.schedule.constant:
            raise UsageError(f"{spec.label}: check takes no schedule and no warmup, leave them out")
    return specs


def _examine(spec: OptimizerSpec) -> "list[Outcome]":
    from optimizers.conformance import examine

    try:
        return examine(partial(resolve_name(spec.target), **spec.hyperparameters))
    except Exception as error:  # a class of anyone's may raise anything
        words = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{spec.label} cannot be built over three matrices: {words}") from None


def _print(spec: OptimizerSpec, outcomes: "list[Outcome]") -> None:
    click.secho(f"\n{spec.label}", bold=True, nl=False)
    click.echo(f"  {spec.target.replace(':', '.')}")
    for theme, group in groupby(outcomes, key=lambda outcome: outcome.check.theme):
        click.echo(f"\n  {theme}")
        for outcome in group:
            _print_one(outcome)
    counts = [sum(each.status == status for each in outcomes) for status in _MARKS]
    words = "{} properties hold, {} do not, {} do not apply".format(*counts)
    click.secho(f"\n{spec.label}: {words}", fg=_COLOURS["failed" if counts[1] else "passed"])


def _print_one(outcome: "Outcome") -> None:
    mark = click.style(_MARKS[outcome.status], fg=_COLOURS[outcome.status])
    click.echo(f"    {mark} {outcome.check.name}")
    if outcome.status == "failed":
        click.echo(_indented(outcome.check.meaning))
    if outcome.reason:
        click.secho(_indented(outcome.reason), fg=_COLOURS[outcome.status])


def _indented(text: str) -> str:
    return fill(
        text,
        width=min(96, get_terminal_size().columns),
        initial_indent=" " * 8,
        subsequent_indent=" " * 8,
    )


def _as_json(spec: OptimizerSpec, outcomes: "list[Outcome]") -> dict[str, Any]:
    return {
        "optimizer": spec.label,
        "target": spec.target,
        "hyperparameters": spec.to_json()["hyperparameters"],
        "passes": all(outcome.status != "failed" for outcome in outcomes),
        "checks": [
            {
                "theme": outcome.check.theme,
                "property": outcome.check.name,
                "meaning": outcome.check.meaning,
                "status": outcome.status,
                "reason": outcome.reason,
            }
            for outcome in outcomes
        ],
    }
