"""Figures of times to a target: shares of seeds that reached it, and performance profiles."""

from matplotlib.figure import Figure

from benchmark.axes import STEP
from benchmark.metrics import metric_words
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import add_legend, count_x, line, looks, new_figure
from benchmark.report.findings import Findings, SettingFindings
from benchmark.report.race_words import target_words
from benchmark.report.units import value_on

_SHARES = (-0.04, 1.04)


def draw_reaching(setting: SettingFindings, metric: str) -> tuple[Figure, str] | None:
    """Return a figure of the share of seeds that reached the target.

    It is None without a target, and if no seed reached it.

    Args:
        setting: The numbers of the setting.
        metric: Name, such as ``val/loss``.
    """
    numbers = setting.findings.metrics[metric]
    target = numbers.targets[setting.name]
    if target is None:
        return None
    times = numbers.times[STEP].filter(setting=setting.name)
    shares = numbers.reaching[STEP].filter(setting=setting.name)
    if not any(shares["share"]):
        return None
    figure, axes = new_figure(shares["label"].unique(maintain_order=True).to_list())
    found, end = looks(setting.best), float(times["until"].max() or 1)  # type: ignore[arg-type]
    for (optimizer, label), stairs in shares.group_by("optimizer", "label", maintain_order=True):
        x, y = _stairs(stairs["x"].to_list(), stairs["share"].to_list(), 0.0, end)
        style = line(found[str(optimizer)])
        axes.step(x, y, where="post", label=lettering(label), **style)
    count_x(axes, STEP)
    axes.set(ylabel="share of seeds there", ylim=_SHARES)
    add_legend(figure, [axes])
    what = (
        f"Share of seeds (Kaplan-Meier) whose {metric_words(metric)} had reached "
        f"{value_on(setting.problem, metric, target.value)} ({target_words(target)}) by an "
        "evaluation at or before that step."
    )
    return figure, what


def draw_profile(findings: Findings, metric: str) -> tuple[Figure, str] | None:
    """Return a figure of Dolan-Moré profiles over settings; None with too few.

    Args:
        findings: The numbers of all settings.
        metric: Name, such as ``val/loss``.
    """
    numbers = findings.metrics[metric]
    settings = numbers.profiled
    if not settings:
        return None
    rows, found = numbers.profiles[STEP], looks(findings.best)
    figure, axes = new_figure(rows["optimizer"].unique(maintain_order=True).to_list())
    for (optimizer,), stairs in rows.group_by("optimizer", maintain_order=True):
        style = line(found[str(optimizer)])
        axes.step(stairs["tau"], stairs["share"], where="post", label=lettering(optimizer), **style)
    axes.set(xlabel="τ: steps over the fewest steps", ylabel="share of settings")
    axes.set(ylim=_SHARES)
    axes.margins(x=0.02)
    add_legend(figure, [axes])
    scored = numbers.profile_scores[STEP].select("optimizer", "score").rows()
    areas = ", ".join(f"{name} {score:.3f}" for name, score in scored)
    what = (
        f"Share of {settings} settings in which the median steps to the target "
        f"{metric_words(metric)} are at most τ times the fewest (Dolan & Moré 2002). Area under "
        f"the profile, 1 at best: {areas}."
    )
    return figure, what


def _stairs(
    x: list[float], y: list[float], begin: float, end: float
) -> tuple[list[float], list[float]]:
    """Return the corners of a staircase from share 0 at `begin` to its last share at `end`."""
    return [begin, *x, end], [0.0, *y, y[-1]]
