"""Checks that parameters and groups do not affect each other."""

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from optimizers.conformance.compare import copies, largest_gap, require_same
from optimizers.conformance.outcome import Difference, Failure, Inconvenience, unless_refused
from optimizers.conformance.subject import NotApplicable, Subject


def a_parameter_unfrozen_late_moves_as_a_fresh_one(subject: Subject) -> None:
    """Step count and bias correction belong to a parameter, not to its group."""
    _need_separate(subject)
    if subject.averages:
        raise NotApplicable("it averages over the steps of all parameters")
    params = subject.parameters()
    optimizer = subject.build(params)
    for step in range(5):
        first, _, third = subject.gradients(step)
        subject.step(optimizer, [first, None, third])
    twin = subject.parameters()[1]
    fresh = subject.build([twin])
    for step in range(5, 13 + subject.start):  # eight steps, because the first five of RAdam differ
        start = params[1].detach().clone(), twin.detach().clone()
        grads = subject.gradients(step)
        subject.step(optimizer, grads)
        subject.step(fresh, grads[1:2])
        moves = params[1] - start[0], twin - start[1]
        what = f"the move of a parameter in its step {step - 4}, after 5 frozen ones"
        try:
            require_same(moves[:1], moves[1:], what, subject.rounding)
        except Difference as difference:  # many count steps per group by design
            raise Inconvenience(str(difference)) from None


def a_group_added_later_moves_as_a_fresh_one(subject: Subject) -> None:
    """Gradual unfreezing adds groups with their own rates during training."""
    _need_separate(subject)
    if subject.averages:
        raise NotApplicable("it averages over the steps of all parameters")
    params, twins = (_of_one_shape(subject, 4) for _ in range(2))
    _, own = _two_settings(subject)
    optimizer, alone = subject.build(params[:2]), subject.build(twins[:2])
    for step in range(3):
        for each in (optimizer, alone):
            subject.step(each, _slopes(subject, step, 4)[:2])
    with unless_refused("add_param_group"):
        optimizer.add_param_group({"params": params[2:]} | own)
    fresh = subject.build([{"params": twins[2:]} | own])
    resting = _of_one_shape(subject, 4)
    whole = subject.build([{"params": resting[:2]}, {"params": resting[2:]} | own])
    for step in range(3):
        subject.step(whole, [*_slopes(subject, step, 4)[:2], None, None])
    for step in range(3, 6 + subject.start):
        grads = _slopes(subject, step, 4)
        subject.step(alone, grads[:2])
        subject.step(fresh, grads[2:])
        subject.step(whole, grads)
        subject.step(optimizer, grads)
    require_same(params[:2], twins[:2], "beside a group added after 3 steps", subject.rounding)
    try:
        require_same(params[2:], twins[2:], "in a group added after 3 steps", subject.rounding)
    except Difference as difference:
        if largest_gap(params[2:], resting[2:]) > subject.rounding:
            raise
        raise Inconvenience(f"{difference}: steps are counted for all groups") from None


def two_groups_are_two_optimizers(subject: Subject) -> None:
    """Groups give layers their own learning rates and weight decays."""
    _need_separate(subject)
    params, twins = subject.parameters(), subject.parameters()
    first, second = _two_settings(subject)
    groups = [{"params": params[:1]} | first, {"params": params[1:]} | second]
    with unless_refused("several groups"):
        together = subject.build(groups)
    apart = [
        subject.build([{"params": twins[:1]} | first]),
        subject.build([{"params": twins[1:]} | second]),
    ]
    for step in subject.span(4):
        grads = subject.gradients(step)
        subject.step(together, grads)
        subject.step(apart[0], grads[:1])
        subject.step(apart[1], grads[1:])
    require_same(params, twins, "in one of two groups", subject.rounding)


def parameters_of_equal_shape_keep_to_themselves(subject: Subject) -> None:
    """Layers of the same shape are common, and each must have its own moments and counts."""
    _need_separate(subject)
    shape = subject.shapes[1]
    params, twins = (
        [Parameter(tensor) for tensor in subject.drawn([shape] * 4, seed=-1)] for _ in range(2)
    )
    together = subject.build([{"params": params[:2]}, {"params": params[2:]}])
    alone = [subject.build([twin]) for twin in twins]
    for step in subject.span(4):
        grads: list[Tensor | None] = list(subject.drawn([shape] * 4, seed=step))
        if step > subject.start:
            grads[0] = None  # frozen after a step, so that the others move up
        subject.step(together, grads)
        for optimizer, grad in zip(alone, grads, strict=True):
            if grad is not None:
                subject.step(optimizer, [grad])
    require_same(params, twins, "beside others of its shape", subject.rounding)


def many_parameters_move_as_each_by_itself(subject: Subject) -> None:
    """Kernels process many parameters at once, and the last ones are easily left out."""
    _need_separate(subject)
    params, twins = (_of_one_shape(subject, 67) for _ in range(2))
    together, alone = subject.build(params), [subject.build([twin]) for twin in twins]
    for step in subject.span(2):
        grads = _slopes(subject, step, 67)
        subject.step(together, grads)
        for optimizer, grad in zip(alone, grads, strict=True):
            subject.step(optimizer, [grad])
    require_same(params, twins, "beside 66 others", max(1e-7, subject.rounding))


def equal_shapes_can_change_places(subject: Subject) -> None:
    """Which of several layers of one shape comes first must not change a result."""
    shapes = [subject.shapes[1]] * 3
    params, twins = (
        [Parameter(tensor) for tensor in subject.drawn(shapes, seed=-1)] for _ in range(2)
    )
    forward, turned = subject.build(params), subject.build([twins[2], twins[0], twins[1]])
    for step in subject.span(4):
        first, second, third = subject.drawn(shapes, seed=step)
        subject.step(forward, [first, second, third])
        subject.step(turned, [third, first, second])
    tolerance = max(1e-9 * subject.is_coupled, subject.rounding)
    require_same(twins, params, "in another order", tolerance)


def two_optimizers_keep_to_themselves(subject: Subject) -> None:
    """A GAN, or a second model in one process, has two optimizers that step in turn."""
    alone, others = subject.parameters(), subject.parameters()
    subject.run(alone)
    params = subject.parameters()
    first, second = subject.build(params), subject.build(others)
    for step in subject.span(4):
        subject.step(first, subject.gradients(step))
        subject.step(second, subject.gradients(70 + step))
    require_same(params, alone, "beside another optimizer of its class", subject.rounding)


def an_optimizer_built_anew_starts_anew(subject: Subject) -> None:
    """A second run on the same parameters starts without the moments of the first."""
    params = subject.parameters()
    subject.run(params, steps=range(3))
    twins = [Parameter(tensor) for tensor in copies(params)]
    for each in (params, twins):
        optimizer = subject.build(each)
        for step in range(10, 14 + subject.start):
            subject.step(optimizer, subject.gradients(step))
    require_same(params, twins, "after another optimizer on them", subject.rounding)


def the_order_of_parameters_does_not_matter(subject: Subject) -> None:
    """Renaming or reordering layers must not change a result."""
    params, twins = subject.parameters(), subject.parameters()
    forward, backward = subject.build(params), subject.build(reversed(twins))
    for step in subject.span(4):
        grads = subject.gradients(step)
        subject.step(forward, grads)
        subject.step(backward, grads[::-1])
    require_same(
        twins, params, "in reversed order", max(1e-9 * subject.is_coupled, subject.rounding)
    )


def parameters_stay_the_same_objects(subject: Subject) -> None:
    """The model must see the updates, so they must be made in its own Parameters."""
    params = subject.parameters()
    optimizer = subject.run(
        params, steps=subject.span(3)
    )  # an odd number, because steps of constant size ±lr could cancel
    held = subject.params_of(optimizer)
    if [id(param) for param in held] != [id(param) for param in params]:
        raise Failure("param_groups holds other objects than were given")
    with torch.no_grad():
        if all(torch.equal(a, b) for a, b in zip(params, subject.parameters(), strict=True)):
            raise Failure("no parameter that the model sees has moved")


def parameters_come_as_list_generator_groups_or_with_names(subject: Subject) -> None:
    """model.parameters(), model.named_parameters() and lists of groups are all in use."""
    if subject.bare is None:
        raise NotApplicable("it takes parameters in a form of its own")
    names = [f"layer{index}" for index in range(len(subject.shapes))]
    expected = subject.parameters()
    subject.run(expected)
    for kind in ("generator", "groups", "names"):
        params = subject.parameters()
        forms = {
            "generator": iter(params),
            "groups": [{"params": params}],
            "names": list(zip(names, params, strict=True)),
        }
        optimizer = subject.ready(forms[kind], by=subject.bare)
        _feed(subject, optimizer)
        require_same(params, expected, f"given as {kind}", subject.rounding)


def a_tied_weight_moves_once(subject: Subject) -> None:
    """Two layers with one weight give one summed gradient and one step, and are listed once."""
    shape = subject.shapes[1]
    param, twin = (Parameter(subject.drawn([shape], seed=-1)[0]) for _ in range(2))
    model = torch.nn.ParameterDict({"encoder": param, "decoder": param})
    tied, plain = subject.build(model.parameters()), subject.build([twin])
    for step in subject.span(3):
        slopes = subject.drawn([shape, shape], seed=step)

        def closure(slopes: list[Tensor] = slopes) -> Tensor:
            tied.zero_grad()
            layers = model["encoder"], model["decoder"]
            loss = torch.stack([(layers[k] * slopes[k]).sum() for k in range(2)]).sum()
            loss = loss + ((param - param.detach()) ** 2).sum() / 2
            subject.backward(loss, [param])
            return loss.detach()

        subject.step_with(tied, closure)
        subject.step(plain, [slopes[0] + slopes[1]])
    require_same(
        [param], [twin], "tied to another", max(1e-9 * subject.needs_closure, subject.rounding)
    )


def a_parameter_in_two_groups_is_refused(subject: Subject) -> None:
    """A parameter in two groups would take two steps at once."""
    param = subject.parameters()[0]
    try:
        subject.factory([{"params": [param]}, {"params": [param]}])
    except Exception:  # any refusal will do
        return
    raise Inconvenience("one parameter in two groups was accepted")


def _need_separate(subject: Subject) -> None:
    if subject.is_coupled:
        raise NotApplicable("the step of one parameter depends on the gradients of others")


def _of_one_shape(subject: Subject, count: int) -> list[Parameter]:
    return [Parameter(tensor) for tensor in _slopes(subject, -1, count)]


def _slopes(subject: Subject, step: int, count: int) -> list[Tensor]:
    return subject.drawn([subject.shapes[1]] * count, seed=step)


def _two_settings(subject: Subject) -> tuple[dict[str, float], dict[str, float]]:
    """Return hyperparameters for two groups, different if any can be varied."""
    first: dict[str, float] = {}
    second: dict[str, float] = {}
    if "lr" in subject.defaults:
        lr = float(subject.defaults["lr"])
        first, second = {"lr": lr}, {"lr": 3 * lr}
    if "weight_decay" in subject.defaults:
        first["weight_decay"], second["weight_decay"] = 0.0, 0.1
    return first, second


def _feed(subject: Subject, optimizer: Optimizer) -> None:
    for step in subject.span(4):
        subject.step(optimizer, subject.gradients(step))
