"""Sentences on what a step of an optimizer costs, against the reference."""

from benchmark.analysis.judging import CostRatio
from benchmark.report.words import NO_BREAK, together
from benchmark.step_costs import TimeRatio


def cost_words(cost: CostRatio, reference: str) -> str:
    """Return an optimizer's costs compared with those of the reference.

    >>> cost_words(CostRatio(step=1.34, state=0.5, state_per_parameter=4.0), "adam")
    "a training step takes 1.3 times as long as adam's and its state takes 0.5 times as much memory"
    >>> cost_words(CostRatio(step=None, state=1.0, state_per_parameter=8.0), "adam")
    'its state takes as much memory'
    """
    found = [words for words in [_time_words(cost, reference)] if words]
    if cost.state_per_parameter == 0:
        found.append("it keeps no state")
    elif cost.state is not None:
        found.append(f"its state takes {_times(cost.state)}as much memory")
    elif cost.state_per_parameter is not None:
        found.append(f"its state takes {cost.state_per_parameter:.2g} bytes per parameter")
    return together(found) if found else ""


def _time_words(cost: CostRatio, reference: str) -> str:
    """Return how long a step takes; empty if this is unknown or was timed with much scatter.

    With as many gradients as the reference it is the optimizer's own part that differs. Otherwise
    only whole training steps can be compared.
    """
    timed = cost.timed
    if timed is None or timed.own is None or timed.training is None:
        if cost.step is None:
            return ""
        return f"a training step takes {_times(cost.step)}as long as {reference}'s"
    if timed.gradients != timed.reference_gradients:
        if not timed.training.is_known:
            return ""
        long = f"a training step takes {measured_times(timed.training)}as long as {reference}'s"
        numbers = (timed.gradients, timed.reference_gradients)
        return f"{long} ({numbers[0]:g} gradients in place of {numbers[1]:g})"
    if not timed.own.is_known:
        return ""
    long = f"its step takes {measured_times(timed.own)}as long as {reference}'s"
    return f"{long} ({share_words(timed.share)} of a training step)"


def measured_times(ratio: TimeRatio) -> str:
    """Return a measured ratio before "as long", with "about" if rounds scattered.

    >>> measured_times(TimeRatio(median=1.34, low=1.1, high=1.4))
    'about 1.3 times '
    """
    return "about " * (not ratio.is_sure) + _times(ratio.median)


def share_words(share: float) -> str:
    r"""Return a share in per cent.

    >>> share_words(0.042), share_words(0.001)
    ('4\xa0%', 'under 1\xa0%')
    """
    return f"{100 * share:.0f}{NO_BREAK}%" if share >= 0.01 else f"under 1{NO_BREAK}%"


def _times(ratio: float) -> str:
    """Return a ratio before "as long" or "as much"; empty if it prints as 1."""
    words = f"{ratio:.2g}"
    return "" if words == "1" else f"{words} times "
