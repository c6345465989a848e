"""The verb ``compare``: a verdict on optimizers, compared with tuned baselines."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import click

from benchmark.cli.options import Names, OptimizerList, Whole
from benchmark.cli.run import request_of
from benchmark.cli.study_options import Outside, carry_out, study_options
from benchmark.errors import UsageError
from benchmark.planning import Planner
from benchmark.problems import PROBLEMS, everyday_problems
from benchmark.request import Request
from optimizers.errors import SpecError
from optimizers.grammar import describe_tunables
from optimizers.pick import is_import_path, shown
from optimizers.tunable import Tunable

BASELINES = "adam,sgd,momentum"
_GOES_ON = (
    "check       the study goes on, because the optimizer may train all the same; if what fails is "
    "not meant, stop with Ctrl-C and mend it: an edit trains all of its trials again"
)
_STOPS = "The study does not start"
_LONGEST = 80  # characters of a study's name


@click.command(name="compare")
@click.argument("optimizers", nargs=-1, required=True, type=OptimizerList())
@click.option(
    "--on",
    "problems",
    type=Names("problem", list(PROBLEMS), pairs=True, everyday=everyday_problems()),
    default="mlp/mnist",
    show_default=True,
    help="Problems to compare on: names such as logreg/mnist, or MODEL/DATASET with import paths.",
)
@click.option(
    "--against",
    type=OptimizerList(),
    default=BASELINES,
    show_default=True,
    help="Baselines, tuned like your optimizer. The first is the reference of all verdicts.",
)
@click.option(
    "--budget",
    "tune",
    type=Whole(10_000, hint="how many points each optimizer tries"),
    default=16,
    show_default=True,
    help="Number of points that each optimizer tries before it is trained on fresh seeds.",
)
@click.option(
    "--check/--no-check",
    default=True,
    help="Check the properties of your optimizer first, as the verb check does.",
)
@study_options(seeds=10, study=None)
def command(
    optimizers: tuple[str, ...], against: str, check: bool, study: str | None, **options: Any
) -> int:
    """Tune each of OPTIMIZERS and baselines alike, compare them, and print verdicts.

    An optimizer is a name or an import path, with ranges to tune if you like:
    mine.MyOpt:lr=1e-4..1e-1:beta=0.8..0.999. All optimizers try the same number of points on tuning
    seeds. The best point of each is then trained on fresh seeds, and only these results are
    compared. The plan and its cost are printed before the start. After Ctrl-C, the same command
    continues; with other options it is another study.
    """
    mine = ",".join(optimizers)
    own = describe_tunables(mine, options["space"])
    others = describe_tunables(against, options["space"])
    _check_distinct(own, others)
    outside = Outside.taken_from(options, study or _study_name([each.label for each in own]))
    is_new = any(each not in others for each in own)
    options |= {
        "opts": ",".join([against, *([mine] if is_new else [])]),
        "reference": others[0].label,
    }
    request = request_of(options)
    if study is None:
        outside = _in_a_study_of_its_own(request, outside)
    if check and not outside.dry_run and Planner(request, outside.store()).plan().missing:
        _check(mine, options["space"], quiet=outside.as_json)
    return carry_out(request, outside)


def _check_distinct(own: Sequence[Tunable], others: Sequence[Tunable]) -> None:
    """Check that there is something to compare, and that no label means two optimizers.

    Raises:
        UsageError: the message says what to write.
    """
    baselines = {each.label: each for each in others}
    for each in own:
        if baselines.get(each.label, each) != each:
            raise UsageError(
                f"{shown(each.label)} is also one of the baselines, tuned over other values: "
                f"give yours another name, as in {each.name}@mine:…"
            )
    if len({each.label for each in (*own, *others)}) == 1:
        raise UsageError(
            f"{shown(own[0].label)} would be compared only with itself: name other "
            "optimizers, as in --against adam,sgd"
        )


def _in_a_study_of_its_own(request: Request, outside: Outside) -> Outside:
    """Return `outside` with a study that this comparison neither spoils nor gives other problems.

    The name gets a number if the study of that name was declared otherwise and has results.
    """
    reasons: list[tuple[str, tuple[str, ...], str]] = []
    for number in count(2):
        planner = Planner(request, outside.store())
        spoilt = planner.spoiling()
        changes = spoilt or planner.other_problems()
        if not changes:
            break
        outcome = "have no verdicts" if spoilt else "be one comparison, with all of these problems"
        reasons.append((outside.study, changes, outcome))
        base = reasons[0][0]
        outside = replace(outside, study=f"{base[: _LONGEST - 1 - len(str(number))]}-{number}")
    if reasons:
        name, changes, outcome = reasons[0]
        click.echo(
            f"NOTICE: study {name} was declared otherwise ({changes[0]}"
            f"{', …' * (len(changes) > 1)}), so this one is {outside.study}; with --study {name} "
            f"it would {outcome}",
            err=True,
        )
    return outside


def _study_name(labels: list[str]) -> str:
    """Return a name for the study of these optimizers.

    >>> _study_name(["mine.MyOpt", "my sgd"])
    'compare-mine.MyOpt-my_sgd'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(["compare", *labels]))[:_LONGEST]


def _check(text: str, space: Any, *, quiet: bool) -> None:
    """Check the properties of each optimizer that is not registered, and say what fails.

    Raises:
        UsageError: an optimizer cannot be built, so that the study does not start.
    """
    from benchmark.cli.check import short_report

    for tunable in describe_tunables(text, space):
        if not is_import_path(tunable.name):
            continue
        try:
            lines = short_report(tunable.defaults(), if_failed=_GOES_ON)
        except UsageError as error:
            raise UsageError(
                f"{error}. {_STOPS}; --no-check starts it without this check"
            ) from None
        except SpecError as error:  # the class refuses its values, which no option helps
            raise UsageError(f"{error}. {_STOPS}") from None
        for line in lines:
            click.echo(line, err=quiet)
