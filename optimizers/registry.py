"""The table of optimizers: every name that ``--opts`` knows without an import path."""

from dataclasses import dataclass

from optimizers.moved import address_of
from optimizers.spaces import ADAM_LIKE, Range, Space


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """One optimizer: where its class lives, where it comes from, and what it can do.

    Args:
        name: What ``--opts`` and tables call it.
        target: Its class as ``module:attribute``, imported when it is first built.
        paper: Authors, title and year.
        link: Where the paper can be read.
        summary: The rule in a line.
        defaults: Where the default hyperparameters come from.
        space: What to tune, in which ranges, and who says so.
        state_tensors: How many tensors of a parameter's size its default form keeps.
        decoupled: Whether weight decay shrinks the parameters, instead of adding to the gradient.
        takes_sparse: Whether it takes the sparse gradients of an embedding.
        scale_free: Whether the step stays the same if all gradients are multiplied by a number,
            but for ε.
    """

    name: str
    target: str
    paper: str
    link: str
    summary: str
    defaults: str
    space: Space
    state_tensors: int
    decoupled: bool = False
    takes_sparse: bool = False
    scale_free: bool = False

    @property
    def address(self) -> str:
        """Its class in records and trial keys, which stays where it is when files move."""
        return address_of(self.target)


_ROWS = (
    OptimizerRow(
        name="sgd",
        target="optimizers.rules.sgd:SGD",
        paper="Robbins & Monro, A Stochastic Approximation Method, 1951",
        link="https://doi.org/10.1214/aoms/1177729586",
        summary="a step against the gradient",
        defaults="torch.optim.SGD",
        space=Space(ranges=(Range(name="lr", low=1e-3, high=10.0),)),
        state_tensors=0,
        takes_sparse=True,
    ),
    OptimizerRow(
        name="momentum",
        target="optimizers.rules.momentum:Momentum",
        paper="Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
        link="https://doi.org/10.1016/0041-5553(64)90137-5",
        summary="a step along a decaying sum of gradients",
        defaults="lr of torch.optim.SGD, momentum 0.9 by common practice",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-4, high=1.0),
                Range(name="momentum", low=1e-3, high=0.3, one_minus=True),
            )
        ),
        state_tensors=1,
    ),
    OptimizerRow(
        name="nesterov",
        target="optimizers.rules.nesterov:Nesterov",
        paper="Sutskever et al., On the importance of initialization and momentum, ICML 2013",
        link="https://proceedings.mlr.press/v28/sutskever13.html",
        summary="momentum with a look ahead",
        defaults="lr of torch.optim.SGD, momentum 0.9 by common practice",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-4, high=1.0),
                Range(name="momentum", low=1e-3, high=0.3, one_minus=True),
            )
        ),
        state_tensors=1,
    ),
    OptimizerRow(
        name="adagrad",
        target="optimizers.rules.adagrad:Adagrad",
        paper="Duchi, Hazan & Singer, Adaptive Subgradient Methods, JMLR 2011",
        link="https://jmlr.org/papers/v12/duchi11a.html",
        summary="steps divided by the root of the sum of squared gradients",
        defaults="torch.optim.Adagrad; the paper leaves η open",
        space=Space(ranges=(Range(name="lr", low=1e-4, high=1.0),)),
        state_tensors=1,
        takes_sparse=True,
        scale_free=True,
    ),
    OptimizerRow(
        name="adadelta",
        target="optimizers.rules.adadelta:Adadelta",
        paper="Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv 1212.5701, 2012",
        link="https://arxiv.org/abs/1212.5701",
        summary="steps in the units of the parameters, without a learning rate",
        defaults="torch.optim.Adadelta; the paper has ρ = 0.95 and no learning rate",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-3, high=10.0),
                Range(name="rho", low=1e-2, high=0.3, one_minus=True),
            )
        ),
        state_tensors=2,
        scale_free=True,
    ),
    OptimizerRow(
        name="rmsprop",
        target="optimizers.rules.rmsprop:RMSprop",
        paper="Tieleman & Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012",
        link="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
        summary="steps divided by the root of a decaying mean of squared gradients",
        defaults="torch.optim.RMSprop; the lecture has a decay of 0.9",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-5, high=1e-1),
                Range(name="alpha", low=1e-3, high=0.3, one_minus=True),
            )
        ),
        state_tensors=1,
        scale_free=True,
    ),
    OptimizerRow(
        name="adam",
        target="optimizers.rules.adam:Adam",
        paper="Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
        link="https://arxiv.org/abs/1412.6980",
        summary="decaying means of gradient and squared gradient, both bias-corrected",
        defaults="the paper",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        scale_free=True,
    ),
    OptimizerRow(
        name="adamax",
        target="optimizers.rules.adamax:Adamax",
        paper="Kingma & Ba, Adam: A Method for Stochastic Optimization, section 7.1, ICLR 2015",
        link="https://arxiv.org/abs/1412.6980",
        summary="Adam with the largest recent gradient in place of the root of the mean square",
        defaults="the paper; ε of torch.optim.Adamax",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        scale_free=True,
    ),
    OptimizerRow(
        name="adamw",
        target="optimizers.rules.adamw:AdamW",
        paper="Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019",
        link="https://arxiv.org/abs/1711.05101",
        summary="Adam whose weight decay shrinks the parameters, apart from the gradient",
        defaults="torch.optim.AdamW",
        space=Space(ranges=(*ADAM_LIKE, Range(name="weight_decay", low=1e-4, high=1.0))),
        state_tensors=2,
        decoupled=True,
        scale_free=True,
    ),
    OptimizerRow(
        name="nadam",
        target="optimizers.rules.nadam:NAdam",
        paper="Dozat, Incorporating Nesterov Momentum into Adam, ICLR workshop 2016",
        link="https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
        summary="Adam whose momentum looks ahead as Nesterov's",
        defaults="the paper, in the form of torch.optim.NAdam",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        scale_free=True,
    ),
    OptimizerRow(
        name="radam",
        target="optimizers.rules.radam:RAdam",
        paper="Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020",
        link="https://arxiv.org/abs/1908.03265",
        summary="Adam that adapts only as far as its second moment can be trusted",
        defaults="torch.optim.RAdam",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
    ),
    OptimizerRow(
        name="lion",
        target="optimizers.rules.lion:Lion",
        paper="Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023",
        link="https://arxiv.org/abs/2302.06675",
        summary="steps of one size along the sign of an interpolated momentum",
        defaults="the authors' code",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-6, high=1e-2),
                Range(name="weight_decay", low=1e-4, high=10.0),
            ),
            source="3 to 10 times smaller rates and as much larger decays than AdamW's, as the "
            "paper's section 5 advises",
        ),
        state_tensors=1,
        decoupled=True,
        scale_free=True,
    ),
)

OPTIMIZERS = {row.name: row for row in _ROWS}
