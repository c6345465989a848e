"""Who is there first: the share of seeds that reached a target, and profiles over settings."""

from matplotlib.figure import Figure

from benchmark.analysis.finals import scores
from benchmark.analysis.frame import Frames
from benchmark.analysis.profiles import profile, profile_scores, target_times
from benchmark.analysis.targets import reaching, suggested_target, time_to_target
from benchmark.metrics import STEP
from benchmark.report.figures.look import add_legend, count_x, lettering, line, looks, new_figure

_SHARES = (-0.04, 1.04)


def draw_reaching(frames: Frames, metric: str, words: str) -> tuple[Figure, str] | None:
    """Return the share of seeds that reached a target over steps; None without a target.

    Args:
        frames: One variant of each optimizer, of one setting.
        metric: Such as ``val/loss``.
        words: What people call it.
    """
    target = suggested_target(scores(frames, metric))
    if target is None:
        return None
    times = time_to_target(frames, metric, target, STEP)
    shares = reaching(times)
    figure, axes = new_figure(shares["label"].unique(maintain_order=True).to_list())
    found, end = looks(frames), float(times["until"].max() or 1)  # type: ignore[arg-type]
    for (optimizer, label), stairs in shares.group_by("optimizer", "label", maintain_order=True):
        x, y = _stairs(stairs["x"].to_list(), stairs["share"].to_list(), 0.0, end)
        style = line(found[str(optimizer)])
        axes.step(x, y, where="post", label=lettering(label), **style)
    count_x(axes, STEP)
    axes.set(ylabel="share of seeds there", ylim=_SHARES)
    add_legend(figure, [axes])
    what = (
        f"Share of seeds (Kaplan-Meier) whose {words} had reached {target:g} by an evaluation at "
        "or before that step. The target is what the middle optimizer reaches by the median."
    )
    return figure, what


def draw_profile(frames: Frames, metric: str, words: str) -> tuple[Figure, str] | None:
    """Return Dolan-Moré profiles over all settings; None with fewer than two.

    Args:
        frames: One variant of each optimizer in each setting.
        metric: Such as ``val/loss``.
        words: What people call it.
    """
    times = target_times(frames, metric)
    if times["setting"].n_unique() < 2:
        return None
    rows, found = profile(times), looks(frames)
    figure, axes = new_figure(rows["optimizer"].unique(maintain_order=True).to_list())
    for (optimizer,), stairs in rows.group_by("optimizer", maintain_order=True):
        style = line(found[str(optimizer)])
        axes.step(stairs["tau"], stairs["share"], where="post", label=lettering(optimizer), **style)
    axes.set(xlabel="τ: steps over the fewest steps", ylabel="share of settings")
    axes.set(ylim=_SHARES)
    axes.margins(x=0.02)
    add_legend(figure, [axes])
    scored = profile_scores(times).select("optimizer", "score").rows()
    numbers = ", ".join(f"{name} {score:.3f}" for name, score in scored)
    what = (
        f"Share of {times['setting'].n_unique()} settings in which the median steps to the "
        f"target {words} are at most τ times the fewest (Dolan & Moré 2002). Area under the "
        f"profile, 1 at best: {numbers}."
    )
    return figure, what


def _stairs(
    x: list[float], y: list[float], begin: float, end: float
) -> tuple[list[float], list[float]]:
    """Return a staircase from share 0 at `begin` to its last share at `end`."""
    return [begin, *x, end], [0.0, *y, y[-1]]
