"""The settings, variants and optimizers of a page, and the numbers that stand for their names."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.frame import Frames
from benchmark.metrics import INSIDE, METRICS, names_of
from benchmark.report.findings import Findings, SettingFindings
from benchmark.report.page.packing import Table, table_of
from benchmark.report.palette import Style, is_own, styles

_SPLITS = ("val", "train", "test")  # the split that chooses variants comes first


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """One optimizer with its look in all charts.

    Args:
        label: The optimizer, without hyperparameters.
        style: The look.
        own: The reader wrote it: it comes first in lists and is drawn over the others.
    """

    label: str
    style: Style
    own: bool


@dataclass(frozen=True, kw_only=True)
class Variant:
    """An optimizer with its hyperparameters, in one setting.

    Args:
        optimizer: Index of its optimizer.
        label: The optimizer, with hyperparameters if the label names them.
        hyperparameters: All hyperparameters, as JSON.
        lr: Learning rate; None without one.
        chosen: Validation chose it among its optimizer's variants.
        statuses: Number of trials by status.
    """

    optimizer: int
    label: str
    hyperparameters: str
    lr: float | None
    chosen: bool
    statuses: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The conditions that trials must share to be compared.

    Args:
        name: The conditions, in words.
        problem: Model and data set, such as ``mlp/mnist``.
        title: The problem, or the name if several settings have the same problem.
        data: A line on the data set; empty if it is not a registered one.
        metrics: Indices of the metrics that a trial of it ended with.
        winners: Indices of the best variants: several if they are equal, none if all diverged.
        variants: All variants of the setting.
    """

    name: str
    problem: str
    title: str
    data: str
    metrics: tuple[int, ...]
    winners: tuple[int, ...]
    variants: tuple[Variant, ...]


class Cast:
    """All settings, variants and optimizers of a report; the page refers to them by index."""

    def __init__(self, findings: Findings) -> None:
        frames = findings.frames
        trials = frames.trials
        self._hyperparameters = frames.hyperparameters
        self.metrics = known_metrics(frames)
        self.inside = inside_metrics(frames)
        self.chosen = findings.chosen
        looks = trials.select("optimizer", "name").unique("optimizer", maintain_order=True)
        own = [is_own(name) for name in looks["name"]]
        looks = looks.with_columns(own=pl.Series(own, dtype=pl.Boolean))
        looks = looks.sort("own", descending=True, maintain_order=True)
        self._optimizers = {label: i for i, label in enumerate(looks["optimizer"])}
        self.optimizers = [
            LegendEntry(label=label, style=style, own=own)
            for label, style, own in zip(
                looks["optimizer"], styles(looks["name"].to_list()), looks["own"], strict=True
            )
        ]
        self._variants: dict[str, int] = {}
        self.settings = [self._setting(each) for each in findings.settings.values()]
        self.places = {setting.name: i for i, setting in enumerate(self.settings)}

    def variant(self, variant: str) -> int:
        """Return the index of `variant` in its setting."""
        return self._variants[variant]

    def optimizer(self, label: str, study: str) -> int | None:
        """Return the index of the optimizer that a study labels so, None if no trial is shown."""
        return self._optimizers.get(label, self._optimizers.get(f"{label} ({study})"))

    def split(self, frame: pl.DataFrame, kind: type[Table]) -> list[Table]:
        """Return the rows of each setting, in order, as a table with indices in place of names."""
        named = self.numbered(frame)
        parts = dict(named.group_by("setting", maintain_order=True))
        empty = named.clear()
        return [
            table_of(parts.get((setting.name,), empty).drop("setting"), kind)
            for setting in self.settings
        ]

    def numbered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` with indices in ``variant`` and ``optimizer``, and without labels."""
        known = {"variant": self._variants, "optimizer": self._optimizers}
        placed = [
            pl.col(name).replace_strict(table, return_dtype=pl.Int64)
            for name, table in known.items()
            if name in frame.columns
        ]
        unneeded = {"label", "metric", "problem"} | (
            {"optimizer"} if "variant" in frame.columns else set()
        )
        return frame.with_columns(placed).drop(unneeded & set(frame.columns))

    def _setting(self, setting: SettingFindings) -> Setting:
        groups = setting.frames.trials.group_by("variant", maintain_order=True)
        variants = []
        for place, ((variant,), group) in enumerate(groups):
            self._variants[str(variant)] = place
            variants.append(self._variant(str(variant), group))
        return Setting(
            name=setting.name,
            problem=setting.problem,
            title=setting.title,
            data=setting.data,
            metrics=tuple(i for i, name in enumerate(self.metrics) if name in setting.measured),
            winners=tuple(self._variants[winner] for winner in setting.winners),
            variants=tuple(variants),
        )

    def _variant(self, variant: str, group: pl.DataFrame) -> Variant:
        hyperparameters = self._hyperparameters[group["hyperparameters"][0]]
        return Variant(
            optimizer=self._optimizers[group["optimizer"][0]],
            label=group["label"][0],
            hyperparameters=json.dumps(hyperparameters.values),
            lr=group["lr"][0],
            chosen=variant in self.chosen,
            statuses=dict(Counter(group["status"])),
        )


def known_metrics(frames: Frames) -> list[str]:
    """Return the measured metrics that have a row, in the table's order, then on other splits."""
    known = [name for name in frames.metrics if name.rpartition("/")[2] in METRICS]
    first = names_of(lambda metric: metric.splits, _SPLITS)
    return [name for name in first if name in known] + [n for n in known if n not in first]


def inside_metrics(frames: Frames) -> list[str]:
    """Return the names of the recorded diagnostics, those over all parameters first."""
    found = [name for name in frames.curves.columns if name.startswith(INSIDE)]
    return sorted(found, key=lambda name: not name.startswith(f"{INSIDE}all/"))
