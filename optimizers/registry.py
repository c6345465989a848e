"""The table of optimizers: every name that ``--opts`` accepts without an import path."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizers.moved import address_of
from optimizers.source import literal_defaults
from optimizers.spaces import ADAM_LIKE, ALPHA, MOMENTUM, RHO, WEIGHT_DECAY, Kind, Range, Space
from optimizers.twin import TorchTwin


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colour and marker of an optimizer in every figure; no two rows share either.

    Args:
        color: Colour for light backgrounds, as ``#rrggbb``, with a contrast of 3 or more.
        color_on_dark: A lighter tone of the same colour, for dark backgrounds.
        marker: A shape that `benchmark.report.palette` knows.
    """

    color: str
    color_on_dark: str
    marker: str


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """One optimizer: its class, its source and its capabilities.

    Everything else that distinguishes optimizers is read from this row: names in the package,
    colours, the class that `bench-step` compares with, and the tables of the documents.

    Args:
        name: Name in ``--opts`` and in tables.
        target: The class as ``module:attribute``, imported when it is first built.
        paper: Authors, title and year.
        link: URL of the paper.
        summary: The rule in a line.
        formula: The step, or its characteristic part, in Markdown.
        defaults: Source of the default hyperparameters.
        space: Hyperparameters to tune, their ranges, and the source of the ranges.
        state_tensors: Tensors of a parameter's size that the default form keeps, for a matrix.
        torch: Torch's class of the same rule; None if torch has none.
        look: Colour and marker.
        decoupled: Weight decay shrinks the parameters instead of adding to the gradient.
        takes_sparse: The rule accepts the sparse gradients of an embedding.
        scale_free: Multiplying all gradients by one number does not change the step, except
            through ε.
    """

    name: str
    target: str
    paper: str
    link: str
    summary: str
    formula: str
    defaults: str
    space: Space
    state_tensors: int
    torch: TorchTwin | None
    look: Look
    decoupled: bool = False
    takes_sparse: bool = False
    scale_free: bool = False

    @property
    def address(self) -> str:
        """Name of the class in records and trial keys; it stays the same when files move."""
        return address_of(self.target)

    @property
    def class_name(self) -> str:
        """Name of the class in its file and in the package."""
        return self.target.partition(":")[2]

    @property
    def spaces(self) -> Mapping[Kind, Space]:
        """The two spaces: ``lr``, the learning rate alone, and ``full``, all ranges of the row."""
        return {"lr": self.space.only_lr, "full": self.space}

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        """All hyperparameters with their defaults, read from the source file without torch."""
        return literal_defaults(self.target)


_ROWS = (
    OptimizerRow(
        name="sgd",
        target="optimizers.rules.sgd:SGD",
        paper="Robbins & Monro, A Stochastic Approximation Method, 1951",
        link="https://doi.org/10.1214/aoms/1177729586",
        summary="a step against the gradient",
        formula="θ − α·g",
        defaults="torch.optim.SGD",
        space=Space(ranges=(Range(name="lr", low=1e-3, high=10.0),)),
        state_tensors=0,
        takes_sparse=True,
        torch=TorchTwin(name="SGD"),
        look=Look(color="#5a061a", color_on_dark="#af6469", marker="disc"),
    ),
    OptimizerRow(
        name="momentum",
        target="optimizers.rules.momentum:Momentum",
        paper="Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
        link="https://doi.org/10.1016/0041-5553(64)90137-5",
        summary="a step along a decaying sum of gradients",
        formula="velocity of gradients",
        defaults="lr of torch.optim.SGD, momentum 0.9 by common practice",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-4, high=1.0),
                MOMENTUM,
            )
        ),
        state_tensors=1,
        torch=TorchTwin(name="SGD"),
        look=Look(color="#2f02a0", color_on_dark="#7478f0", marker="square"),
    ),
    OptimizerRow(
        name="nesterov",
        target="optimizers.rules.nesterov:Nesterov",
        paper="Sutskever et al., On the importance of initialization and momentum, ICML 2013",
        link="https://proceedings.mlr.press/v28/sutskever13.html",
        summary="momentum with a look ahead",
        formula="velocity of gradients, with a look ahead",
        defaults="lr of torch.optim.SGD, momentum 0.9 by common practice",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-4, high=1.0),
                MOMENTUM,
            )
        ),
        state_tensors=1,
        torch=TorchTwin(name="SGD", fixed={"nesterov": True}),
        look=Look(color="#097c7e", color_on_dark="#84d0d1", marker="diamond"),
    ),
    OptimizerRow(
        name="adagrad",
        target="optimizers.rules.adagrad:Adagrad",
        paper="Duchi, Hazan & Singer, Adaptive Subgradient Methods, JMLR 2011",
        link="https://jmlr.org/papers/v12/duchi11a.html",
        summary="steps divided by the root of the sum of squared gradients",
        formula="α·g/(√Σg² + δ)",
        defaults="torch.optim.Adagrad; the paper leaves η open",
        space=Space(ranges=(Range(name="lr", low=1e-4, high=1.0),)),
        state_tensors=1,
        takes_sparse=True,
        scale_free=True,
        torch=TorchTwin(name="Adagrad"),
        look=Look(color="#2d95aa", color_on_dark="#9beafd", marker="triangle"),
    ),
    OptimizerRow(
        name="adadelta",
        target="optimizers.rules.adadelta:Adadelta",
        paper="Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv 1212.5701, 2012",
        link="https://arxiv.org/abs/1212.5701",
        summary="steps in the units of the parameters; the paper has no rate, here it is a factor",
        formula="√E[Δx²]/√E[g²]·g",
        defaults="torch.optim.Adadelta; the paper has ρ = 0.95 and no learning rate",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-3, high=10.0),
                RHO,
            )
        ),
        state_tensors=2,
        scale_free=True,
        torch=TorchTwin(name="Adadelta"),
        look=Look(color="#830462", color_on_dark="#d974b3", marker="triangle down"),
    ),
    OptimizerRow(
        name="rmsprop",
        target="optimizers.rules.rmsprop:RMSprop",
        paper="Tieleman & Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012",
        link="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
        summary="steps divided by the root of a decaying mean of squared gradients",
        formula="α·g/(√E[g²] + ε)",
        defaults="torch.optim.RMSprop; the lecture has a decay of 0.9",
        space=Space(
            ranges=(
                Range(name="lr", low=1e-5, high=1e-1),
                ALPHA,
            )
        ),
        state_tensors=1,
        scale_free=True,
        torch=TorchTwin(name="RMSprop"),
        look=Look(color="#a78108", color_on_dark="#fbd888", marker="plus"),
    ),
    OptimizerRow(
        name="adam",
        target="optimizers.rules.adam:Adam",
        paper="Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
        link="https://arxiv.org/abs/1412.6980",
        summary="decaying means of gradient and squared gradient, both bias-corrected",
        formula="α·m̂/(√v̂ + ε)",
        defaults="the paper",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        scale_free=True,
        torch=TorchTwin(name="Adam", built_in={"bias_correction": True}, is_exact=False),
        look=Look(color="#145dab", color_on_dark="#7ab4fc", marker="star"),
    ),
    OptimizerRow(
        name="adamax",
        target="optimizers.rules.adamax:Adamax",
        paper="Kingma & Ba, Adam: A Method for Stochastic Optimization, section 7.1, ICLR 2015",
        link="https://arxiv.org/abs/1412.6980",
        summary="Adam with the largest recent gradient in place of the root of the mean square",
        formula="α·m̂/max(β₂u, abs(g))",
        defaults="the paper; ε of torch.optim.Adamax",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        scale_free=True,
        torch=TorchTwin(name="Adamax"),
        look=Look(color="#5d3f01", color_on_dark="#af9266", marker="triangle right"),
    ),
    OptimizerRow(
        name="adamw",
        target="optimizers.rules.adamw:AdamW",
        paper="Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019",
        link="https://arxiv.org/abs/1711.05101",
        summary="Adam whose weight decay shrinks the parameters, apart from the gradient",
        formula="α·m̂/(√v̂ + ε)",
        defaults="torch.optim.AdamW",
        space=Space(ranges=(*ADAM_LIKE, WEIGHT_DECAY)),
        state_tensors=2,
        decoupled=True,
        scale_free=True,
        torch=TorchTwin(name="AdamW", built_in={"bias_correction": True}, is_exact=False),
        look=Look(color="#5f9762", color_on_dark="#baecbb", marker="cross"),
    ),
    OptimizerRow(
        name="nadam",
        target="optimizers.rules.nadam:NAdam",
        paper="Dozat, Incorporating Nesterov Momentum into Adam, ICLR workshop 2016",
        link="https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
        summary="Adam whose momentum looks ahead as Nesterov's",
        formula="`adam` with Nesterov's look ahead",
        defaults="the paper, in the form of torch.optim.NAdam",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        scale_free=True,
        torch=TorchTwin(name="NAdam", is_exact=False),
        look=Look(color="#446400", color_on_dark="#99b871", marker="triangle left"),
    ),
    OptimizerRow(
        name="radam",
        target="optimizers.rules.radam:RAdam",
        paper="Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020",
        link="https://arxiv.org/abs/1908.03265",
        summary="Adam that adapts only as far as its second moment can be trusted",
        formula="`adam`, rectified",
        defaults="torch.optim.RAdam",
        space=Space(ranges=ADAM_LIKE),
        state_tensors=2,
        torch=TorchTwin(name="RAdam", is_exact=False),
        look=Look(color="#71674a", color_on_dark="#c4bba1", marker="four points"),
    ),
    OptimizerRow(
        name="lion",
        target="optimizers.rules.lion:Lion",
        paper="Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023",
        link="https://arxiv.org/abs/2302.06675",
        summary="steps of one size along the sign of an interpolated momentum",
        formula="η·sign(β₁m + (1−β₁)g)",
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
        torch=None,
        look=Look(color="#4a0854", color_on_dark="#9c65a4", marker="three points"),
    ),
    OptimizerRow(
        name="muon",
        target="optimizers.rules.muon:Muon",
        paper="Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024",
        link="https://kellerjordan.github.io/posts/muon/",
        summary="momentum made orthogonal for matrices, AdamW for all other parameters",
        formula="0.2·α·√n·UVᵀ of momentum UΣVᵀ, n the longer side; `adamw` on vectors",
        defaults="torch.optim.Muon; the scale of Liu et al., 2025; betas and ε of AdamW",
        space=Space(ranges=(ADAM_LIKE[0], MOMENTUM, WEIGHT_DECAY)),
        state_tensors=1,
        decoupled=True,
        scale_free=True,
        torch=TorchTwin(
            name="Muon",
            built_in={"maximize": False},
            is_exact=False,
            elsewhere=frozenset({"betas"}),
            rest=TorchTwin(name="AdamW", elsewhere=frozenset({"momentum", "adjust_lr_fn"})),
        ),
        look=Look(color="#c2452d", color_on_dark="#ff9a80", marker="pentagon"),
    ),
)

OPTIMIZERS = {row.name: row for row in _ROWS}
