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
