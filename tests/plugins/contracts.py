"""Optimizers of every kind that asks something of the loop besides gradients."""

import torch


class Averaging(torch.optim.SGD):
    """Plain SGD judged at the mean of its iterates; refuses a step where it is judged."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.trains = False
        self.count = 0
        self.switches = []

    def params(self):
        return [p for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self, closure=None):
        assert self.trains, "step outside of training"
        loss = super().step(closure)
        self.count += 1
        for p in self.params():
            mean = self.state[p].setdefault("mean", torch.zeros_like(p))
            mean += (p - mean) / self.count
        return loss

    @torch.no_grad()
    def swap(self, trains):
        self.switches.append("train" if trains else "eval")
        if self.trains != trains:
            self.trains = trains
            for p in self.params() if self.count else []:
                mean = self.state[p]["mean"]
                kept = p.clone()
                p.copy_(mean)
                mean.copy_(kept)

    def train(self):
        self.swap(True)

    def eval(self):
        self.swap(False)


class MatrixAveraging(Averaging):
    """The same for matrices alone."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        if any(p.ndim != 2 for p in self.params()):
            raise ValueError("matrices alone")


class Listed(torch.optim.SGD):
    """Asserts a list of parameters, as the reference Muon does."""

    def __init__(self, params, lr=0.1):
        assert isinstance(params, list)
        assert isinstance(params[0], torch.nn.Parameter)
        super().__init__(params, lr)


class ListedMatrices(Listed):
    """The same, and refuses vectors only when it steps."""

    @torch.no_grad()
    def step(self):
        assert all(p.ndim >= 2 for group in self.param_groups for p in group["params"])
        super().step()


class Named(torch.optim.SGD):
    """Takes pairs of name and parameter."""

    def __init__(self, named_parameters, lr=0.1):
        pairs = list(named_parameters)
        assert all(isinstance(name, str) for name, _ in pairs)
        super().__init__([p for _, p in pairs], lr)


class Flagged(torch.optim.SGD):
    """Takes groups that say which are matrices, as Muon with an auxiliary Adam does."""

    def __init__(self, param_groups):
        for group in param_groups:
            assert "use_muon" in group
            assert all((p.ndim >= 2) is group["use_muon"] for p in group["params"])
        super().__init__([{"params": group["params"]} for group in param_groups], 0.1)


class FlaggedBelow(Flagged):
    """The same, as its base says."""

    def __init__(self, params):
        super().__init__(list(params))


class Hessian(torch.optim.Optimizer):
    """Scales by the diagonal of the Hessian, as AdaHessian does."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        loss = closure()
        [group] = self.param_groups
        params = group["params"]
        ones = [torch.ones_like(p) for p in params]
        products = self.product([p.grad for p in params], params, ones)
        with torch.no_grad():
            for p, h in zip(params, products, strict=True):
                p -= group["lr"] * p.grad / (h.abs() + 1)
        return loss

    def product(self, grads, params, ones):
        return torch.autograd.grad(grads, params, grad_outputs=ones)


class Hidden(Hessian):
    """The same, so that its code does not show it."""

    def product(self, grads, params, ones):
        differentiate = getattr(torch, "auto" + "grad")
        return differentiate.grad(grads, params, grad_outputs=ones)


class Sharpness(torch.optim.Optimizer):
    """Climbs along the gradient that is there, and descends by the one from up there."""

    def __init__(self, params, base_optimizer, rho=0.05, strict=False, **kwargs):
        super().__init__(params, {"rho": rho})
        self.base = base_optimizer(self.param_groups, **kwargs)
        self.strict = strict

    @torch.no_grad()
    def step(self, closure):
        params = [p for g in self.param_groups for p in g["params"] if p.grad is not None]
        if self.strict:
            torch.stack([p.grad.norm() for p in params])
        climbs = [self.param_groups[0]["rho"] * p.grad for p in params]
        for p, climb in zip(params, climbs, strict=True):
            p += climb
        loss = closure()
        for p, climb in zip(params, climbs, strict=True):
            p -= climb
        self.base.step()
        return loss


class Wrapper(torch.optim.Optimizer):
    """Every other step pulls back half of the way, and says nothing of what is inside."""

    def __init__(self, optimizer, k=2):
        self.inner, self.k, self.count = optimizer, k, 0
        super().__init__(optimizer.param_groups, {})
        self.slow = [p.detach().clone() for g in self.param_groups for p in g["params"]]

    @torch.no_grad()
    def step(self, closure=None):
        loss = self.inner.step(closure)
        self.count += 1
        if self.count % self.k == 0:
            params = [p for g in self.param_groups for p in g["params"]]
            for p, slow in zip(params, self.slow, strict=True):
                slow += 0.5 * (p - slow)
                p.copy_(slow)
        return loss


class Twice(torch.optim.SGD):
    """Evaluates the loss twice at one point and wants the same value."""

    @torch.no_grad()
    def step(self, closure):
        first, drawn = closure(), torch.rand(1)
        assert torch.equal(first, closure())
        assert not torch.equal(drawn, torch.rand(1))
        super().step()
        return first


class Stale(torch.optim.SGD):
    """Refuses the gradients of the step before."""

    def step(self, closure):
        assert all(p.grad is None for g in self.param_groups for p in g["params"])
        return super().step(closure)


class OfModel(torch.optim.SGD):
    """Takes a model, as Adam-mini does, and reads its names."""

    def __init__(self, model, lr=0.1):
        named = dict(model.named_parameters())
        assert all(isinstance(module, torch.nn.Module) for module in model.children())
        super().__init__(named.values(), lr)


class OfModelAndParams(Sharpness):
    """Takes a model and its parameters as well, as WSAM does."""

    def __init__(self, model, params, base_optimizer, lr=0.1):
        listed = list(params)
        assert all(p is q for p, q in zip(model.parameters(), listed, strict=True))
        super().__init__(listed, base_optimizer, lr=lr)


class Fused(torch.optim.SGD):
    """Updates weights in a backward pass of its own, as LOMO does."""

    def step(self, closure=None):
        raise NotImplementedError


class Curious(torch.optim.SGD):
    """Calls torch.autograd.grad on a function of its own, so that no graph is needed."""

    def step(self, closure=None):
        loss = super().step(closure)
        with torch.enable_grad():
            x = torch.ones(3, requires_grad=True)
            assert torch.autograd.grad(x.square().sum(), x)[0].sum() == 6
        return loss


class Random(torch.optim.SGD):
    """Draws from a generator of its own, which starts elsewhere in every process and instance."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self._generator = torch.Generator()
        self._generator.seed()

    def step(self):
        for group in self.param_groups:
            for param in group["params"]:
                param.grad.add_(torch.randn(param.shape, generator=self._generator), alpha=0.01)
        super().step()


class RandomWithClosure(Random):
    """The same, with a step that takes a closure."""

    def step(self, closure=None):
        loss = closure()
        super().step()
        return loss


class WithRows(torch.optim.SGD):
    """Wants a square parameter of so many rows, as those do that know the last layer of a model."""

    def __init__(self, params, rows):
        super().__init__(params, 0.1)
        if not any(p.shape == (rows, rows) for group in self.param_groups for p in group["params"]):
            raise ValueError(f"no parameter is square with {rows} rows")


class WaitsForAgreement(torch.optim.SGD):
    """Moves only along gradients that are those of the step before, as TRAC nearly does."""

    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                last = self.state[param].get("last")
                self.state[param]["last"] = param.grad.clone()
                if last is None or not torch.equal(last, param.grad):
                    param.grad = None
        return super().step(closure)


class Exits(torch.optim.SGD):
    """Ends the process when it is built; a test sets the code."""

    code = 0

    def __init__(self, params, lr=0.1):
        raise SystemExit(self.code)


class ByPlace(torch.optim.SGD):
    """Has an argument that cannot be given by name."""

    def __init__(self, params, total_steps, /, lr=0.1):
        super().__init__(params, lr)


class WrapsByPlace(Wrapper):
    """Takes the wrapped optimizer by its place alone."""

    def __init__(self, optimizer, /, k=2):
        super().__init__(optimizer, k)


class ForgetsClosure(torch.optim.SGD):
    """Takes a closure and does not call it, which leaves it without gradients."""

    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    param.data.add_(param.grad, alpha=-group["lr"])
