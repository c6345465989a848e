"""Stand-ins for the classes of KellerJordan/Muon, which is no package: what they take and assert.

Written anew: the same signatures, assertions and rule (https://kellerjordan.github.io/posts/muon/).
"""

import torch


def orthogonalize(matrix, steps=5):
    """Return a matrix with the singular vectors of `matrix` and singular values near one."""
    assert matrix.ndim >= 2
    tall = matrix.size(-2) > matrix.size(-1)
    x = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if tall else x


def muon_step(group, state_of):
    for p in group["params"]:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
        state = state_of(p)
        momentum = state.setdefault("momentum_buffer", torch.zeros_like(p))
        momentum.lerp_(p.grad, 1 - group["momentum"])
        update = p.grad.lerp(momentum, group["momentum"])
        update = update.view(len(update), -1) if update.ndim == 4 else update
        update = orthogonalize(update) * max(1, update.size(-2) / update.size(-1)) ** 0.5
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.add_(update.reshape(p.shape), alpha=-group["lr"])


class Muon(torch.optim.Optimizer):
    """Shares its matrices out among processes, so that it needs a process group."""

    def __init__(self, params, lr=0.02, weight_decay=0, momentum=0.95):
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        assert isinstance(params, list)
        assert len(params) >= 1
        assert isinstance(params[0], torch.nn.Parameter)
        super().__init__(sorted(params, key=lambda p: p.size(), reverse=True), defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = closure() if closure is not None else None
        torch.distributed.get_world_size()
        for group in self.param_groups:
            muon_step(group, self.state.__getitem__)
        return loss


class SingleDeviceMuon(torch.optim.Optimizer):
    """Takes matrices alone, and says so only in its step."""

    def __init__(self, params, lr=0.02, weight_decay=0, momentum=0.95):
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            muon_step(group, self.state.__getitem__)
        return loss


class SingleDeviceMuonWithAuxAdam(torch.optim.Optimizer):
    """Takes groups that say which are matrices; the others go to Adam."""

    def __init__(self, param_groups):
        for group in param_groups:
            assert "use_muon" in group
            if group["use_muon"]:
                own = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0}
            else:
                own = {"lr": 3e-4, "betas": (0.9, 0.95), "eps": 1e-10, "weight_decay": 0}
            for name, value in own.items():
                group.setdefault(name, value)
            assert set(group) == {"params", "use_muon", *own}
        super().__init__(param_groups, {})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["use_muon"]:
                muon_step(group, self.state.__getitem__)
            else:
                self.adam_step(group)
        return loss

    def adam_step(self, group):
        first, second = group["betas"]
        for p in group["params"]:
            state = self.state[p]
            state["step"] = state.get("step", 0) + 1
            m = state.setdefault("exp_avg", torch.zeros_like(p)).lerp_(p.grad, 1 - first)
            v = state.setdefault("exp_avg_sq", torch.zeros_like(p))
            v.lerp_(p.grad.square(), 1 - second)
            m, v = m / (1 - first ** state["step"]), v / (1 - second ** state["step"])
            p.add_(m / (v.sqrt() + group["eps"]), alpha=-group["lr"])
