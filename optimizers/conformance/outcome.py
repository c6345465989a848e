"""What a check is, and what comes out of it: passed, failed with numbers, or not applicable."""

import dis
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Literal

import torch

from optimizers.conformance.subject import NotApplicable, Subject

Status = Literal["passed", "failed", "not applicable"]


class Failure(Exception):  # noqa: N818  (it is a verdict, not an error of the program)
    """The property does not hold; the message has the numbers that show it."""


class Difference(Failure):
    """Two runs that should agree do not; where steps are random this says nothing."""


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
        status: ``passed``, ``failed`` or ``not applicable``.
        reason: The numbers of a failure, or why the check has no meaning here; empty if passed.
    """

    check: Check
    status: Status
    reason: str = ""


def apply(check: Check, subject: Subject) -> Outcome:
    """Return what comes out of `check`; whatever the optimizer raises is a failure of it."""
    try:
        with torch.random.fork_rng(devices=()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check.run(subject)
    except Difference as difference:
        if subject.is_random:
            why = "its steps are random, and this compares two runs"
            return Outcome(check=check, status="not applicable", reason=why)
        return Outcome(check=check, status="failed", reason=str(difference))
    except Failure as failure:
        return Outcome(check=check, status="failed", reason=str(failure))
    except NotApplicable as reason:
        return Outcome(check=check, status="not applicable", reason=str(reason))
    except Exception as error:  # an optimizer of anyone's may raise anything
        return Outcome(check=check, status="failed", reason=f"raised {_in_words(error)}")
    return Outcome(check=check, status="passed")


@contextmanager
def unless_refused(what: str) -> Iterator[None]:
    """Turn an error that the optimizer raises on purpose into `NotApplicable`.

    An error out of an operation of torch passes: nobody has thought of the case then.
    """
    try:
        yield
    except (Failure, NotApplicable):
        raise
    except Exception as error:
        if not _is_on_purpose(error.__traceback__):
            raise
        raise NotApplicable(f"it refuses {what}: {' '.join(str(error).split())}") from None


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


def _in_words(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({place})"
