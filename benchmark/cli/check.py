"""The verb ``check``: a verdict on every property that users of torch.optim rely on."""

import json
from collections.abc import Sequence
from itertools import groupby
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from benchmark.cli.options import OptimizerList
from benchmark.errors import UsageError
from benchmark.plain_text import plain
from optimizers.errors import SpecError
from optimizers.grammar import build_once, describe
from optimizers.spec import OptimizerSpec

if TYPE_CHECKING:
    from optimizers.conformance import Outcome

_MARKS = {"failed": "✗", "inconvenient": "!", "passed": "✓", "not applicable": "–"}
_COLOURS = {
    "failed": "red",
    "inconvenient": "yellow",
    "passed": "green",
    "not applicable": "bright_black",
    "not judged": "yellow",
}
_HEADINGS = {"failed": "wrong numbers", "inconvenient": "inconvenient"}
_NOT_JUDGED = 2  # exit code: some optimizer could not be tested at all

_LONGEST = 1000  # characters of a refusal


@click.command(name="check")
@click.argument("optimizers", nargs=-1, required=True, type=OptimizerList())
@click.option("-v", "--verbose", is_flag=True, help="Print every property and its purpose.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def command(optimizers: Sequence[str], verbose: bool, as_json: bool) -> int:
    """Check whether each of OPTIMIZERS has the properties that users of torch.optim rely on.

    Each is a name or an import path with hyperparameters, as in --opts: adam,
    torch.optim.AdamW:weight_decay=0.05, mypkg.MyOpt:lr=0.01.

    The exit code is 1 if an optimizer gives wrong numbers silently, and 2 if any optimizer cannot
    be judged.
    """
    verdicts: dict[OptimizerSpec, list[Outcome]] = {}
    refusals: list[str] = []
    for spec in _specs(",".join(optimizers)):
        try:
            verdicts[spec] = _examine(spec)
        except (UsageError, SpecError) as error:
            refusals.append(str(error))
            continue
        if not as_json:
            _print(spec, verdicts[spec], is_verbose=verbose)
    if as_json:
        click.echo(json.dumps([_as_json(*verdict) for verdict in verdicts.items()], indent=1))
    for refusal in refusals:
        click.echo(f"Error: {plain(refusal, most=_LONGEST)}", err=True)
    codes = [_exit_code(outcomes) for outcomes in verdicts.values()]
    return max([*codes, *[_NOT_JUDGED] * bool(refusals)])


def short_report(spec: OptimizerSpec, *, if_failed: str) -> list[str]:
    """Return a line for each property that fails, or one that says that none does.

    Args:
        spec: The optimizer.
        if_failed: The last line if a property fails or the optimizer cannot be judged.

    Raises:
        UsageError: the optimizer cannot be judged.
    """
    outcomes = _examine(spec)
    if outcomes[0].status == "not judged":
        return [f"check       {spec.label} cannot be judged: {outcomes[0].reason}", if_failed]
    failed = [each for each in outcomes if each.status == "failed"]
    lines = [
        f"check       {_MARKS['failed']} {spec.label}: {each.check.name}: {each.reason}"
        for each in failed
    ]
    if lines:
        return [*lines, if_failed]
    judged = sum(each.status != "not applicable" for each in outcomes)
    return [f"check       {_MARKS['passed']} {spec.label}: {judged} properties, none fails"]


def _specs(text: str) -> list[OptimizerSpec]:
    specs = describe(text)
    for spec in specs:
        if not spec.schedule.constant:
            raise UsageError(f"{spec.label}: check takes no schedule and no warmup, leave them out")
    return specs


def _examine(spec: OptimizerSpec) -> "list[Outcome]":
    from optimizers.conformance import examine

    try:
        build_once([spec])
        return examine(spec)
    except SpecError:
        raise
    except Exception as error:  # a user's class may raise anything
        words = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"{spec.label} cannot be built over three random matrices: {words}. Give the "
            f"arguments that it needs, as in {spec.name}:argument=value. If it needs a certain "
            "model, `run` tries it on yours"
        ) from None


def _exit_code(outcomes: "list[Outcome]") -> int:
    statuses = {outcome.status for outcome in outcomes}
    return _NOT_JUDGED if "not judged" in statuses else int("failed" in statuses)


def _print(spec: OptimizerSpec, outcomes: "list[Outcome]", *, is_verbose: bool) -> None:
    click.secho(f"\n{spec.label}", bold=True, nl=False)
    click.echo(f"  {spec.target.replace(':', '.')}")
    if outcomes[0].status == "not judged":
        click.secho(f"  cannot be judged: {outcomes[0].reason}", fg=_COLOURS["not judged"])
        return
    for status, heading in _HEADINGS.items():
        _print_those(outcomes, status, heading)
    if is_verbose:
        for theme, group in groupby(outcomes, key=lambda outcome: outcome.check.theme):
            click.echo(f"\n  {theme}")
            for outcome in group:
                _print_in_full(outcome)
    _print_count(spec, outcomes)


def _print_those(outcomes: "list[Outcome]", status: str, heading: str) -> None:
    """Print a heading and a line for each outcome of that status, if there are any."""
    those = [outcome for outcome in outcomes if outcome.status == status]
    if those:
        click.secho(f"\n  {heading}", fg=_COLOURS[status])
    for outcome in those:
        mark = click.style(_MARKS[status], fg=_COLOURS[status])
        click.echo(f"    {mark} {outcome.check.name}: {outcome.reason}")


def _print_in_full(outcome: "Outcome") -> None:
    mark = click.style(_MARKS[outcome.status], fg=_COLOURS[outcome.status])
    click.echo(f"    {mark} {outcome.check.name}")
    click.echo(_indented(outcome.check.meaning))
    if outcome.reason:
        click.secho(_indented(outcome.reason), fg=_COLOURS[outcome.status])


def _print_count(spec: OptimizerSpec, outcomes: "list[Outcome]") -> None:
    counts = {status: sum(each.status == status for each in outcomes) for status in _MARKS}
    words = (
        f"{counts['failed']} give wrong numbers, {counts['inconvenient']} are inconvenient, "
        f"{counts['passed']} hold, {counts['not applicable']} do not apply"
    )
    worst = next(status for status in _MARKS if counts[status])
    click.secho(f"\n{spec.label}: of {len(outcomes)} properties {words}", fg=_COLOURS[worst])


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
        "passes": _exit_code(outcomes) == 0,
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
