"""The run of all checks on one optimizer; if plain steps fail, the other checks refer to that."""

from collections.abc import Iterable

from optimizers.conformance.making import Source
from optimizers.conformance.outcome import Check, Outcome, apply
from optimizers.conformance.probe import look_at
from optimizers.conformance.subject import Subject
from optimizers.conformance.table import CHECKS, STANDS_ON
from optimizers.errors import NotJudgedError


def examine(source: Source, checks: Iterable[Check] = CHECKS) -> list[Outcome]:
    """Return the outcome of each check of an optimizer.

    Args:
        source: A class, a partial of one or an `OptimizerSpec`, built as a study builds it; or a
            function of parameters or groups, and of the hyperparameters that its signature names.
        checks: Checks to run; the first of the table, that plain steps are taken, always runs.

    Raises:
        Exception: any error of the optimizer when it is built over three random matrices.
    """
    others = [check for check in checks if check is not CHECKS[0]]
    try:
        subject = look_at(source)
    except NotJudgedError as error:
        return [
            Outcome(check=check, status="not judged", reason=str(error))
            for check in (CHECKS[0], *others)
        ]
    plain = apply(CHECKS[0], subject)
    if plain.status == "passed":
        return [plain, *_outcomes(others, subject)]
    return [plain] + [_resting_on(CHECKS[0], check) for check in others]


def _outcomes(checks: Iterable[Check], subject: Subject) -> list[Outcome]:
    """Return the outcomes; one that is no worse than that of a check it stands on refers to it."""
    found: dict[str, Outcome] = {}
    for check in checks:
        outcome = apply(check, subject)
        base = found.get(STANDS_ON.get(check.name, ""))
        if base and _is_bad(outcome) and base.status in ("failed", outcome.status):
            outcome = _resting_on(base.check, check)
        found[check.name] = outcome
    return list(found.values())


def _is_bad(outcome: Outcome) -> bool:
    return outcome.status in ("failed", "inconvenient")


def _resting_on(base: Check, check: Check) -> Outcome:
    why = f"it fails to do what this stands on: {base.name}"
    return Outcome(check=check, status="not applicable", reason=why)
