"""Optimizers that train well and keep what observers look at in other ways than torch's."""

import torch
from torch import nn


class Plain(torch.optim.Optimizer):
    """Steps by 0.1 times the gradient, whatever its groups say."""

    def __init__(self, params, **defaults):
        super().__init__(params, {"lr": 0.1} | defaults)
        self.moved = [param for group in self.param_groups for param in group["params"]]

    @torch.no_grad()
    def step(self):
        for param in self.moved:
            if param.grad is not None:
                self.note(param)
                param -= 0.1 * param.grad

    def note(self, param):
        pass


class MatricesAlone(Plain):
    """Holds no biases."""

    def __init__(self, params):
        super().__init__([param for param in params if param.ndim > 1])


class Flat(Plain):
    """Holds one parameter of its own in place of the network's."""

    def __init__(self, params):
        network = list(params)
        super().__init__([nn.Parameter(torch.zeros(3))])
        self.moved = network


class Moments(Plain):
    """Has moments, steps and betas; the betas are no pair of decays."""

    betas = (0.9,)

    def __init__(self, params):
        super().__init__(params, betas=self.betas)

    def note(self, param):
        ones = torch.ones_like(param)
        self.state[param] = {"step": 1, "exp_avg": ones, "exp_avg_sq": ones}


class NumberForBetas(Moments):
    betas = 0.9


class NegativeBeta(Moments):
    betas = (-0.1, 0.9)


class BetaOfOne(Moments):
    betas = (0.9, 1.0)


class TextForBetas(Moments):
    betas = "auto"


class StateOfTensors(Plain):
    """Keeps a tensor for each parameter, without names."""

    def note(self, param):
        self.state[param] = torch.ones(2)


class MomentsOfTuples(Moments):
    betas = (0.9, 0.9)

    def note(self, param):
        self.state[param] = {"step": "first", "exp_avg": (1.0,), "exp_avg_sq": (1.0,)}


class StepInAVector(Moments):
    betas = (torch.tensor([0.9]), torch.tensor([0.99]))

    def note(self, param):
        super().note(param)
        self.state[param]["step"] = torch.ones(1)


class ComplexMoments(Moments):
    betas = (0.9, 0.99)

    def note(self, param):
        ones = torch.ones_like(param, dtype=torch.complex64)
        self.state[param] = {"step": 1, "exp_avg": ones, "exp_avg_sq": ones}


class HugeStep(Moments):
    betas = (0.9, 0.99)

    def note(self, param):
        super().note(param)
        self.state[param]["step"] = 10**400


class RatePerLayer(Plain):
    def __init__(self, params):
        super().__init__(params, lr=torch.ones(3))


class RateInWords(Plain):
    def __init__(self, params):
        super().__init__(params, lr="auto")
