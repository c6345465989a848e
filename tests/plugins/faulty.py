"""Copies of a sound optimizer with one fault each, for tests of the conformance checks."""

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


class RefusesZero(Sound):
    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        if lr == 0:
            raise ValueError("lr must be positive")
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
