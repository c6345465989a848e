"""What a check is, and what comes out of it: silent faults apart from loud ones."""

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
from optimizers.construct import NoGroupsError

Status = Literal["passed", "failed", "inconvenient", "not applicable", "not judged"]

_LONGEST = 200  # characters of what an optimizer says in an error


class Failure(Exception):  # noqa: N818  (it is a verdict, not an error of the program)
    """The optimizer gives wrong numbers and says nothing; the message shows them."""


class Inconvenience(Exception):  # noqa: N818  (it is a verdict, not an error of the program)
    """The property does not hold, but no number of a usual run is wrong for that."""


class Difference(Failure):
    """Two runs that should agree do not; where steps are random this says nothing."""


_STATUSES: dict[type[Exception], Status] = {
    Failure: "failed",
    Inconvenience: "inconvenient",
    NotApplicable: "not applicable",
    NoGroupsError: "not applicable",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One property that an optimizer has or has not.

    Args:
        theme: What it is about, a heading in verdicts.
        run: Returns if the property holds and raises `Failure` or `NotApplicable` if not. Its name
            is the property, the first line of its docstring says why it matters.
    """

    theme: str
    run: Callable[[Subject], None]

    @property
    def name(self) -> str:
        """The property as a sentence."""
        return self.run.__name__.replace("_", " ")

    @property
    def meaning(self) -> str:
        """What the property is good for, in one sentence."""
        return (inspect.getdoc(self.run) or "").partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of one check.

    Args:
        check: The check.
        status: ``passed``; ``failed`` if numbers are silently wrong; ``inconvenient`` if an error
            is raised or something is missing that users of torch.optim are used to;
            ``not applicable``; ``not judged`` if no check can be run.
        reason: The numbers of a failure, or why the check has no meaning here; empty if passed.
    """

    check: Check
    status: Status
    reason: str = ""


def apply(check: Check, subject: Subject) -> Outcome:
    """Return what comes out of `check`; an error that the optimizer raises is an inconvenience."""
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

    An error out of an operation of torch passes: nobody has thought of the case then.
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
    """Whether the innermost frame is an optimizer's and stopped at `raise`, not in a call."""
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = str(traceback.tb_frame.f_globals.get("__name__"))
    if module.startswith("torch.") and not module.startswith("torch.optim."):
        return False
    code = traceback.tb_frame.f_code
    return code.co_code[traceback.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def in_words(error: Exception) -> str:
    """Return the type, the first line and the place of an error."""
    frames = extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first_line(error)}{place}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's message; what torch appends for developers is cut off."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
