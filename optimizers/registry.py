"""The table of optimizers: every name that ``--opts`` knows without an import path."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """One optimizer: where its class lives and where it comes from."""

    name: str
    target: str
    paper: str
    summary: str


_ROWS = (
    OptimizerRow(
        name="sgd",
        target="optimizers.sgd:SGD",
        paper="Robbins & Monro, A Stochastic Approximation Method, 1951",
        summary="a step against the gradient",
    ),
    OptimizerRow(
        name="momentum",
        target="optimizers.momentum:Momentum",
        paper="Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
        summary="a step along a decaying sum of gradients",
    ),
    OptimizerRow(
        name="nesterov",
        target="optimizers.nesterov:Nesterov",
        paper="Sutskever et al., On the importance of initialization and momentum, ICML 2013",
        summary="momentum with a look ahead",
    ),
    OptimizerRow(
        name="adagrad",
        target="optimizers.adagrad:Adagrad",
        paper="Duchi, Hazan & Singer, Adaptive Subgradient Methods, JMLR 2011",
        summary="steps divided by the root of the sum of squared gradients",
    ),
    OptimizerRow(
        name="adadelta",
        target="optimizers.adadelta:Adadelta",
        paper="Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv 1212.5701, 2012",
        summary="steps in the units of the parameters, without a learning rate",
    ),
    OptimizerRow(
        name="rmsprop",
        target="optimizers.rmsprop:RMSprop",
        paper="Tieleman & Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012",
        summary="steps divided by the root of a decaying mean of squared gradients",
    ),
    OptimizerRow(
        name="adam",
        target="optimizers.adam:Adam",
        paper="Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
        summary="decaying means of gradient and squared gradient, both bias-corrected",
    ),
)

OPTIMIZERS = {row.name: row for row in _ROWS}
