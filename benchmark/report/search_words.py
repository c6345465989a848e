"""How an optimizer was tuned, in words."""

import math
import re

from benchmark.analysis.judging import Entrant
from benchmark.report.words import counted
from optimizers.spaces import learning_rate


def how_tuned(entrant: Entrant) -> str:
    """Return how an optimizer was tuned: "lr=0.01, tuned over lr, 16 points"."""
    if not entrant.tried or not entrant.tunes:
        return "as given"
    chosen = _short_numbers(entrant.spec.label.removeprefix(entrant.label).strip())
    tuned = f"tuned over {', '.join(entrant.tunes)}, {counted(entrant.tried, 'point')}"
    return f"{chosen}, {tuned}" if chosen else tuned


def how_tuned_in_short(entrant: Entrant | None) -> str:
    """Return how an optimizer was tuned, for table cells: "tuned, 16 points, edge"."""
    if entrant is None or not entrant.tried:
        return "as given"
    return f"tuned, {counted(entrant.tried, 'point')}" + ", edge" * bool(entrant.edge)


def edge_words(entrant: Entrant) -> str:
    """Return the chosen learning rate and the end of those tried at which it lies, if any."""
    if not entrant.edge:
        return ""
    end = "highest" if entrant.edge == "high" else "lowest"
    name, rate = learning_rate(entrant.spec.hyperparameters) or ("lr", None)
    value = "the learning rate" if rate is None else f"{name}={rate:g}"
    return f"{value} is the {end} rate that {entrant.label} tried"


def wider_range(entrant: Entrant) -> str:
    """Return learning rates around the chosen one: two decades beyond, one before.

    Empty if the rate is not known, and for the registry's full space: a range given by the user
    replaces all of that, and the other side would be tuned over more.
    """
    name, rate = learning_rate(entrant.spec.hyperparameters) or ("", None)
    if not rate or (entrant.kind == "full" and len(entrant.tunes) > 1):
        return ""
    low, high = (0.1, 100) if entrant.edge == "high" else (0.01, 10)
    return f"{name}={low * rate:.3g}..{high * rate:.3g} for {entrant.label}"


def space_words(entrant: Entrant) -> str:
    """Return what was tuned, and in which kind of space: "lr in the full space"."""
    tunes = ", ".join(entrant.tunes)
    return f"{tunes} in the {entrant.kind} space" if entrant.kind else tunes


def _short_numbers(text: str) -> str:
    """Return `text` with numbers of three significant digits, or whose distance from 1 has two.

    >>> _short_numbers("lr=0.0316228 betas=(0.943942,0.999636) k=1e-08")
    'lr=0.0316 betas=(0.944,0.99964) k=1e-08'
    """
    return re.sub(r"\d+\.\d{4,}(?:e[+-]?\d+)?", lambda found: _short(float(found[0])), text)


def _short(number: float) -> str:
    decimals = 1 - math.floor(math.log10(1 - number)) if 0.9 < number < 1 else 0
    return f"{number:.{max(3, decimals)}g}"
