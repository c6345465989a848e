"""Checks with the parts that surround an optimizer: schedulers, hooks, scalers, models."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer, lr_scheduler

from optimizers.conformance.compare import copies, is_same, require_same, require_same_state
from optimizers.conformance.outcome import Failure, Inconvenience
from optimizers.conformance.subject import NotApplicable, Subject
from optimizers.contract import switch_to_evaluation

_DRIVEN = ("lr", "momentum", "betas")  # hyperparameters that schedulers set
_SCHEDULERS: dict[str, Callable[[Optimizer], Any]] = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda step: 0.9),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.5, 2),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.1, total_iters=4),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.7),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 5, power=2.0),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 1e-4, 1e-2, 2, cycle_momentum=_has_momentum(o)),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(
        o, 1e-2, total_steps=50, cycle_momentum=_has_momentum(o)
    ),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o, 0.1), lr_scheduler.ExponentialLR(o, 0.5)], [2]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o, 0.1), lr_scheduler.ExponentialLR(o, 0.5)]
    ),
}


def every_scheduler_of_torch_drives_it(subject: Subject) -> None:
    """A value set by a scheduler must act as one set by hand."""
    if not isinstance(subject.defaults.get("lr"), (int, float)):
        raise NotApplicable("its groups have no lr")
    for name, scheduler_of in _SCHEDULERS.items():
        params, twins = subject.parameters(), subject.parameters()
        scheduled, by_hand = subject.build(params), subject.build(twins)
        scheduler = scheduler_of(scheduled)
        for step in subject.span(6):
            for group, twin in zip(scheduled.param_groups, by_hand.param_groups, strict=True):
                twin.update({name: group[name] for name in _DRIVEN if name in group})
            for optimizer in (scheduled, by_hand):
                subject.step(optimizer, subject.gradients(step))
            scheduler.step(*[1.0] * isinstance(scheduler, lr_scheduler.ReduceLROnPlateau))
        require_same(params, twins, f"under {name}", subject.rounding)


def a_cycled_momentum_takes_effect(subject: Subject) -> None:
    """OneCycleLR and CyclicLR turn momentum or the first beta, not the rate alone."""
    ends = []
    for is_cycled in (True, False):
        params = subject.parameters()
        optimizer = subject.build(params)
        if not _has_momentum(optimizer) or "lr" not in subject.defaults:
            raise NotApplicable("its defaults have no lr with momentum or betas")
        one_cycle = lr_scheduler.OneCycleLR(
            optimizer,
            1e-2,
            total_steps=subject.start + 21,
            cycle_momentum=is_cycled,
            base_momentum=0.1,  # unusual, because a usual momentum seldom changes a sign
        )
        for step in subject.span(20):
            size = 0.1 ** (step % 16)  # so that some gradients match the momentum in size
            subject.step(optimizer, [size * grad for grad in subject.gradients(step)])
            one_cycle.step()
        ends.append(copies(params))
    if is_same(*ends):
        raise Failure("OneCycleLR gives the same bits with and without cycle_momentum")


def hooks_run_before_and_after_a_step(subject: Subject) -> None:
    """Loggers, profilers and clocks use step hooks."""
    optimizer = subject.build(subject.parameters())
    seen: list[str] = []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    subject.step(optimizer, subject.gradients(0))
    if seen != ["before", "after"]:
        raise Inconvenience(f"one step called the hooks {seen}")


def a_gradient_scaler_skips_an_overflow(subject: Subject) -> None:
    """In fp16, a step whose gradients overflow is skipped, and must not change any state."""
    if subject.needs_closure:
        raise NotApplicable("its step needs a closure, which GradScaler does not take")
    if subject.needs_graph:
        raise NotApplicable("it needs a graph, which GradScaler does not scale")
    params, twins = subject.parameters(), subject.parameters()
    scaled, plain = subject.build(params), subject.build(twins)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for step in subject.span(4):
        grads = subject.gradients(step)
        scale = scaler.scale(torch.ones((), dtype=torch.float64, requires_grad=True)).item()
        factor = torch.inf if step == 2 else scale
        subject.put(
            params, [torch.full_like(g, factor) if step == 2 else g * factor for g in grads]
        )
        scaler.step(scaled)
        scaler.update()
        if step != 2:
            subject.step(plain, grads)
    require_same(params, twins, "after a step that overflowed", subject.rounding)
    slack = max(subject.rounding, 1e-9 * subject.needs_sparse, 1e-5 * subject.is_coupled)
    require_same_state(scaled, plain, "after a step that overflowed", slack)


def it_goes_downhill(subject: Subject) -> None:
    """On a quadratic bowl, a hundred steps from far away must lower the loss."""
    params = subject.parameters()
    targets = subject.drawn(subject.shapes, seed=7)
    optimizer = subject.build(params, **subject.only_known(maximize=False))

    def closure() -> Tensor:
        optimizer.zero_grad()
        terms = [((p - t) ** 2).sum() / 2 for p, t in zip(params, targets, strict=True)]
        loss = torch.stack(terms).sum()
        subject.backward(loss, params)
        return loss.detach()

    first = closure().item()
    for _ in range(100):
        subject.step_with(optimizer, closure)
    switch_to_evaluation(optimizer)
    last = closure().item()
    if not last < first:
        raise Failure(f"the loss went from {first:.6g} to {last:.6g} in 100 steps")


def a_compiled_model_trains_as_the_plain_one(subject: Subject) -> None:
    """torch.compile changes the model's code, not its parameters."""
    compiled = _trained(subject, torch.compile(_logits, backend="eager"))
    require_same(
        [compiled],
        [_trained(subject, _logits)],
        "under a compiled model",
        max(1e-9, subject.rounding),
    )


def _trained(subject: Subject, network: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    inputs, classes = subject.drawn([(8, 5)], seed=1)[0], torch.arange(8) % 3
    weight = Parameter(subject.drawn([(3, 5)], seed=-1)[0])
    optimizer = subject.build([weight])

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(weight, inputs), classes)
        subject.backward(loss, [weight])
        return loss.detach()

    with torch.random.fork_rng(devices=()):
        for _ in range(5):
            subject.step_with(optimizer, closure)
    return weight


def _logits(weight: Tensor, inputs: Tensor) -> Tensor:
    return (inputs @ weight.t()).tanh()


def _has_momentum(optimizer: Optimizer) -> bool:
    return "momentum" in optimizer.defaults or "betas" in optimizer.defaults
