"""The table of optimizers: every name that ``--opts`` knows without an import path."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """One optimizer: where its class lives and where it comes from.

    Args:
        name: What ``--opts`` and tables call it.
        target: Its class as ``module:attribute``, imported when it is first built.
        paper: Authors, title and year.
        link: Where the paper can be read.
        summary: The rule in a line.
    """

    name: str
    target: str
    paper: str
    link: str
    summary: str


_ROWS = (
    OptimizerRow(
        name="sgd",
        target="optimizers.sgd:SGD",
        paper="Robbins & Monro, A Stochastic Approximation Method, 1951",
        link="https://doi.org/10.1214/aoms/1177729586",
        summary="a step against the gradient",
    ),
    OptimizerRow(
        name="momentum",
        target="optimizers.momentum:Momentum",
        paper="Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
        link="https://doi.org/10.1016/0041-5553(64)90137-5",
        summary="a step along a decaying sum of gradients",
    ),
    OptimizerRow(
        name="nesterov",
        target="optimizers.nesterov:Nesterov",
        paper="Sutskever et al., On the importance of initialization and momentum, ICML 2013",
        link="https://proceedings.mlr.press/v28/sutskever13.html",
        summary="momentum with a look ahead",
    ),
    OptimizerRow(
        name="adagrad",
        target="optimizers.adagrad:Adagrad",
        paper="Duchi, Hazan & Singer, Adaptive Subgradient Methods, JMLR 2011",
        link="https://jmlr.org/papers/v12/duchi11a.html",
        summary="steps divided by the root of the sum of squared gradients",
    ),
    OptimizerRow(
        name="adadelta",
        target="optimizers.adadelta:Adadelta",
        paper="Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv 1212.5701, 2012",
        link="https://arxiv.org/abs/1212.5701",
        summary="steps in the units of the parameters, without a learning rate",
    ),
    OptimizerRow(
        name="rmsprop",
        target="optimizers.rmsprop:RMSprop",
        paper="Tieleman & Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012",
        link="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
        summary="steps divided by the root of a decaying mean of squared gradients",
    ),
    OptimizerRow(
        name="adam",
        target="optimizers.adam:Adam",
        paper="Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
        link="https://arxiv.org/abs/1412.6980",
        summary="decaying means of gradient and squared gradient, both bias-corrected",
    ),
)

OPTIMIZERS = {row.name: row for row in _ROWS}
