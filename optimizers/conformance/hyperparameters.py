"""Checks that hyperparameters do what they say and that impossible ones are refused."""

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from optimizers.conformance.compare import copies, is_same, largest_gap, require_same, tensors_in
from optimizers.conformance.outcome import Difference, Failure, Inconvenience, unless_refused
from optimizers.conformance.subject import NotApplicable, Subject

_SET_BY_USERS = (
    "lr",
    "weight_decay",
    "momentum",
    "betas",
    "eps",
    "maximize",
    "nesterov",
    "amsgrad",
)
_NEVER_NEGATIVE = (
    "lr",
    "eps",
    "weight_decay",
    "momentum",
)  # names with one meaning in all optimizers


def weight_decay_has_an_effect(subject: Subject) -> None:
    """A weight_decay that is accepted and ignored spoils every comparison."""
    ends = [_far_end(subject, decay, seed=0) for decay in (0.0, 0.5)]
    if is_same(*ends):
        raise Failure("weight_decay=0.5 has given the same bits as weight_decay=0")


def weight_decay_pulls_to_zero(subject: Subject) -> None:
    """A weight_decay of the wrong sign makes weights grow, slowly enough to be overlooked."""
    cases = [subject.only_known(maximize=maximize) for maximize in (False, True)]
    for values in cases if "maximize" in subject.keywords else cases[:1]:
        pull = 0.0
        for seed, sign in product(range(2), (1.0, -1.0)):
            plain, decayed = (_far_end(subject, k, seed, sign, **values) for k in (0.0, 0.5))
            far = _far(subject)
            pull += sum(
                float(((d - p) * f).sum()) for p, d, f in zip(plain, decayed, far, strict=True)
            )
        if pull > 0:
            words = " with maximize" * bool(values.get("maximize"))
            raise Failure(f"weight_decay=0.5 moves weights away from zero{words}")


def a_step_is_proportional_to_the_learning_rate(subject: Subject) -> None:
    """A rate that is multiplied in twice makes small rates too small, and schedules too steep."""
    rate = _rate(subject)
    starts = copies(subject.parameters())
    ends = [_moves(subject, rate * factor / 64) for factor in (1.0, 2.0, 4.0)]
    lengths = [max(_norm(end, starts), 1e-300) for end in ends]
    growth = [longer / shorter for shorter, longer in pairwise(lengths)]
    if all(3.0 < each < 5.5 for each in growth):
        raise Failure(f"twice the learning rate moves {growth[0]:.3g} times as far: as its square")


def weight_decay_is_at_most_proportional_to_the_learning_rate(subject: Subject) -> None:
    """A decay that is multiplied by the rate twice vanishes at small rates."""
    rate = _rate(subject)
    pulls = []
    for factor in (1.0, 2.0, 4.0):
        ends = [_far_end(subject, decay, seed=0, lr=rate * factor / 64) for decay in (0.0, 0.5)]
        pulls.append(max(_norm(*ends), 1e-300))
    growth = [longer / shorter for shorter, longer in pairwise(pulls)]
    if all(3.0 < each < 5.5 for each in growth):
        raise Failure(f"twice the learning rate decays {growth[0]:.3g} times: as its square")


def hyperparameters_stay_as_they_were_set(subject: Subject) -> None:
    """Schedulers and users set the values in groups; a step must not change them."""
    optimizer = subject.build(subject.parameters())
    holders = {"": optimizer.param_groups[0], "the default of ": optimizer.defaults}
    before = _set_in(holders)
    for step in subject.span(4):
        subject.step(optimizer, subject.gradients(step))
    after = _set_in(holders)
    changes = [f"{n} from {before[n]} to {after[n]}" for n in before if before[n] != after[n]]
    if changes:
        raise Failure(f"steps changed {', '.join(changes)}")


def a_group_can_have_each_hyperparameter_of_its_own(subject: Subject) -> None:
    """A value set in a group must act as one given to the constructor, in that group alone."""
    if subject.is_random:
        raise NotApplicable("its steps are random, and this compares two runs")
    useless = []
    for name in sorted(subject.keywords & subject.defaults.keys()):
        for value in _other_values(subject.defaults[name]):
            gap = _gap_of_own(subject, name, value)
            if gap and name in _SET_BY_USERS:
                raise Failure(gap)
            useless += [gap] * bool(gap)
    if useless:  # a rule's special hyperparameter may be global by design
        raise Inconvenience(useless[0])


def a_learning_rate_in_a_tensor_stays_as_it_was(subject: Subject) -> None:
    """A rate in a tensor belongs to the code that made it, and several groups may share it."""
    lr = torch.tensor(_rate(subject), dtype=torch.float64)
    before = lr.clone()
    with unless_refused("a tensor as lr"):
        subject.run(subject.parameters(), lr=lr)
    require_same([lr], [before], "after 4 steps", kind="learning rate")


def ways_of_execution_agree(subject: Subject) -> None:
    """The foreach and fused modes must give the same numbers as the plain loop."""
    for name in {"foreach", "fused"} & subject.keywords:
        params, twins = subject.parameters(torch.float32), subject.parameters(torch.float32)
        try:
            fast = subject.build(params, **{name: True})
            subject.step(fast, subject.gradients(0, torch.float32))
        except Exception:
            continue
        slow = subject.build(twins, **{name: False})
        subject.step(slow, subject.gradients(0, torch.float32))
        for step in range(1, subject.start + 6):
            for optimizer in (fast, slow):
                subject.step(optimizer, subject.gradients(step, torch.float32))
        require_same(params, twins, f"with {name}=True", max(1e-4, subject.rounding))


def a_new_learning_rate_takes_effect(subject: Subject) -> None:
    """Schedulers set group["lr"] between steps; a value cached at construction ignores them."""
    plain = _after_new_rate(subject, 1)
    others = [_after_new_rate(subject, factor) for factor in (8, 1 / 8, 1 / 64)]
    resting = next((k for k in range(2) if all(is_same([o[k]], [plain[k]]) for o in others)), None)
    if resting is None:
        return
    group = ("the first", "the second")[resting]
    words = f"a new group['lr'] after step 3 changes no bit in {group} of two groups"
    if _carries_its_rate(subject):
        raise Inconvenience(f"{words}: steps have a size of their own, kept in the state")
    if switch_off := _switch_off_of_rate(subject, resting):
        raise Inconvenience(f"{words}, as long as {switch_off}")
    raise Failure(words)


def a_rate_a_little_changed_changes_steps_a_little(subject: Subject) -> None:
    """Schedules change the rate slightly at each step, which must not reset any state."""
    _rate(subject)
    plain, near = (_after_new_rate(subject, factor) for factor in (1.0, 1 + 1e-9))
    require_same(near, plain, "with a rate 1e-9 larger after step 3", max(1e-6, subject.rounding))


def a_learning_rate_can_be_a_tensor(subject: Subject) -> None:
    """A compiled or captured loop changes the rate in place, so it must be allowed as a tensor."""
    lr = _rate(subject)
    params, twins = subject.parameters(), subject.parameters()
    with unless_refused("a tensor as lr"):
        subject.run(params, lr=torch.tensor(lr, dtype=torch.float64))
    subject.run(twins, lr=lr)
    require_same(params, twins, "with lr in a tensor", max(1e-6, subject.rounding))


def maximize_climbs_what_minimize_descends(subject: Subject) -> None:
    """maximize=True on g must be minimize on -g, with weight decay as well."""
    for decay in ({}, subject.only_known(weight_decay=0.1)):
        params, twins = subject.parameters(), subject.parameters()
        climbing = subject.build(params, maximize=True, **decay)
        falling = subject.build(twins, maximize=False, **decay)
        for step in subject.span(4):
            grads = subject.gradients(step)
            subject.step(climbing, grads)
            subject.step(falling, [-grad for grad in grads])
        tolerance = max(
            1e-9 * subject.needs_closure, subject.rounding
        )  # line searches round differently
        try:
            require_same(params, twins, f"maximize{' with weight decay' * bool(decay)}", tolerance)
        except Difference as difference:
            if subject.needs_closure:  # the sign of the loss may matter too
                raise Inconvenience(str(difference)) from None
            raise


def unknown_hyperparameters_are_refused(subject: Subject) -> None:
    """A misspelt name that is silently ignored leaves the default in effect."""
    if not subject.keywords:
        raise NotApplicable("its factory takes parameters alone")
    try:
        subject.factory(subject.parameters(), no_such_hyperparameter=0.5)
    except Exception:  # any refusal will do
        return
    raise Inconvenience("no_such_hyperparameter=0.5 was accepted")


def negative_hyperparameters_are_refused(subject: Subject) -> None:
    """A rate of the wrong sign climbs, a negative eps divides by zero."""
    _require_refusal(subject, -1.0)


def nan_hyperparameters_are_refused(subject: Subject) -> None:
    """One nan in a hyperparameter turns every parameter into nan."""
    _require_refusal(subject, math.nan)


def _require_refusal(subject: Subject, value: float) -> None:
    names = [
        name for name in _NEVER_NEGATIVE if name in subject.keywords and _is_number(subject, name)
    ]
    if not names:
        raise NotApplicable("its factory takes no hyperparameters that this tests")
    accepted = []
    for name in names:
        try:
            subject.factory(subject.parameters(), **{name: value})
        except Exception:  # any refusal will do
            continue
        accepted.append(f"{name}={value:g}")
    if accepted:
        raise Inconvenience(f"accepted: {', '.join(accepted)}")


def _is_number(subject: Subject, name: str) -> bool:
    default = subject.defaults.get(name, 0.0)
    return isinstance(default, (int, float)) and not isinstance(default, bool)


def _rate(subject: Subject) -> float:
    if not isinstance(subject.defaults.get("lr"), (int, float, Tensor)):
        raise NotApplicable("its groups have no lr")
    return float(subject.defaults["lr"])


def _far(subject: Subject) -> list[Tensor]:
    return [10 * param.detach() for param in subject.parameters()]


def _far_end(
    subject: Subject, decay: float, seed: int, sign: float = 1.0, **values: Any
) -> list[Tensor]:
    """Return the weights after steps from far away, where decay is as large as the gradients."""
    params = [Parameter(tensor) for tensor in _far(subject)]
    optimizer = subject.build(params, weight_decay=decay, **values)
    with torch.random.fork_rng(devices=()):
        for step in subject.span(6):
            grads = subject.gradients(100 * seed + step)
            subject.step(optimizer, [sign * grad for grad in grads])
    return copies(params)


def _moves(subject: Subject, rate: float) -> list[Tensor]:
    params = subject.parameters()
    subject.run(params, lr=rate, **subject.only_known(weight_decay=0.0))
    return copies(params)


def _norm(ends: list[Tensor], starts: list[Tensor]) -> float:
    squares = [float(((a - b) ** 2).sum()) for a, b in zip(ends, starts, strict=True)]
    return math.sqrt(sum(squares))


def _after_new_rate(subject: Subject, factor: float) -> list[Tensor]:
    """Return the weights, flat for each of two groups, some steps after a change of rate."""
    params, at = subject.parameters(), subject.start + 3
    optimizer = subject.run([{"params": params[:1]}, {"params": params[1:]}], steps=range(at))
    for group in optimizer.param_groups:
        group["lr"] = factor * _rate(subject)
    for step in range(at, at + 4):
        subject.step(optimizer, subject.gradients(step))
    return [
        torch.cat([param.detach().flatten() for param in group["params"]])
        for group in optimizer.param_groups
    ]


def _switch_off_of_rate(subject: Subject, group: int) -> str:
    """Return the switch and its default, if turning it off makes a new rate count in that group."""
    for name in sorted(subject.keywords):
        value = subject.defaults.get(name)
        if isinstance(value, bool):
            turned = replace(subject, factory=partial(subject.factory, **{name: not value}))
            try:
                ends = [_after_new_rate(turned, factor)[group] for factor in (1, 8)]
            except Exception:  # a refused value is not a switch
                continue
            if not torch.equal(*ends):
                return f"{name}={value}"
    return ""


def _set_in(holders: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        words + name: repr(holder[name])
        for words, holder in holders.items()
        for name in _SET_BY_USERS
        if name in holder
    }


def _other_values(value: Any) -> list[Any]:
    """Return values near a default that most rules accept; none unless it is number or switch."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, float):
        return [value / 2 if value else 0.125]
    if isinstance(value, tuple) and value and all(isinstance(each, float) for each in value):
        return [
            tuple(each * 0.9 if at == index else each for at, each in enumerate(value))
            for index in range(len(value))
        ]
    return []


def _gap_of_own(subject: Subject, name: str, value: Any) -> str:
    """Describe how a group with its own value differs from an optimizer with that value."""
    params, twins = subject.parameters(), subject.parameters()
    try:
        if subject.is_coupled:
            mixed = [subject.ready([{"params": params, name: value}])]
            apart = [subject.ready(twins, **{name: value})]
        else:
            groups = [{"params": params[:1]}, {"params": params[1:], name: value}]
            mixed = [subject.ready(groups)]
            apart = [subject.ready(twins[:1]), subject.ready(twins[1:], **{name: value})]
        for step in subject.span(4):
            grads = subject.gradients(step)
            subject.step(mixed[0], grads)
            for optimizer, part in zip(apart, _parts(grads, len(apart)), strict=True):
                subject.step(optimizer, part)
    except Exception:  # a refused value is not ignored
        return ""
    gap = largest_gap(params, twins)
    words = f"{name}={value!r} in a group differs by up to {gap:.3g} from the same for all"
    return words if gap > subject.rounding else ""


def _parts(grads: list[Tensor], number: int) -> list[list[Tensor]]:
    return [grads] if number == 1 else [grads[:1], grads[1:]]


def _carries_its_rate(subject: Subject) -> bool:
    """Return whether the state of each parameter holds the first rate, like Rprop's step sizes."""
    states = []
    for factor in (1.0, 8.0):
        optimizer = subject.build(subject.parameters())
        for group in optimizer.param_groups:
            group["lr"] = factor * _rate(subject)
        subject.step(optimizer, subject.gradients(0))
        states.append(tensors_in(optimizer.state_dict()["state"]))
    return not is_same(*states)
