"""What the terminal's table adds to its means: how the loss fell, and whether differences are real.

All of it is by row of the table, that is by variant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.compare import Comparison
from benchmark.analysis.curves import bands
from benchmark.analysis.frame import variant_of
from benchmark.analysis.summary import Row
from benchmark.metrics import STEP
from benchmark.report.findings import METRIC, Findings
from benchmark.report.outside import read
from benchmark.report.sparkline import pick, sparkline
from benchmark.report.verdicts import verdict_in_short
from benchmark.store import Store

_POINTS = 12  # of a sparkline, as wide as the column that it stands in


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of the rows of a study's tables.

    Args:
        study: Its name.
        reference: The optimizer named to compare with; None means each table's best.
        references: The variants that it is, one of each setting.
        lacking: Settings without a trial of the named one that is done or diverged.
        sparklines: Mean validation loss over the seeds that are done, by variant.
        comparisons: By variant.
        verdicts: The same in at most eight characters.
    """

    study: str
    reference: str | None
    references: frozenset[str]
    lacking: frozenset[str]
    sparklines: Mapping[str, str]
    comparisons: Mapping[str, Comparison]
    verdicts: Mapping[str, str]

    def sparkline(self, row: Row) -> str:
        """Return the row's curve, empty without one."""
        return self.sparklines.get(variant_of(self.study, row.trial), "")

    def verdict(self, row: Row) -> str:
        """Return the row's verdict; ``ref.`` for the reference, empty if it was not compared."""
        variant = variant_of(self.study, row.trial)
        return "ref." if variant in self.references else self.verdicts.get(variant, "")

    def comparison(self, row: Row) -> Comparison | None:
        """Return the row's comparison, None if it was not compared."""
        return self.comparisons.get(variant_of(self.study, row.trial))


def gather(store: Store, reference: str | None = None) -> Evidence:
    """Return the evidence of a study.

    Args:
        store: Its files.
        reference: Optimizer or label to compare with; None compares with each setting's best.

    Raises:
        UsageError: there is no such optimizer.
    """
    findings = Findings(frames=read([store]), reference=reference)
    settings = findings.settings.values()
    compared = [one for setting in settings for one in setting.versus.family]
    return Evidence(
        study=store.study,
        reference=reference,
        references=frozenset(findings.references.values()),
        lacking=frozenset(setting.name for setting in settings if setting.versus.missing),
        sparklines=_sparklines(bands(findings.frames, METRIC, STEP)),
        comparisons={one.variant: one for one in compared},
        verdicts={one.variant: verdict_in_short(one) for one in compared},
    )


def _sparklines(curves: pl.DataFrame) -> dict[str, str]:
    """Return each variant's curve, all of a setting between its lowest and its first loss."""
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
