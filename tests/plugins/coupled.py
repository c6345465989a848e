"""Optimizers that mix what others keep apart, for tests of stepping many paths together."""

import torch


class PerTensor(torch.optim.SGD):
    """Steps as long as its learning rate, in each tensor."""

    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                param.grad = param.grad / (param.grad.norm() + 1e-12)
        return super().step()


class AllTensors(torch.optim.SGD):
    """Steps as long as its learning rate, over all tensors."""

    def step(self, closure=None):
        grads = [param.grad for group in self.param_groups for param in group["params"]]
        norm = torch.cat([grad.flatten() for grad in grads]).norm() + 1e-12
        for group in self.param_groups:
            for param in group["params"]:
                param.grad = param.grad / norm
        return super().step()


class NoRate(torch.optim.Optimizer):
    """Has no learning rate and takes no closure."""

    def __init__(self, params):
        super().__init__(params, {})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for param in group["params"]:
                param -= 0.001 * param.grad


class Flat(torch.optim.SGD):
    """Takes flat parameters alone."""

    def step(self, closure=None):
        raise ValueError("expected a flat parameter\nnot a matrix")
