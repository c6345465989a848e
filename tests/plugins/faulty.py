"""Copies of a sound optimizer with one fault each, for tests of the conformance checks."""

import random

import torch

from tests.plugins.sound import Sound


class FlipsTheGradient(Sound):
    def gradient(self, param, group):
        if group["maximize"]:
            param.grad.neg_()
        return param.grad + group["weight_decay"] * param


class DecaysTheGradient(Sound):
    def gradient(self, param, group):
        grad = -param.grad if group["maximize"] else param.grad
        return grad.add_(param, alpha=group["weight_decay"])


class ConsumesTheGradient(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        param.grad = None


class CountsInTheGroup(Sound):
    """As apex, DeepSpeed and pytorch_optimizer do."""

    def begin(self):
        for group in self.param_groups:
            group["step"] = group.get("step", 0) + 1

    def move(self, param, grad, state, group):
        self.adapt(param, grad, state, group, group["step"])


class CountsGlobally(Sound):
    """Bias correction by the number of calls, so that a late parameter gets too little of it."""

    def begin(self):
        self.calls = getattr(self, "calls", 0) + 1

    def move(self, param, grad, state, group):
        self.adapt(param, grad, state, group, self.calls)


class ForgetsTheDecay(Sound):
    def gradient(self, param, group):
        return -param.grad if group["maximize"] else param.grad


class DecaysTheFrozen(Sound):
    def begin(self):
        for group in self.param_groups:
            for param in group["params"]:
                param.mul_(1 - group["lr"] * group["weight_decay"])


class SwallowsUnknownNames(Sound):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, maximize=False, **unknown):
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)


class ChecksNothing(Sound):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        values = {"lr": lr, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        torch.optim.Optimizer.__init__(self, params, values)


class RefusesNegativesOnly(ChecksNothing):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        if lr < 0 or weight_decay < 0 or eps < 0:
            raise ValueError("must not be negative")
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)


class CallsTheClosureWithoutGradients(Sound):
    def loss_of(self, closure):
        return closure()


class KeepsTheLoss(Sound):
    def loss_of(self, closure):
        super().loss_of(closure)


class IgnoresTheClosure(Sound):
    def loss_of(self, closure):
        return 3.25


class RestoresNothing(Sound):
    """Keeps its moments beside ``state``, where no state dict finds them."""

    def state_of(self, param):
        if not hasattr(self, "own"):
            self.own = {}
        return self.own.setdefault(param, self.new_state(param))


class StepIsRestoredAsZero(Sound):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state["step"] = torch.tensor(0.0)


class SavesFunctions(Sound):
    """Saves something that torch.load(weights_only=True) does not read."""

    def state_of(self, param):
        super().state_of(param)["seen"] = torch.nn.Linear
        return self.state[param]


class CannotBeCopied(Sound):
    """Loses an attribute that its step needs."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)
        self.factor = 1.0

    def move(self, param, grad, state, group):
        super().move(param, self.factor * grad, state, group)


class SavesMomentsInFullPrecisionAndLoadsHalf(Sound):
    """Keeps 32-bit moments for bf16 parameters, which torch casts when it loads them."""

    def state_of(self, param):
        state = super().state_of(param)
        if param.dtype == torch.bfloat16:
            state["m"], state["v"] = state["m"].float(), state["v"].float()
        return state

    def adapt(self, param, grad, state, group, t):
        wide = param.to(state["m"].dtype)
        super().adapt(wide, grad.to(state["m"].dtype), state, group, t)
        param.copy_(wide)


class WritesThroughMemory(Sound):
    """Walks over memory as if every parameter were contiguous, as fused CPU kernels have done."""

    def move(self, param, grad, state, group):
        flat = param.as_strided((param.numel(),), (1,))
        plain = {name: tensor.contiguous().view(-1) for name, tensor in state.items()}
        super().move(flat, grad.contiguous().view(-1), plain, group)
        state["step"].copy_(plain["step"].view(()))


class CopiesWhatIsNotContiguous(Sound):
    def move(self, param, grad, state, group):
        super().move(param.contiguous(), grad, state, group)


class LosesTheTail(Sound):
    """Moves whole vectors of 32 alone, once there is one."""

    def move(self, param, grad, state, group):
        before = param.clone()
        super().move(param, grad, state, group)
        if param.numel() > 32:
            last = param.numel() // 32 * 32
            param.view(-1)[last:] = before.view(-1)[last:]


class LosesHalfPrecision(Sound):
    """Moves a copy in 32 bits and never writes it back."""

    def adapt(self, param, grad, state, group, t):
        is_half = param.dtype in (torch.bfloat16, torch.float16)
        super().adapt(param.clone() if is_half else param, grad, state, group, t)


class DividesByZero(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"eps": 0.0})


class TakesAbsoluteValuesOfComplex(Sound):
    def adapt(self, param, grad, state, group, t):
        if not param.is_complex():
            super().adapt(param, grad, state, group, t)
        else:
            state["m"].lerp_(grad, 0.1)
            state["v"].add_((grad.abs() ** 2 - state["v"]) * 0.01)
            root = (state["v"] / (1 - 0.99**t)).sqrt() + group["eps"]
            param.sub_(group["lr"] * (state["m"] / (1 - 0.9**t)) / root)


class StumblesOverSparse(Sound):
    def refuse_sparse(self, grad):
        pass


class CachesTheRate(Sound):
    """Reads lr at construction, deaf to schedulers."""

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"lr": self.defaults["lr"]})


class HasOneRate(Sound):
    """Takes the first group's hyperparameters for all."""

    def move(self, param, grad, state, group):
        first = self.param_groups[0]
        super().move(param, grad, state, first | {"params": group["params"]})


class WorksOnCopies(Sound):
    """Holds parameters of its own and writes them into the model's memory, not its Parameters."""

    def add_param_group(self, param_group):
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group["params"] = [torch.nn.Parameter(param.detach()) for param in group["params"]]


class KeepsStateByPosition(Sound):
    """Gives the n-th parameter that moves the n-th state, whoever it is."""

    def begin(self):
        self.turn = -1

    def state_of(self, param):
        self.turn += 1
        every = [p for group in self.param_groups for p in group["params"]]
        return super().state_of(every[self.turn])


class LeansOnTheOrder(Sound):
    """The first parameter of a group moves twice as fast."""

    def move(self, param, grad, state, group):
        is_first = param is group["params"][0]
        super().move(param, grad, state, group | {"lr": group["lr"] * (1 + is_first)})


class IsRandom(Sound):
    """Draws from a generator of its own, which no seed reaches."""

    noise = torch.Generator()

    def move(self, param, grad, state, group):
        factor = torch.rand((), generator=self.noise).item()
        super().move(param, grad, state, group | {"lr": group["lr"] * factor})


class Climbs(Sound):
    def move(self, param, grad, state, group):
        super().move(param, -grad, state, group)


class MaximizesByHalves(Sound):
    """Turns the decay round as well."""

    def gradient(self, param, group):
        grad = param.grad + group["weight_decay"] * param
        return -grad if group["maximize"] else grad


class BreaksZeroGrad(Sound):
    def zero_grad(self, set_to_none=True):
        for group in self.param_groups:
            for param in group["params"]:
                param.grad = None


class SkipsHooks(Sound):
    """Puts another function in the place of the step that torch has wrapped."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)
        self.step = self.take


class SkipsTheSkip(Sound):
    """Claims to handle a scaler's overflow itself, and does not."""

    _step_supports_amp_scaling = True

    def gradient(self, param, group):
        return super().gradient(param, group) / getattr(self, "grad_scale", 1.0)


class ForgetsNames(Sound):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        listed = list(params)
        if isinstance(listed[0], tuple):
            raise TypeError("params must be tensors or dicts")
        super().__init__(listed, lr, weight_decay, eps, maximize=maximize)


class TakesDuplicates(Sound):
    def add_param_group(self, param_group):
        self.param_groups.append(self.defaults | {**param_group})


class IgnoresMomentum(Sound):
    """Offers betas, and uses its own."""

    def __init__(self, params, lr=1e-2, betas=(0.9, 0.99)):
        super().__init__(params, lr)
        self.defaults["betas"] = betas
        for group in self.param_groups:
            group["betas"] = betas


class NeedsMomentumFromTheStart(Sound):
    """Has a buffer only if momentum was on when it was built, and misses it when cycled in."""

    def __init__(self, params, lr=1e-2, momentum=0.0):
        if not momentum >= 0:
            raise ValueError("momentum must not be negative")
        super().__init__(params, lr)
        self.defaults["momentum"] = momentum
        for group in self.param_groups:
            group["momentum"] = momentum
            for param in group["params"] if momentum else ():
                self.state_of(param)["buffer"] = torch.zeros_like(param)

    def move(self, param, grad, state, group):
        if group["momentum"]:
            grad = state["buffer"].mul_(group["momentum"]).add_(grad)
        super().move(param, grad, state, group)


class RoundsTensorRates(Sound):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        rate = round(lr.item(), 1) if isinstance(lr, torch.Tensor) else lr
        super().__init__(params, rate, weight_decay, eps, maximize=maximize)


class NeverMoves(Sound):
    def move(self, param, grad, state, group):
        pass


class FailsOnScalars(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"size": len(param)})


class DecaysAwayFromZero(Sound):
    def gradient(self, param, group):
        return super().gradient(param, group | {"weight_decay": -group["weight_decay"]})


class DecaysDecoupledAwayFromZero(Sound):
    def move(self, param, grad, state, group):
        param.mul_(1 + group["lr"] * group["weight_decay"])
        super().move(param, grad - group["weight_decay"] * param, state, group)


class DecaysAwayWhereItMaximizes(Sound):
    def gradient(self, param, group):
        grad = param.grad + group["weight_decay"] * param
        return -grad if group["maximize"] else grad


class KeepsEveryGradient(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        state.setdefault("history", []).append(grad.clone())


class KeepsEveryLossInItself(Sound):
    def begin(self):
        self.seen = [*getattr(self, "seen", []), float(len(self.param_groups))]


class KeepsGradientsInTheClass(Sound):
    kept = []  # noqa: RUF012

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        self.kept.append(grad)


class KeepsNumbersInTheClass(Sound):
    kept = []  # noqa: RUF012

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        self.kept.append(str(grad.sum().item()))


class GrowsATensor(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        norms = state.get("norms", grad.new_zeros(0))
        state["norms"] = torch.cat([norms, grad.norm()[None]])


class GrowsATensorInTheClass(Sound):
    norms = torch.zeros(0)

    def begin(self):
        type(self).norms = torch.cat([self.norms, torch.zeros(1)])


class KeepsTheGraph(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        with torch.enable_grad():
            state["trace"] = state.get("trace", 0.0) + (param * 1.0).sum()


class DrawsForNothing(Sound):
    def begin(self):
        torch.rand(1)


class AddsNoise(Sound):
    def gradient(self, param, group):
        return super().gradient(param, group) + 1e-3 * torch.randn_like(param)


class DrawsFromPython(Sound):
    def begin(self):
        random.random()


class SeedsTheGenerator(Sound):
    def begin(self):
        torch.default_generator.manual_seed(0)


class ReplacesTheData(Sound):
    def move(self, param, grad, state, group):
        moved = param.clone()
        super().move(moved, grad, state, group)
        param.data = moved


class ReplacesTheDataOnce(Sound):
    """As packed execution does at its second step."""

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        if state["step"] == 2:
            param.data = param.clone()


class TransposesTheData(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        if param.dim() == 2:
            param.set_(param.detach().t().contiguous().t())


class CountsTheRateTwice(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"lr": group["lr"] ** 2})


class CountsTheRateTwiceInMomentum(Sound):
    def move(self, param, grad, state, group):
        state["m"].lerp_(group["lr"] * grad, 0.1)
        param.sub_(group["lr"] * state["m"])


class RunsTheClosureTwice(Sound):
    def loss_of(self, closure):
        super().loss_of(closure)
        return super().loss_of(closure)


class SharesStateByShape(Sound):
    def state_of(self, param):
        if not hasattr(self, "first"):
            self.first = {}
        first = self.first.setdefault((id(self), param.shape), param)
        return super().state_of(first)


class SharesMomentsWithinAGroup(Sound):
    """Lets the moments of equal shapes be one tensor, as an array multiplied is one."""

    def new_state(self, param):
        state = super().new_state(param)
        for other, theirs in self.state.items():
            if other.shape == param.shape and theirs:
                state["m"] = theirs["m"]
        return state


class SharesStateAmongInstances(Sound):
    kept = {}  # noqa: RUF012

    def state_of(self, param):
        state = super().state_of(param)
        shared = self.kept.setdefault((param.shape, param.dtype), state["v"])
        state["v"] = shared
        return state


class WritesThroughData(Sound):
    def move(self, param, grad, state, group):
        super().move(param.data, grad, state, group)


class WritesThroughNumpy(Sound):
    def move(self, param, grad, state, group):
        moved = param.clone()
        super().move(moved, grad, state, group)
        if param.dtype in (torch.float32, torch.float64):
            param.numpy()[...] = moved.numpy()
        else:
            param.copy_(moved)


class LowersItsRate(Sound):
    def begin(self):
        for group in self.param_groups:
            group["lr"] *= 0.999


class ChangesARateInPlace(Sound):
    def begin(self):
        for group in self.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].mul_(0.999)


class LeavesGradientsOff(Sound):
    def begin(self):
        self.switch = torch.set_grad_enabled(False)

    def step(self, closure=None):
        loss = self.take(closure)
        torch._C._set_grad_enabled(False)
        return loss


class ChangesTheDefaultType(Sound):
    def begin(self):
        torch.set_default_dtype(torch.float64)


class UsesTheGradientBefore(Sound):
    def move(self, param, grad, state, group):
        before = state.get("before", grad)
        state["before"] = grad.clone()
        super().move(param, before, state, group)


class SkipsVectors(Sound):
    def move(self, param, grad, state, group):
        if param.dim() != 1:
            super().move(param, grad, state, group)


class SkipsTheLast(Sound):
    def begin(self):
        self.last = self.param_groups[-1]["params"][-1]

    def move(self, param, grad, state, group):
        if param is not self.last or len(group["params"]) == 1:
            super().move(param, grad, state, group)


class MovesTheFrozenByMomentum(Sound):
    def begin(self):
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None and self.state[param]:
                    param.sub_(group["lr"] * self.state[param]["m"])


class SavesOnce(Sound):
    """Resets its counts whenever a state dict is taken."""

    def state_dict(self):
        for state in self.state.values():
            state["step"].zero_()
        return super().state_dict()


class RestoresItsFirstRate(Sound):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["lr"] = self.defaults["lr"]


class AddsTwinRowsOnce(Sound):
    """Takes sparse gradients, and of rows that come twice the last."""

    def refuse_sparse(self, grad):
        pass

    def gradient(self, param, group):
        grad = param.grad
        if grad.is_sparse:
            dense = torch.zeros_like(param)
            dense[grad._indices()[0]] = grad._values()
            grad = dense
        return (-grad if group["maximize"] else grad) + group["weight_decay"] * param


class LosesImaginaryParts(Sound):
    def adapt(self, param, grad, state, group, t):
        if param.is_complex():
            super().adapt(param, grad.real.to(grad.dtype), state, group, t)
        else:
            super().adapt(param, grad, state, group, t)


class ForeachIsAnotherRule(Sound):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, foreach=None):
        super().__init__(params, lr, weight_decay, eps)
        for group in self.param_groups:
            group["foreach"] = foreach

    def move(self, param, grad, state, group):
        factor = 1.1 if group.get("foreach") else 1.0
        super().move(param, grad, state, group | {"lr": group["lr"] * factor})


class GoesOnWhereAnotherStopped(Sound):
    """Keeps its state on the parameter, where the next optimizer finds it."""

    def state_of(self, param):
        if not hasattr(param, "kept"):
            param.kept = super().state_of(param)
        self.state[param] = param.kept
        return param.kept


class RaisesAtEveryStep(Sound):
    """Cannot be judged: an error of several lines, as a dispatcher's."""

    def begin(self):
        raise ValueError("first line\n" + "table of kernels\n" * 50)


class CountsForAllInstances(Sound):
    """Begins to count when one is built, and counts the steps of every one that is there."""

    calls = 0

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)
        type(self).calls = 0

    def begin(self):
        type(self).calls += 1

    def move(self, param, grad, state, group):
        self.adapt(param, grad, state, group, self.calls)
