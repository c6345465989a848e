"""Colours and markers of the series of a claim, apart for every kind of colour vision.

Optimizers have the colours of all reports, which are not all far apart. A series that would look
like another of its claim takes the colour, or the marker, of an optimizer that the figure does not
show.

Distances are in OKLab (Ottosson, A perceptual color space for image processing, 2020). Colours are
first changed to what protan, deutan and tritan readers see (Machado et al., A physiologically-based
model for simulation of color vision deficiency, 2009, severity 1).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from math import cbrt, dist

from benchmark.report.palette import Style, style
from optimizers.registry import OPTIMIZERS

NEAR = 0.1  # in OKLab, where black and white are 1 apart

_Matrix = tuple[tuple[float, float, float], ...]
_VISIONS: tuple[_Matrix, ...] = (  # of linear RGB: normal, protan, deutan, tritan
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
)
_CONES: _Matrix = (  # from linear RGB
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB: _Matrix = (  # from cube roots of the cones' responses
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def told_apart(looks: Sequence[Style]) -> list[Style]:
    """Return the styles with some colours and markers replaced, so that none is near another.

    Colours are replaced one by one, each time that of the style with the most others near it, by
    the registered one whose nearest neighbour is farthest. Of styles with one marker, the first
    keeps it, while there are registered ones for the others.
    """
    found = _with_own_markers(looks)
    spare = [style(name).color for name in OPTIMIZERS]
    for _ in looks:
        pairs = combinations(range(len(found)), 2)
        near = [pair for pair in pairs if distance(*(found[at].color for at in pair)) < NEAR]
        if not near:
            break
        involved = [at for pair in near for at in pair]
        worst = max(involved, key=lambda at: (involved.count(at), at))
        others = [each.color for at, each in enumerate(found) if at != worst]
        best = max(spare, key=lambda color: min(distance(color, other) for other in others))
        found[worst] = replace(found[worst], color=best)
    return found


def _with_own_markers(looks: Sequence[Style]) -> list[Style]:
    taken = {look.marker for look in looks}
    spare = [style(name).marker for name in OPTIMIZERS if style(name).marker not in taken]
    found: list[Style] = []
    for look in looks:
        is_shared = any(look.marker == other.marker for other in found)
        found.append(replace(look, marker=spare.pop(0)) if is_shared and spare else look)
    return found


@cache
def distance(one: str, other: str) -> float:
    """Return the distance between two colours for the readers to whom they are nearest.

    >>> round(distance("#000000", "#ffffff"), 3), distance("#123456", "#123456")
    (1.0, 0.0)
    """
    return min(dist(_seen(one, vision), _seen(other, vision)) for vision in _VISIONS)


def _seen(color: str, vision: _Matrix) -> tuple[float, ...]:
    """Return a colour in OKLab as it is seen."""
    values = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    within = [min(max(value, 0.0), 1.0) for value in _times(vision, linear)]
    return _times(_OKLAB, [cbrt(value) for value in _times(_CONES, within)])


def _times(matrix: _Matrix, vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(sum(w * v for w, v in zip(row, vector, strict=True)) for row in matrix)
