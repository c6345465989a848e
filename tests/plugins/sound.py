"""Optimizers without a fault, of several kinds, for tests of the conformance checks."""

import torch


class Sound(torch.optim.Optimizer):
    """Adam with weight decay, as plainly as it can be written."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        for name, value in (("lr", lr), ("weight_decay", weight_decay), ("eps", eps)):
            if not value >= 0:
                raise ValueError(f"{name} must not be negative")
        values = {"lr": lr, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        super().__init__(params, values)

    def step(self, closure=None):
        return self.take(closure)

    @torch.no_grad()
    def take(self, closure=None):
        loss = self.loss_of(closure) if closure is not None else None
        self.begin()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self.refuse_sparse(param.grad)
                    grad = self.gradient(param, group)
                    self.move(param, grad, self.state_of(param), group)
        return loss

    def loss_of(self, closure):
        with torch.enable_grad():
            return closure()

    def begin(self):
        """Do what comes once a step."""

    def refuse_sparse(self, grad):
        if grad.is_sparse:
            raise RuntimeError("give the embedding sparse=False")

    def gradient(self, param, group):
        grad = -param.grad if group["maximize"] else param.grad
        return grad + group["weight_decay"] * param

    def state_of(self, param):
        if not self.state[param]:
            self.state[param] = self.new_state(param)
        return self.state[param]

    def new_state(self, param):
        zeros = torch.zeros_like(param)
        return {"step": torch.tensor(0.0), "m": zeros, "v": zeros.clone()}

    def move(self, param, grad, state, group):
        state["step"] += 1
        self.adapt(param, grad, state, group, state["step"].item())

    def adapt(self, param, grad, state, group, t):
        m, v = state["m"], state["v"]
        if param.is_complex():
            m, v, param = map(torch.view_as_real, (m, v, param))
            grad = torch.view_as_real(grad.resolve_conj())
        m.lerp_(grad, 0.1)
        v.mul_(0.99).addcmul_(grad, grad, value=0.01)
        denominator = (v / (1 - 0.99**t)).sqrt() + group["eps"]
        param.sub_(group["lr"] * (m / (1 - 0.9**t)) / denominator)


class MovesByTheNorm(Sound):
    """No fault: a rule that clips by the norm of all gradients, so that they share their fate."""

    def begin(self):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        norm = sum(float((grad.to_dense().abs() ** 2).sum()) for grad in grads) ** 0.5
        self.factor = 1 / max(norm, 1.0)

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"lr": group["lr"] * self.factor})


class MatricesAlone(Sound):
    """No fault: refuses what is no matrix, as Muon does."""

    def add_param_group(self, param_group):
        super().add_param_group(param_group)
        if any(param.dim() != 2 for param in self.param_groups[-1]["params"]):
            raise ValueError("takes matrices alone")


class TakesNoClosure(torch.optim.SGD):
    """No fault the loop of a user would meet; Lightning would."""

    def step(self):
        with torch.no_grad():
            for group in self.param_groups:
                for param in group["params"]:
                    if param.grad is not None:
                        param.sub_(group["lr"] * param.grad)


class StartsLate(Sound):
    """No fault: its first steps only fill the moments, as RAdam's and AdaShift's."""

    def adapt(self, param, grad, state, group, t):
        super().adapt(param, grad, state, group | {"lr": group["lr"] * (t > 10)}, t)


class RefusesZeroRates(Sound):
    """No fault: a rate of zero is no promise."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        if lr == 0:
            raise ValueError("lr must be positive")
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)


class MovesTheLargest(Sound):
    """No fault: moves only those elements whose gradient is large."""

    def move(self, param, grad, state, group):
        before = param.clone()
        super().move(param, grad, state, group)
        param.copy_(torch.where(grad.abs() > 0.2, param, before))


class Averages(Sound):
    """No fault: steps at one point and is evaluated at the average of all, as schedule-free."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, maximize=False):
        super().__init__(params, lr, weight_decay, eps, maximize=maximize)
        for group in self.param_groups:
            group["training"] = False

    def train(self):
        self.exchange(to_training=True)

    def eval(self):
        self.exchange(to_training=False)

    @torch.no_grad()
    def exchange(self, to_training):
        for group in self.param_groups:
            if group["training"] != to_training:
                group["training"] = to_training
                for param in group["params"]:
                    if self.state[param]:
                        other = self.state[param]["other"]
                        kept = param.clone()
                        param.copy_(other)
                        other.copy_(kept)

    def begin(self):
        if not all(group["training"] for group in self.param_groups):
            raise RuntimeError("call train() before step()")

    def new_state(self, param):
        return super().new_state(param) | {"other": param.detach().clone()}

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        state["other"].lerp_(param, 1 / state["step"].item())


class NeedsTheGraph(Sound):
    """No fault: divides by a second derivative, and so needs create_graph=True."""

    def gradient(self, param, group):
        with torch.enable_grad():
            curvature = torch.autograd.grad(param.grad.sum(), param, retain_graph=True)[0]
        grad = -param.grad.detach() if group["maximize"] else param.grad.detach()
        return grad / (1 + curvature.abs()) + group["weight_decay"] * param

    def refuse_sparse(self, grad):
        if not grad.requires_grad:
            raise RuntimeError("gradients need a graph: backward(create_graph=True)")


class StepsOnMatricesAlone(Sound):
    """No fault: refuses what is no matrix, at the first step."""

    def move(self, param, grad, state, group):
        if param.dim() != 2:
            raise ValueError("takes matrices alone")
        super().move(param, grad, state, group)


class TakesSparseAlone(Sound):
    """No fault: refuses dense gradients, as SparseAdam does."""

    def refuse_sparse(self, grad):
        if not grad.is_sparse:
            raise RuntimeError("takes sparse gradients alone")

    def gradient(self, param, group):
        grad = param.grad.to_dense()
        return (-grad if group["maximize"] else grad) + group["weight_decay"] * param


class LooksTwice(Sound):
    """No fault: needs its closure twice, as SAM does."""

    def loss_of(self, closure):
        super().loss_of(closure)
        return super().loss_of(closure)

    def step(self, closure=None):
        if closure is None:
            raise RuntimeError("needs a closure")
        return self.take(closure)


class KeepsAWindow(Sound):
    """No fault: a history of bounded length."""

    length = 20

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group)
        state["history"] = [*state.get("history", []), grad.clone()][-self.length :]


class WorksInSingle(Sound):
    """No fault: computes in 32 bits whatever the parameter's type."""

    def adapt(self, param, grad, state, group, t):
        if param.dtype == torch.float64:
            grad = grad.float().double()
        super().adapt(param, grad, state, group, t)


class StepsBySign(Sound):
    """No fault: every step is ±lr."""

    def adapt(self, param, grad, state, group, t):
        if param.is_complex():
            param, grad = torch.view_as_real(param), torch.view_as_real(grad.resolve_conj())
        param.sub_(group["lr"] * grad.sign())


class StepsTogether(Sound):
    """No fault: a size of steps that grows with what all gradients agree on, as D-Adaptation's."""

    def begin(self):
        self.factor = getattr(self, "factor", 0.001)

    def take(self, closure=None):
        loss = super().take(closure)
        momenta = [state["m"] for state in self.state.values() if state]
        total = sum(float(m.abs().sum()) for m in momenta) / sum(m.numel() for m in momenta)
        for group in self.param_groups:
            group["size"] = max(group.get("size", 0.001), 0.01 * total)
        return loss

    def move(self, param, grad, state, group):
        size = max(each.get("size", 0.001) for each in self.param_groups)
        super().move(param, grad, state, group | {"lr": group["lr"] * size * 100})


class ProjectsAcross(Sound):
    """No fault: leaves out what lies along the weights where a step is nearly across, as AdamP."""

    def gradient(self, param, group):
        grad = super().gradient(param, group)
        along = (grad * param.conj()).sum().real
        norms = grad.norm() * param.norm()
        if param.numel() > 1 and along.abs() < 0.1 / param.numel() ** 0.5 * norms:
            grad = grad - param * along / param.norm() ** 2
        return grad


class CountsForAll(Sound):
    """No fault, by design: one count of steps for all groups, saved, as MADGRAD's."""

    def begin(self):
        for group in self.param_groups:
            group["step"] = max(each.get("step", 0) for each in self.param_groups)
        for group in self.param_groups:
            group["step"] += 1

    def move(self, param, grad, state, group):
        self.adapt(param, grad, state, group, group["step"])


class SetsItsOwnRate(Sound):
    """No fault: has a rate of its own unless that is switched off, as Adafactor's."""

    def __init__(self, params, lr=1e-2, weight_decay=0.0, eps=1e-8, *, relative=True):
        super().__init__(params, lr, weight_decay, eps)
        self.defaults["relative"] = relative
        for group in self.param_groups:
            group.setdefault("relative", relative)

    def move(self, param, grad, state, group):
        rate = 0.01 if group.get("relative", True) else group["lr"]
        super().move(param, grad, state, group | {"lr": rate})


class CapsItsRate(Sound):
    """No fault: a rate is at most 0.01, as the one of AdamG is bounded."""

    def move(self, param, grad, state, group):
        super().move(param, grad, state, group | {"lr": min(group["lr"], 0.01)})


class MemoryOfManySteps(KeepsAWindow):
    """No fault: a long history of bounded length, as that of L-BFGS."""

    length = 200


class RemembersLittle(Sound):
    """Lion with a memory so faint that a sign hangs on it only where gradients are as faint."""

    def __init__(self, params, lr=1e-2, betas=(0.9, 0.999)):
        super().__init__(params, lr)
        self.defaults["betas"] = betas
        for group in self.param_groups:
            group.setdefault("betas", betas)

    def move(self, param, grad, state, group):
        beta1, beta2 = group["betas"]
        param -= group["lr"] * state["m"].lerp(grad, 1 - beta1).sign()
        state["m"].mul_(beta2).add_(grad, alpha=(1 - beta2) * 4e-10)


class GrowsForEver(Sound):
    """Steps that double from time to time, as Prodigy's do downhill without an end; in 32 bits."""

    def move(self, param, grad, state, group):
        state["step"] += 1
        size = torch.tensor(group["lr"]) * 2.0 ** state["step"]
        if size.isfinite():
            param -= size * grad
        elif "is_over" in state:
            param.fill_(torch.nan)
        else:
            state["is_over"] = torch.tensor(1.0)
