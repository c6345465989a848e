"""Colours and markers of optimizers, the same on every page and in every figure.

Registered optimizers have theirs in the registry. A reader's own optimizer has a vivid colour and a
marker that no other has. One that is neither registered nor the first of the reader's own gets
another look if one that is shown beside it has the same.

Twelve colours that everyone can tell apart do not exist, so each has its own marker, and the pair
identifies the optimizer. The colours were found by a random search that maximized the smallest
distance in OKLab over normal, protan, deutan and tritan vision (Machado et al., A
physiologically-based model for simulation of color vision deficiency, 2009), among colours with a
contrast of at least 3 to the background. Each has a lighter tone of the same hue for dark
backgrounds. Optimizers that are often compared have colours far apart.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from optimizers.pick import is_import_path, pick
from optimizers.registry import OPTIMIZERS

Outline = tuple[tuple[float, float], ...]

_DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 3), (8, 3, 2, 3))


@dataclass(frozen=True, kw_only=True)
class Style:
    """The look of one optimizer.

    Args:
        color: Colour for light backgrounds, as ``#rrggbb``.
        color_on_dark: Colour for dark backgrounds.
        marker: Corners of a polygon around the origin, at most 1 away from it; y points up.
        dash: Lengths of dashes and gaps in pixels, empty for a solid line. Dashes distinguish
            several entries of the same name.
    """

    color: str
    color_on_dark: str
    marker: Outline
    dash: tuple[int, ...] = ()


def styles(names: Sequence[str]) -> list[Style]:
    """Return a style for each of the optimizers that are shown together, all different.

    Entries of the same name differ in their dash. Registered optimizers keep their colour and
    marker everywhere, and the first of the reader's own has `OWN`. Any other has the look of
    `style`, unless another entry has its colour or the whole look; then it gets the look that is
    least in use.

    >>> first, second = styles(["adam", "adam"])
    >>> first.color == second.color, first.dash == second.dash
    (True, False)
    """
    seen: Counter[str] = Counter()
    looks: dict[tuple[str, int], Style] = {
        (name, 0): _STYLES[name] for name in names if name in _STYLES
    }
    own = next(filter(is_own, names), None)
    if own is not None:
        looks[own, 0] = OWN
    found = []
    for name in names:
        turn, dash = divmod(seen[name], len(_DASHES))
        if (name, turn) not in looks:
            looks[name, turn] = _unlike(looks.values(), name)
        found.append(replace(looks[name, turn], dash=_DASHES[dash]))
        seen[name] += 1
    return found


def style(name: str) -> Style:
    """Return the style of the optimizer called `name` when it is shown alone.

    A class of torch that is not registered gets a colour and a marker by a checksum of its name.
    """
    if name in _STYLES:
        return _STYLES[name]
    if is_own(name):
        return OWN
    place = zlib.crc32(name.encode()) % len(_SPARE)
    return _SPARE[place]


def is_own(name: str) -> bool:
    """Return whether `name` is the import path of an optimizer that the reader wrote.

    >>> is_own("mine.MyOpt"), is_own("adam"), is_own("torch.optim.Adam")
    (True, False, False)
    """
    return is_import_path(name) and not name.startswith("torch.")


def _unlike(others: Iterable[Style], name: str) -> Style:
    """Return the spare style most unlike `others`; ties go to the one that `name` decides."""
    taken = [(other.color, other.marker) for other in others]
    colors = Counter(color for color, _ in taken)
    markers = Counter(marker for _, marker in taken)
    own = zlib.crc32(name.encode()) % len(_SPARE)

    def likeness(look: Style) -> tuple[bool, int, int]:
        shared = 0 if look is _SPARE[own] else markers[look.marker]
        return (look.color, look.marker) in taken, colors[look.color], shared

    return min(_SPARE[own:] + _SPARE[:own], key=likeness)


def _regular(corners: int, turn: float = 0.25, radius: float = 1.0) -> Outline:
    """Return a regular polygon whose first corner is `turn` full turns from the x axis."""
    angles = [2 * math.pi * (turn + corner / corners) for corner in range(corners)]
    return tuple((radius * math.cos(angle), radius * math.sin(angle)) for angle in angles)


def _star(points: int, inner: float, turn: float = 0.25) -> Outline:
    outside = _regular(points, turn)
    inside = _regular(points, turn + 0.5 / points, inner)
    return tuple(corner for pair in zip(outside, inside, strict=True) for corner in pair)


def _plus(width: float = 0.34) -> Outline:
    arm = ((0.94, -width), (0.94, width), (width, width))
    quarter_turns = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
    return tuple((a * x + b * y, c * x + d * y) for a, b, c, d in quarter_turns for x, y in arm)


def _turned(outline: Outline, turn: float) -> Outline:
    c, s = math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)
    return tuple((c * x - s * y, s * x + c * y) for x, y in outline)


_MARKERS = {
    "disc": _regular(24, radius=0.85),
    "square": _regular(4, turn=0.125),
    "diamond": _regular(4),
    "triangle": _regular(3),
    "triangle down": _regular(3, turn=0.75),
    "triangle left": _regular(3, turn=0.5),
    "triangle right": _regular(3, turn=0.0),
    "plus": _plus(),
    "cross": _turned(_plus(), 0.125),
    "star": _star(5, 0.45),
    "star down": _star(5, 0.45, turn=0.75),
    "four points": _star(4, 0.4),
    "four points turned": _star(4, 0.4, turn=0.125),
    "three points": _star(3, 0.3, turn=0.75),
    "three points up": _star(3, 0.3),
    "pentagon": _regular(5),
    "pentagon down": _regular(5, turn=0.75),
    "six points": _star(6, 0.5),
}

_STYLES = {
    row.name: Style(
        color=row.look.color,
        color_on_dark=row.look.color_on_dark,
        marker=pick(_MARKERS, row.look.marker, "marker"),
    )
    for row in OPTIMIZERS.values()
}
OWN = Style(color="#d6006e", color_on_dark="#ff5cac", marker=_regular(6))  # no row may take it
_SPARE = tuple(
    replace(color, marker=marker.marker)
    for color in _STYLES.values()
    for marker in _STYLES.values()
    if color is not marker
)
