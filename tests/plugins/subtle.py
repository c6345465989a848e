"""Faults that show in one place alone: late groups, resumed runs, rare steps, some shapes."""

import math

import torch

from tests.plugins.sound import Sound


class SoundWithBetas(Sound):
    """No fault: Adam whose betas each group may set."""

    def __init__(self, params, lr=1e-2, betas=(0.9, 0.99), weight_decay=0.0, eps=1e-8):
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("betas must be in [0, 1)")
        super().__init__(params, lr, weight_decay, eps)
        self.defaults["betas"] = betas
        for group in self.param_groups:
            group.setdefault("betas", betas)

    def add_param_group(self, param_group):
        super().add_param_group(self.with_betas(param_group))

    def with_betas(self, param_group):
        betas = self.defaults.get("betas")
        return param_group if betas is None else {"betas": betas, **param_group}

    def betas_of(self, group):
        return group["betas"]

    def adapt(self, param, grad, state, group, t):
        (beta1, beta2), m, v = self.betas_of(group), state["m"], state["v"]
        if param.is_complex():
            m, v, param = map(torch.view_as_real, (m, v, param))
            grad = torch.view_as_real(grad.resolve_conj())
        m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denominator = (v / (1 - beta2**t)).sqrt() + group["eps"]
        param.sub_(group["lr"] * (m / (1 - beta1**t)) / denominator)


class IgnoresTheBetasOfAGroup(SoundWithBetas):
    def betas_of(self, group):
        return self.defaults["betas"]


class TakesTheBetasOfTheFirstGroup(SoundWithBetas):
    def betas_of(self, group):
        return self.param_groups[0]["betas"]


class LowersItsDefaultRate(Sound):
    """Groups that are added later start with another rate than was asked for."""

    def begin(self):
        self.defaults["lr"] *= 0.9


class ShiftsStateWhereAGroupIsAdded(Sound):
    """Counts parameters from the end, so that a new group takes over the moments of the last."""

    def state_of(self, param):
        every = [id(p) for group in self.param_groups for p in group["params"]]
        at = len(every) - every.index(id(param))
        if not hasattr(self, "owners"):
            self.owners = {}
        owner = self.owners.setdefault((at, param.shape, param.dtype), param)
        return super().state_of(owner)


class ForgetsTheRateOfAnAddedGroup(Sound):
    def add_param_group(self, param_group):
        if self.param_groups:
            param_group = {**param_group, "lr": self.defaults["lr"]}
        super().add_param_group(param_group)


class CountsOneMoreAfterARestart(Sound):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state["step"] = state["step"] + 1


class TakesTheRootWithEpsForMatrices(Sound):
    """Has eps inside the root for what has two dimensions, outside for the rest."""

    def move(self, param, grad, state, group):
        eps = math.sqrt(group["eps"]) if param.dim() == 2 else group["eps"]
        super().move(param, grad, state, group | {"eps": eps})


class DividesByTheNumberOfParameters(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"lr": group["lr"] / len(group["params"])})


class DividesByTheNumberOfElements(Sound):
    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"lr": group["lr"] / param.numel() ** 0.5})


class KeepsMomentsInHalf(Sound):
    def adapt(self, param, grad, state, group, t):
        wide = {name: state[name].to(param.dtype) for name in ("m", "v")}
        super().adapt(param, grad, wide, group, t)
        for name, tensor in wide.items():
            state[name] = tensor.bfloat16() if not tensor.is_complex() else tensor


class ComputesInHalf(Sound):
    def gradient(self, param, group):
        grad = super().gradient(param, group)
        return grad if grad.is_complex() else grad.half().to(grad.dtype)


class DecaysVectorsAlone(Sound):
    def gradient(self, param, group):
        decay = group["weight_decay"] if param.dim() == 1 else 0.0
        return super().gradient(param, group | {"weight_decay": decay})


class SkipsEveryHundredthStep(Sound):
    def move(self, param, grad, state, group):
        if (state["step"].item() + 1) % 100:
            super().move(param, grad, state, group)
        else:
            state["step"] += 1


class DropsAllWhereOneIsNan(Sound):
    """Takes every gradient as zero where a single one is not finite."""

    def begin(self):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        self.is_finite = all(bool(grad.to_dense().isfinite().all()) for grad in grads)

    def gradient(self, param, group):
        grad = super().gradient(param, group)
        return grad if self.is_finite else torch.zeros_like(grad)


class ForgetsDecayWhereItMaximizes(Sound):
    def gradient(self, param, group):
        decay = 0.0 if group["maximize"] else group["weight_decay"]
        return super().gradient(param, group | {"weight_decay": decay})


class TakesSixtyFourInOneGo(Sound):
    """Moves a group in one go and leaves out what is beyond the first 64."""

    def begin(self):
        self.first = {id(p) for group in self.param_groups for p in group["params"][:64]}

    def move(self, param, grad, state, group):
        if id(param) in self.first:
            super().move(param, grad, state, group)


class ForeachForgetsTheSecond(Sound):
    """Its fast way is another rule, but for the first parameter of a group."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, foreach=None):
        super().__init__(params, lr, weight_decay, eps)
        for group in self.param_groups:
            group["foreach"] = foreach

    def move(self, param, grad, state, group):
        is_off = group.get("foreach") and param is not group["params"][0]
        super().move(param, grad, state, group | {"lr": group["lr"] * (1.05 if is_off else 1)})


class KeepsTheGradientItself(Sound):
    """Begins its momentum with p.grad, not with a copy of it."""

    def adapt(self, param, grad, state, group, t):
        if "buffer" not in state:
            state["buffer"] = param.grad.to_dense()
        else:
            state["buffer"] = 0.9 * state["buffer"] + grad
        super().adapt(param, state["buffer"], state, group, t)


class TakesZeroForNone(Sound):
    def move(self, param, grad, state, group):
        if grad.count_nonzero():
            super().move(param, grad, state, group)


class ForgetsMomentsOfTheFrozen(Sound):
    def begin(self):
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None and self.state[param]:
                    self.state[param]["m"].mul_(0.9)


class StartsAnewAtANewRate(Sound):
    def begin(self):
        rates = [float(group["lr"]) for group in self.param_groups]
        if getattr(self, "rates", rates) != rates:
            self.state.clear()
        self.rates = rates


class HearsSchedulesInTheFirstGroupAlone(Sound):
    def begin(self):
        if not hasattr(self, "rates"):
            self.rates = {}

    def move(self, param, grad, state, group):
        is_first = group["params"][0] is self.param_groups[0]["params"][0]
        rate = group["lr"] if is_first else self.rates.setdefault(param, group["lr"])
        super().move(param, grad, state, group | {"lr": rate})


class ClearsTheFirstGroupAlone(Sound):
    def zero_grad(self, set_to_none=True):
        every = self.param_groups
        self.param_groups = every[:1]
        super().zero_grad(set_to_none)
        self.param_groups = every


class DecaysByTheSquareOfTheRate(Sound):
    def gradient(self, param, group):
        param.mul_(1 - group["weight_decay"] * group["lr"] ** 2)
        return super().gradient(param, group | {"weight_decay": 0.0})


class CountsInTheTypeOfTheParameter(Sound):
    def new_state(self, param):
        kind = param.dtype if not param.is_complex() else torch.float32
        return super().new_state(param) | {"step": torch.zeros((), dtype=kind)}


class CountsAStepWithClosureTwice(Sound):
    def loss_of(self, closure):
        for state in self.state.values():
            state["step"] += 1
        return super().loss_of(closure)


class LosesTheEndOfLargeTensors(Sound):
    """Counts elements in 16 bits."""

    def move(self, param, grad, state, group):
        before = param.clone()
        super().move(param, grad, state, group)
        if param.numel() > 65535:
            param.view(-1)[65535:] = before.view(-1)[65535:]


class SharesMomentsWithItsCopy(Sound):
    def __deepcopy__(self, memo):
        (params,) = [[p.detach().clone() for p in g["params"]] for g in self.param_groups]
        twin = type(self)([torch.nn.Parameter(param) for param in params])
        olds = [p for group in self.param_groups for p in group["params"]]
        for old, new in zip(olds, twin.param_groups[0]["params"], strict=True):
            twin.state[new] = self.state[old]
        return twin


class ClimbsShorterByTheNorm(Sound):
    """Divides by the norm of all gradients, moves by a millionth, and by less with maximize."""

    def begin(self):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        self.norm = torch.stack([grad.to_dense().norm() for grad in grads]).norm() + 1e-12

    def move(self, param, grad, state, group):
        param -= (0.9e-6 if group["maximize"] else 1e-6) * grad / self.norm
