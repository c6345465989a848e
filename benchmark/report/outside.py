"""Frames that are safe to show: each text from a record becomes one plain line."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from benchmark.analysis.frame import Frames, Hyperparameters
from benchmark.plain_text import REASON_LENGTH, plain, plain_names
from benchmark.record import Environment
from benchmark.report.words import reason_words

_NAMES = {"problem": 120, "dataset": 120, "setting": REASON_LENGTH, "optimizer": 120, "label": 120}


def shown(frames: Frames) -> Frames:
    """Return `frames` with short names, reasons and facts that contain no control characters.

    Different names stay different, so that no two trials or settings are merged by mistake.
    """
    trials = frames.trials
    columns = [
        _mapped(trials, name, plain_names(trials[name].unique(maintain_order=True), most))
        for name, most in _NAMES.items()
    ]
    columns.append(_changed(trials, "reason", reason_words))
    return replace(
        frames,
        trials=trials.with_columns(columns),
        hyperparameters=tuple(map(_plain_hyperparameters, frames.hyperparameters)),
        environments=tuple(map(_plain_environment, frames.environments)),
    )


def _changed(trials: pl.DataFrame, name: str, change: Callable[[str], str]) -> pl.Series:
    texts = trials[name].drop_nulls().unique(maintain_order=True)
    return _mapped(trials, name, {text: change(text) for text in texts})


def _mapped(trials: pl.DataFrame, name: str, table: dict[str, str]) -> pl.Series:
    return pl.Series(name, [table.get(text) for text in trials[name]], dtype=pl.String)


def _plain_hyperparameters(found: Hyperparameters) -> Hyperparameters:
    return replace(found, values=_plain_tree(found.values))


def _plain_environment(found: Environment) -> Environment:
    return replace(found, **_plain_tree(vars(found)))


def _plain_tree(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {plain(name): _plain_tree(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain_tree(each) for each in value]
    return plain(value) if isinstance(value, str) else value
