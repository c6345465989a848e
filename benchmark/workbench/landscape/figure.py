"""Pictures and films of optimizers' paths for slides, drawn with matplotlib."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from shutil import which
from subprocess import PIPE, Popen
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path as MarkerPath
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from PIL.Image import Dither, Image, fromarray

from benchmark.atomic import replacing
from benchmark.plain_text import plain
from benchmark.report.figures.lettering import lettering
from benchmark.report.palette import Style, styles
from benchmark.workbench.landscape.payload import relief
from benchmark.workbench.landscape.trajectories import PathIndex, Scene, Trajectories, log_gaps
from benchmark.workbench.landscape.view import NO_PATH, View

_RC: Any = {"svg.fonttype": "none", "pdf.fonttype": 42, "text.parse_math": False}
_FRAMES_PER_SECOND = 20
_FRAMES = 120
_REST_SECONDS = 2  # how long the last frame stays
_BANDS = 14
_MOST_NAMES = 3
_LEGEND_ROW_INCHES = 0.17
_LETTER_INCHES, _MARK_INCHES = 0.065, 0.6  # widths in the legend: one letter, and the line sample
_RELIEF = LinearSegmentedColormap.from_list("relief", ["#dde6f0", "#fafbfc"])


def draw_picture(trajectories: Trajectories, view: View, target: Path, kind: str) -> None:
    """Write a picture of whole paths; `kind` is ``png`` or another format of matplotlib."""
    drawn = BytesIO()
    with mpl.rc_context(_RC):
        figure, panels = _figure(trajectories, view)
        _show(panels, trajectories.steps)
        figure.savefig(drawn, format=kind, dpi=160)
    with replacing(target) as temporary:
        temporary.write_bytes(drawn.getvalue())


def draw_film(trajectories: Trajectories, view: View, target: Path, kind: str) -> None:
    """Write a film; `kind` is ``gif``, or ``mp4`` if `can_write_mp4`."""
    with mpl.rc_context(_RC):
        figure, panels = _figure(trajectories, view)
        figure.set_dpi(100)
        frames = list(_frames(figure, panels, _film_steps(trajectories.steps)))
    with replacing(target) as temporary:
        (_write_gif if kind == "gif" else _write_mp4)(frames, temporary)


def can_write_mp4() -> bool:
    """Return whether ffmpeg is installed."""
    return which("ffmpeg") is not None


@dataclass(frozen=True, kw_only=True)
class _Trace:
    """A path on a scene, and the artists that show it up to a step."""

    label: str
    position: np.ndarray[Any, np.dtype[np.float64]]  # (T, 2), until it diverges
    log_gap: np.ndarray[Any, np.dtype[np.float64]]  # (T,)
    path: Line2D
    here: Line2D
    curve: Line2D
    at: Line2D

    @property
    def top(self) -> float:
        """The highest log gap that the strip shows."""
        axes = self.at.axes
        assert axes is not None
        return axes.get_ylim()[1]

    @property
    def last(self) -> int:
        """The last step whose numbers are finite."""
        return len(self.log_gap) - 1


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """The axes of one scene."""

    scene: Scene
    title: Text
    absent: Text
    traces: Sequence[_Trace]
    lost: Sequence[str]

    def moving(self) -> list[Artist]:
        """Return the artists that change from step to step, the lowest first."""
        paths: list[Artist] = [each for trace in self.traces for each in (trace.path, trace.curve)]
        marks: list[Artist] = [each for trace in self.traces for each in (trace.here, trace.at)]
        return [*paths, *marks, self.title, self.absent]


def _film_steps(steps: int) -> list[int]:
    """Return the steps to show; early ones are closer together, because most happens there."""
    shares = np.linspace(0, 1, _FRAMES) ** 1.5
    return sorted({round(share * steps) for share in shares.tolist()})


def _frames(figure: Figure, panels: Sequence[_Panel], steps: Sequence[int]) -> Iterator[Image]:
    """Yield a picture per step; artists that do not move are drawn only once."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    figure.set_layout_engine("none")
    moving = [artist for panel in panels for artist in panel.moving()]
    for artist in moving:
        artist.set_animated(True)
    canvas.draw()  # type: ignore[no-untyped-call]
    still = canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]
    for step in steps:
        _show(panels, step)
        canvas.restore_region(still)  # type: ignore[no-untyped-call]
        for artist in moving:
            figure.draw_artist(artist)
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        yield fromarray(pixels).convert("RGB")


def _write_gif(frames: Sequence[Image], target: Path) -> None:
    """Write frames in the last one's colours, undithered, so that still parts cost no bytes."""
    colors = frames[-1].quantize(colors=255)
    first, *rest = [frame.quantize(palette=colors, dither=Dither.NONE) for frame in frames]
    durations = [1000 // _FRAMES_PER_SECOND] * len(rest) + [1000 * _REST_SECONDS]
    first.save(target, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0)


def _write_mp4(frames: Sequence[Image], target: Path) -> None:
    """Write frames in the pixel format that every player supports, which needs even sides."""
    first = frames[0]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{first.width}x{first.height}"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-f", "mp4"]
    command = ["ffmpeg", "-v", "error", "-y", *raw, "-r", str(_FRAMES_PER_SECOND), "-i", "-", *even]
    rest = [frames[-1]] * (_FRAMES_PER_SECOND * _REST_SECONDS)
    with Popen([*command, str(target)], stdin=PIPE, stderr=PIPE) as encoder:
        assert encoder.stdin is not None
        assert encoder.stderr is not None
        with suppress(BrokenPipeError):  # ffmpeg's exit code and message say why it ended
            for frame in [*frames, *rest]:
                encoder.stdin.write(frame.tobytes())
            encoder.stdin.close()
        words = encoder.stderr.read().decode(errors="replace").splitlines()
    if encoder.returncode:
        raise OSError(f"ffmpeg could not write the film: {plain(words[-1]) if words else ''}")


def _figure(trajectories: Trajectories, view: View) -> tuple[Figure, list[_Panel]]:
    looks = styles([walker.name for walker in trajectories.walkers])
    columns = min(4, len(trajectories.scenes))
    rows = math.ceil(len(trajectories.scenes) / columns)
    names = _names(trajectories, view)
    width = 3.1 * columns + 0.4
    legend_columns = _legend_columns(names, width)
    legend_rows = math.ceil(len(names) / legend_columns)
    height = 4.4 * rows + 0.6 + _LEGEND_ROW_INCHES * legend_rows
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[3, 1.1] * rows)
    places = view.places(trajectories)
    panels = []
    for place, scene in enumerate(trajectories.scenes):
        row, column = divmod(place, columns)
        above = figure.add_subplot(grid[2 * row, column])
        below = figure.add_subplot(grid[2 * row + 1, column])
        _draw_relief(above, scene, scene.starts[view.start])
        column_of = [each[place] for each in places]
        traces = [
            _trace(
                above,
                below,
                trajectories,
                PathIndex(walker, place, view.start, int(view.noisy), lr),
            )
            for walker, lr in enumerate(column_of)
            if lr != NO_PATH
        ]
        _frame_strip(below, trajectories.steps, traces)
        lost = [
            lettering(walker.label)
            for walker, lr in zip(trajectories.walkers, column_of, strict=True)
            if lr == NO_PATH
        ]
        panels.append(_panel(above, scene, traces, lost))
    handles = [
        Line2D([], [], color=look.color, marker=_path(look), linestyle=_dash(look))
        for look in looks
    ]
    figure.legend(
        handles,
        names,
        title=fill(view.words(trajectories), 42 * columns),
        loc="outside lower center",
        ncols=legend_columns,
        fontsize=8,
        title_fontsize=7,
        frameon=False,
    )
    return figure, panels


def _names(trajectories: Trajectories, view: View) -> list[str]:
    """Return the legend's names, with learning rates if they differ between optimizers."""
    return [
        lettering(walker.label) + f", lr {rates}" * bool(rates)
        for walker, rates in zip(trajectories.walkers, view.rates(trajectories), strict=True)
    ]


def _legend_columns(names: Sequence[str], width: float) -> int:
    fitting = int(width / (_LETTER_INCHES * max(map(len, names)) + _MARK_INCHES))
    return max(1, min(fitting, len(names)))


def _panel(axes: Axes, scene: Scene, traces: Sequence[_Trace], lost: Sequence[str]) -> _Panel:
    absent = axes.text(
        0.02, 0.02, "", transform=axes.transAxes, fontsize=6.5, color="#1c1f24", zorder=5
    )
    absent.set_in_layout(False)
    absent.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1.5})
    title = axes.set_title("", fontsize=9)
    return _Panel(scene=scene, title=title, absent=absent, traces=traces, lost=lost)


def _draw_relief(axes: Axes, scene: Scene, start: tuple[float, float]) -> None:
    left, right, bottom, top = scene.window
    heights = relief(scene)
    x = np.linspace(left, right, heights.shape[1])
    y = np.linspace(bottom, top, heights.shape[0])
    bands = np.floor(heights * _BANDS).clip(0, _BANDS - 1)
    axes.imshow(bands, origin="lower", extent=scene.window, cmap=_RELIEF, aspect="auto", zorder=0)
    levels = np.arange(1, _BANDS) / _BANDS
    axes.contour(x, y, heights, levels=levels, colors="#b4c0cf", linewidths=0.4, zorder=1)
    minima = np.array(scene.minima)
    axes.plot(minima[:, 0], minima[:, 1], "x", color="#1c1f24", markersize=5, zorder=2)
    axes.plot(*start, "o", color="#1c1f24", markersize=6, fillstyle="none", zorder=2)
    axes.set(xlim=(left, right), ylim=(bottom, top), box_aspect=1)
    axes.tick_params(labelsize=7)


def _trace(above: Axes, below: Axes, trajectories: Trajectories, at: PathIndex) -> _Trace:
    look = styles([walker.name for walker in trajectories.walkers])[at.walker]
    steps = int(trajectories.diverged_at()[at])
    line = {"color": look.color, "linewidth": 1.2, "linestyle": _dash(look), "zorder": 3}
    mark: dict[str, Any] = {"color": look.color, "marker": _path(look), "linestyle": "none"}
    mark |= {"markersize": 8, "markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 4}
    return _Trace(
        label=lettering(trajectories.walkers[at.walker].label),
        position=trajectories.positions[at][:steps],
        log_gap=log_gaps(trajectories.gaps[at][:steps]),
        path=above.plot([], [], **line)[0],
        here=above.plot([], [], **mark)[0],
        curve=below.plot([], [], **line)[0],
        at=below.plot([], [], **(mark | {"clip_on": False, "in_layout": False, "markersize": 6}))[
            0
        ],
    )


def _path(look: Style) -> MarkerPath:
    return MarkerPath([*look.marker, look.marker[0]], closed=True)


def _dash(look: Style) -> Any:
    return (0, look.dash) if look.dash else "solid"


def _frame_strip(axes: Axes, steps: int, traces: Sequence[_Trace]) -> None:
    """Show whole decades, but little above the start: a path that explodes leaves the strip."""
    lows = [float(trace.log_gap.min()) for trace in traces] or [-1.0]
    highs = [float(min(trace.log_gap.max(), trace.log_gap[0] + 1.5)) for trace in traces] or [0.0]
    low, high = math.floor(min(lows)), math.ceil(max(highs))
    axes.set(xlim=(0, steps), ylim=(low, max(high, low + 1)))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(lambda power, _: f"1e{power:g}")
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", color="#d9dde3", linewidth=0.5)
    axes.set_xlabel("step", fontsize=7)
    axes.set_ylabel("loss − lowest", fontsize=7)


def _show(panels: Sequence[_Panel], step: int) -> None:
    for panel in panels:
        panel.title.set_text(f"{panel.scene.title}, step {step}")
        panel.absent.set_text(_absent(panel, step))
        for trace in panel.traces:
            last = min(step, trace.last)
            trace.path.set_data(*trace.position[: last + 1].T)
            trace.here.set_data(*trace.position[last : last + 1].T)
            trace.curve.set_data(np.arange(last + 1), trace.log_gap[: last + 1])
            height = trace.log_gap[last]
            trace.at.set_data([last], [height])
            trace.at.set_visible(bool(height <= trace.top))


def _absent(panel: _Panel, step: int) -> str:
    """Return which optimizers the picture does not show, by name if they are few."""
    left, right, bottom, top = panel.scene.window
    diverged = [trace.label for trace in panel.traces if trace.last < step]
    diverged += panel.lost
    outside = []
    for trace in panel.traces:
        x, y = trace.position[min(step, trace.last)]
        if trace.label not in diverged and not (left <= x <= right and bottom <= y <= top):
            outside.append(trace.label)
    groups = (("outside", outside), ("diverged", diverged))
    return "; ".join(f"{word}: {_few(names)}" for word, names in groups if names)


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels) if len(labels) <= _MOST_NAMES else f"{len(labels)} optimizers"
