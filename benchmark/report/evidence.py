"""Sparklines and differences that the terminal's table shows beside its means.

Each belongs to one row of the table, that is to one variant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.compare import Comparison
from benchmark.analysis.curves import bands
from benchmark.analysis.frame import frames_of, variant_of
from benchmark.analysis.summary import Row, evaluated, in_order
from benchmark.axes import STEP
from benchmark.declaration import read_declaration
from benchmark.record import Record
from benchmark.report.declared import declared_reference
from benchmark.report.findings import METRIC, Findings, SettingFindings
from benchmark.report.outside import shown
from benchmark.report.sparkline import pick, sparkline
from benchmark.report.verdicts import relative_in_short
from benchmark.store import Store

_POINTS = 12  # per sparkline: the width of its column in characters


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Sparklines and comparisons for the rows of a study's tables.

    Args:
        study: The study's name.
        reference: The optimizer that the user named as reference; None means each table's best.
        references: The reference variants, one per setting.
        lacking: Settings in which the named reference has no trial that is done or diverged.
        sparklines: Curves of the mean validation loss over the seeds that are done, by variant.
        comparisons: Comparisons with the reference, by variant.
        differences: Mean difference from the reference as a share of the reference's mean, by
            variant; None where it has none.
    """

    study: str
    reference: str | None
    references: frozenset[str]
    lacking: frozenset[str]
    sparklines: Mapping[str, str]
    comparisons: Mapping[str, Comparison]
    differences: Mapping[str, float | None]

    def sparkline(self, row: Row) -> str:
        """Return the row's sparkline, empty if it has no curve."""
        return self.sparklines.get(variant_of(self.study, row.trial), "")

    def difference(self, row: Row) -> str:
        """Return the row's difference; ``ref.`` for the reference, empty if not compared."""
        variant = variant_of(self.study, row.trial)
        if variant in self.references:
            return "ref."
        return relative_in_short(self.differences[variant]) if variant in self.differences else ""

    def comparison(self, row: Row) -> Comparison | None:
        """Return the row's comparison, None if it was not compared."""
        return self.comparisons.get(variant_of(self.study, row.trial))


def gather(
    store: Store, reference: str | None = None, records: Sequence[Record] | None = None
) -> Evidence:
    """Return the evidence of a study.

    Args:
        store: The study's files.
        reference: Optimizer or label to compare with; None compares with the declared reference of
            a tuned study, and otherwise with each setting's best.
        records: All records of the study; None to read them.

    Raises:
        UsageError: the reference is unknown.
    """
    known = store.records() if records is None else records
    frames = shown(frames_of([(store, in_order(evaluated(known)))]))
    reference = reference or declared_reference([read_declaration(store.folder)], frames)
    findings = Findings(frames=frames, reference=reference)
    settings = findings.settings.values()
    compared = [one for setting in settings for one in setting.versus.family]
    return Evidence(
        study=store.study,
        reference=reference,
        references=frozenset(findings.references.values()),
        lacking=frozenset(setting.name for setting in settings if setting.versus.missing),
        sparklines=_sparklines(bands(findings.frames, METRIC, STEP)),
        comparisons={one.variant: one for one in compared},
        differences={
            one.variant: relative(setting, one)
            for setting in settings
            for one in setting.versus.family
        },
    )


def relative(setting: SettingFindings, one: Comparison) -> float | None:
    """Return a mean difference as a share of the size of the reference's mean, None without one."""
    board = setting.board(one.metric).filter(variant=one.reference)
    mean = None if board.is_empty() else board["mean"][0]
    return one.difference.estimate / abs(mean) if one.difference and mean else None


def _sparklines(curves: pl.DataFrame) -> dict[str, str]:
    """Return each variant's curve; those of a setting share a scale, from lowest to first loss."""
    found: dict[str, str] = {}
    for _, setting in curves.group_by("setting", maintain_order=True):
        groups = setting.group_by("variant", maintain_order=True)
        lines = {str(name): group["center"].to_list() for (name,), group in groups}
        low = min(min(line) for line in lines.values())
        high = max(line[0] for line in lines.values())
        found |= {name: _line(line, low, high) for name, line in lines.items()}
    return found


def _line(values: Sequence[float], low: float, high: float) -> str:
    return sparkline(pick(values, _POINTS), low, high)
