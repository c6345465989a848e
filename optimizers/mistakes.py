"""Frequent mistakes in ``--opts``, and for each the text that corrects it."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from optimizers.pick import is_import_path, shown
from optimizers.registry import OPTIMIZERS

ALIASES = {
    "learning_rate": "lr",
    "learningrate": "lr",
    "learning-rate": "lr",
    "step_size": "lr",
    "eta": "lr",
    "wd": "weight_decay",
    "decay": "weight_decay",
    "l2": "weight_decay",
    "epsilon": "eps",
    "beta": "betas",
    "beta1": "betas",
    "beta2": "betas",
    "mu": "momentum",
}
_CUTTING = re.compile("[,:()]")  # what the grammar reads in a path
_MOST_FILES = 20  # of a text
_MOST_COMMAS = 8  # of a path
_VALUE = re.compile(r"[+-]?(\d|\.\d)[^:@=]*|true|false|none", re.IGNORECASE)


def cure(items: Sequence[str], index: int, defaults: Mapping[str, Any]) -> str:
    """Return one line that corrects item `index` of an ``--opts`` list, "" if no cure is known.

    Args:
        items: The items between the commas.
        index: Index of the item that is not an optimizer.
        defaults: Default hyperparameters of the optimizer before it; empty if unknown.
    """
    item = items[index]
    before = items[index - 1] if index else "adam"
    words = re.split(r"[\s;+]+", item)
    if _VALUE.fullmatch(item):
        return _several_values(items, index, defaults)
    if match := re.fullmatch(r"([\w.]+)\((.*)\)?", item):
        inside = match[2].rstrip(")").replace(" ", "").replace(",", ":")
        return (
            f"{shown(item)}: write hyperparameters after ':', as in {shown(f'{match[1]}:{inside}')}"
        )
    if mended := _without_colon(item):
        return f"{shown(item)}: write hyperparameters after ':', as in {shown(mended)}"
    if "=" in item.partition(":")[0].partition("@")[0]:
        together = shown(f"{before}:{item}")
        return (
            f"{shown(item)} is no optimizer: ',' begins the next optimizer, and hyperparameters "
            f"follow theirs after ':'. Write {together}"
        )
    if len(words) > 1 and all(re.fullmatch(r"[A-Za-z][\w.]*", word) for word in words):
        return f"{shown(item)}: separate optimizers by commas: {shown(','.join(words))}"
    return ""


def cut_path(text: str) -> str:
    """Return one line on the first file in ``--opts`` whose path the grammar cuts, "" if none.

    Args:
        text: The whole text, with commas.
    """
    ends = [match.end() for match in re.finditer(r"\.py(?=:)", text)]
    commas = [match.end() for match in re.finditer(",", text)]
    for end in ends[:_MOST_FILES]:
        starts = [0, *(comma for comma in commas if comma < end)]
        for path in (text[start:end].strip() for start in starts[-_MOST_COMMAS:]):
            outside = re.sub(r"\([^()]*\)", "", path)  # parentheses keep what is inside together
            if (found := _CUTTING.search(outside)) and _is_file(path):
                name = Path(path).name
                return (
                    f"{shown(path)}: a path cannot have {found[0]!r} in it; run from the folder of "
                    f"{name}, as {shown(f'{name}:MyOpt')}, or move it to another path"
                )
    return ""


def _is_file(path: str) -> bool:
    with suppress(OSError, RuntimeError, ValueError):  # too long, no such home, a null character
        return Path(path).expanduser().is_file()
    return False


def _without_colon(item: str) -> str:
    """Return `item` with ':' after the optimizer name that begins it, "" if no name does."""
    match = re.fullmatch(r"([\w.]+)(\s+|\s*=\s*)(\S+=\S*|[^\s=]+)", item)
    if match is None or "=" not in item or not (is_import_path(match[1]) or match[1] in OPTIMIZERS):
        return ""
    return f"{match[1]}:{match[3] if '=' in match[3] else f'lr={match[3]}'}"


def _several_values(items: Sequence[str], index: int, defaults: Mapping[str, Any]) -> str:
    end = index
    while end < len(items) and _VALUE.fullmatch(items[end]):
        end += 1
    rest, before = items[index:end], items[index - 1] if index else ""
    head, equals, first = before.rpartition("=")
    if not equals:
        return f"{shown(items[index])} is no optimizer; values follow their name: adam:lr=0.1"
    key = head.rpartition(":")[2]
    grid = shown("|".join([before, *rest]))
    numbers = shown(f"{head}=({','.join([first, *rest])})")
    if isinstance(defaults.get(key), (tuple, list)):
        return f"{key} takes several numbers in parentheses: write {numbers}"
    if key in defaults:
        return f"several values of {key} are separated by '|': write {grid}"
    return f"',' begins the next optimizer: write {grid} for a grid, or {numbers} for one value"
