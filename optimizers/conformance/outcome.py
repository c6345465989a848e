"""Checks and their outcomes, with silent faults distinguished from loud ones."""

import dis
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Literal

from optimizers.conformance.sandbox import sandbox
from optimizers.conformance.subject import NotApplicable, Subject
from optimizers.errors import NoGroupsError

Status = Literal["passed", "failed", "inconvenient", "not applicable", "not judged"]

_LONGEST = 200  # characters of an optimizer's error message


class Failure(Exception):  # noqa: N818  (it is a verdict, not an error of the program)
    """The optimizer gives wrong numbers and says nothing; the message shows them."""


class Inconvenience(Exception):  # noqa: N818  (it is a verdict, not an error of the program)
    """The property does not hold, but the numbers of a usual run are still right."""


class Difference(Failure):
    """Two runs that should agree differ; this means nothing if steps are random."""


_STATUSES: dict[type[Exception], Status] = {
    Failure: "failed",
    Inconvenience: "inconvenient",
    NotApplicable: "not applicable",
    NoGroupsError: "not applicable",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One property that an optimizer may have or lack.

    Args:
        theme: Heading of the check in verdicts.
        run: Function that raises `Failure` if the property does not hold and `NotApplicable` if it
            has no meaning. Its name states the property, the first line of its docstring the
            reason why it matters.
    """

    theme: str
    run: Callable[[Subject], None]

    @property
    def name(self) -> str:
        """The property as a sentence."""
        return self.run.__name__.replace("_", " ")

    @property
    def meaning(self) -> str:
        """The use of the property in one sentence."""
        return (inspect.getdoc(self.run) or "").partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one check.

    Args:
        check: The check.
        status: ``passed``; ``failed`` if numbers are silently wrong; ``inconvenient`` if an error
            is raised or a convenience of torch.optim is missing;
            ``not applicable``; ``not judged`` if no check can be run.
        reason: The numbers of a failure, or why the check has no meaning here; empty if passed.
    """

    check: Check
    status: Status
    reason: str = ""


def apply(check: Check, subject: Subject) -> Outcome:
    """Return the outcome of `check`; an error that the optimizer raises is an inconvenience."""
    try:
        with sandbox():
            check.run(subject)
    except Exception as error:  # an optimizer of anyone's may raise anything
        return _outcome_of(error, check, subject)
    return Outcome(check=check, status="passed")


def _outcome_of(error: Exception, check: Check, subject: Subject) -> Outcome:
    if isinstance(error, Difference) and subject.is_random:
        why = "its steps are random, and this compares two runs"
        return Outcome(check=check, status="not applicable", reason=why)
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return Outcome(check=check, status=status, reason=str(error))
    return Outcome(check=check, status="inconvenient", reason=f"raised {in_words(error)}")


@contextmanager
def unless_refused(what: str) -> Iterator[None]:
    """Turn an error that the optimizer raises on purpose into `NotApplicable`.

    An error from within an operation of torch passes through: its author did not foresee the case.
    """
    try:
        yield
    except (Failure, Inconvenience, NotApplicable):
        raise
    except Exception as error:
        if not _is_on_purpose(error.__traceback__):
            raise
        raise NotApplicable(f"it refuses {what}: {first_line(error)}") from None


def _is_on_purpose(traceback: TracebackType | None) -> bool:
    """Return whether the innermost frame is an optimizer's and ended in `raise`, not in a call."""
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = str(traceback.tb_frame.f_globals.get("__name__"))
    if module.startswith("torch.") and not module.startswith("torch.optim."):
        return False
    code = traceback.tb_frame.f_code
    return code.co_code[traceback.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def in_words(error: Exception) -> str:
    """Return the type, first line and location of an error."""
    frames = extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first_line(error)}{place}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, without torch's notes for developers."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
