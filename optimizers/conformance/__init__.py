"""Properties that any `torch.optim.Optimizer` should have, each one a check to run on a factory.

    from optimizers.conformance import examine

    for outcome in examine(MyOpt):
        print(outcome.status, outcome.check.name, outcome.reason)

A factory takes parameters or groups and returns an optimizer: a class, a partial of one, a lambda.
Needs torch alone. For a printed verdict: ``python -m benchmark check mypkg.MyOpt``.
"""

from optimizers.conformance.examine import examine
from optimizers.conformance.outcome import Check, Failure, Outcome
from optimizers.conformance.probe import look_at
from optimizers.conformance.subject import NotApplicable, Subject
from optimizers.conformance.table import CHECKS

__all__ = [
    "CHECKS",
    "Check",
    "Failure",
    "NotApplicable",
    "Outcome",
    "Subject",
    "examine",
    "look_at",
]
