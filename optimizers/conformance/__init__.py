"""Properties that any `torch.optim.Optimizer` should have, as checks that run on a factory.

    from optimizers.conformance import examine

    for outcome in examine(MyOpt):
        print(outcome.status, outcome.check.name, outcome.reason)

A factory takes parameters or groups and returns an optimizer: a class, a partial of one, a lambda.
The package needs only torch. ``python -m benchmark check mypkg.MyOpt`` prints a verdict.
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
