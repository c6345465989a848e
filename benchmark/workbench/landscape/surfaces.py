"""The table of surfaces: functions of two coordinates with known minima.

The functions take torch's tensors, but torch is not imported, so that the command line lists
names fast.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Surface:
    """One surface.

    Args:
        name: Name for ``--surfaces``.
        title: Name on pages and in figures.
        formula: The formula as text.
        note: The difficulty of the surface, in a sentence.
        source: Reference for the function.
        function: Takes x and y of one shape and returns the loss in that shape.
        window: The drawn range: lowest and highest x, lowest and highest y.
        starts: Start positions. The first is the usual one, if there is one. The others are not a
            round distance from a minimum, because steps of constant size could hit it by chance.
        minima: All global minima.
        lowest: The loss at the minima.
    """

    name: str
    title: str
    formula: str
    note: str
    source: str
    function: "Callable[[Tensor, Tensor], Tensor]"
    window: tuple[float, float, float, float]
    starts: tuple[Point, Point]
    minima: tuple[Point, ...]
    lowest: float = 0.0


def _rosenbrock(x: "Tensor", y: "Tensor") -> "Tensor":
    return (1 - x).square() + 100 * (y - x.square()).square()


def _beale(x: "Tensor", y: "Tensor") -> "Tensor":
    first, second, third = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    return first.square() + second.square() + third.square()


def _himmelblau(x: "Tensor", y: "Tensor") -> "Tensor":
    return (x.square() + y - 11).square() + (x + y.square() - 7).square()


def _saddle(x: "Tensor", y: "Tensor") -> "Tensor":
    return x.square() - y.square() + 0.5 * y**4


def _monkey_saddle(x: "Tensor", y: "Tensor") -> "Tensor":
    return x**3 - 3 * x * y.square() + 0.75 * (x.square() + y.square()).square()


def _ravine(x: "Tensor", y: "Tensor") -> "Tensor":
    along, across = _TURN[0] * x + _TURN[1] * y, _TURN[0] * y - _TURN[1] * x
    return 0.5 * (along.square() + 100 * across.square())


def _rastrigin(x: "Tensor", y: "Tensor") -> "Tensor":
    waves = (2 * math.pi * x).cos() + (2 * math.pi * y).cos()
    return 20 + x.square() + y.square() - 10 * waves


def _plateau(x: "Tensor", y: "Tensor") -> "Tensor":
    return -(-0.5 * (x.square() + y.square())).expm1()


_TURN = (math.cos(math.pi / 6), math.sin(math.pi / 6))

_ROWS = (
    Surface(
        name="rosenbrock",
        title="Rosenbrock's valley",
        formula="(1 − x)² + 100 (y − x²)²",
        note="The curved floor is found at once; following it to the minimum takes long.",
        source="Rosenbrock, An automatic method for finding the greatest or least value of a "
        "function, Computer Journal 3, 1960",
        function=_rosenbrock,
        window=(-2.0, 2.0, -1.0, 3.0),
        starts=((-1.2, 1.0), (0.0, 2.5)),
        minima=((1.0, 1.0),),
    ),
    Surface(
        name="beale",
        title="Beale's function",
        formula="(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        note="Flat in the middle, walls that rise like the sixth power towards the corners.",
        source="Beale, On an iterative method for finding a local minimum of a function of more "
        "than one variable, Princeton, 1958; start from Moré, Garbow & Hillstrom, 1981",
        function=_beale,
        window=(-4.5, 4.5, -4.5, 4.5),
        starts=((1.0, 1.0), (-2.0, -1.5)),
        minima=((3.0, 0.5),),
    ),
    Surface(
        name="himmelblau",
        title="Himmelblau's function",
        formula="(x² + y − 11)² + (x + y² − 7)²",
        note="Four minima, equally deep: which one is reached depends on the optimizer.",
        source="Himmelblau, Applied Nonlinear Programming, McGraw-Hill, 1972",
        function=_himmelblau,
        window=(-5.0, 5.0, -5.0, 5.0),
        starts=((0.5, -1.2), (-4.5, 0.2)),
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
    ),
    Surface(
        name="saddle",
        title="Saddle with walls",
        formula="x² − y² + y⁴/2",
        note="The gradient vanishes at the saddle in the middle; the way down is to its sides. "
        "y⁴/2 gives the usual saddle x² − y² a floor.",
        source="the textbook saddle; why it matters: Dauphin et al., Identifying and attacking "
        "the saddle point problem, NeurIPS 2014",
        function=_saddle,
        window=(-1.8, 1.8, -1.8, 1.8),
        starts=((1.53, 0.001), (-1.37, 0.1)),
        minima=((0.0, 1.0), (0.0, -1.0)),
        lowest=-0.5,
    ),
    Surface(
        name="monkey_saddle",
        title="Monkey saddle with walls",
        formula="x³ − 3xy² + 3/4 (x² + y²)²",
        note="Gradient and curvature both vanish in the middle, and three valleys leave it. "
        "The last term gives the usual x³ − 3xy² a floor.",
        source="Hilbert & Cohn-Vossen, Geometry and the Imagination, 1952, without the floor",
        function=_monkey_saddle,
        window=(-1.6, 1.6, -1.6, 1.6),
        starts=((1.2, 0.02), (0.05, -0.03)),
        minima=((-1.0, 0.0), (0.5, math.sqrt(0.75)), (0.5, -math.sqrt(0.75))),
        lowest=-0.25,
    ),
    Surface(
        name="ravine",
        title="Ravine",
        formula="u²/2 + 50 v², (u, v) being (x, y) turned by 30°",
        note="A hundred times steeper across than along, and aligned with neither coordinate, so "
        "that a learning rate per coordinate is no cure.",
        source="a quadratic of condition number 100, as in Polyak, Some methods of speeding up "
        "the convergence of iteration methods, 1964",
        function=_ravine,
        window=(-4.0, 4.0, -4.0, 4.0),
        starts=((-3.3, -0.6), (1.0, 3.2)),
        minima=((0.0, 0.0),),
    ),
    Surface(
        name="rastrigin",
        title="Rastrigin's function",
        formula="20 + x² + y² − 10 cos 2πx − 10 cos 2πy",
        note="A hundred local minima: what is reached says more about step size than about skill.",
        source="Rastrigin, Systems of extremal control, 1974, in the form of Mühlenbein, Schomisch "
        "& Born, Parallel Computing 17, 1991",
        function=_rastrigin,
        window=(-5.12, 5.12, -5.12, 5.12),
        starts=((-3.32, 2.71), (1.83, 4.27)),
        minima=((0.0, 0.0),),
    ),
    Surface(
        name="plateau",
        title="Plateau",
        formula="1 − exp(−(x² + y²)/2)",
        note="Far from the hole hardly any gradient is left: an optimizer that scales its steps "
        "gets there, one that does not stands still.",
        source="own; a hole in a plain as in Easom, A survey of global optimization techniques, "
        "1990, without its waves",
        function=_plateau,
        window=(-4.0, 4.0, -4.0, 4.0),
        starts=((-2.63, -1.97), (0.31, 3.02)),
        minima=((0.0, 0.0),),
    ),
)

SURFACES = {row.name: row for row in _ROWS}
