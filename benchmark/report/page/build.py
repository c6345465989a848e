"""Building of a page from studies, in one call for the command line and notebooks."""

from collections.abc import Mapping, Sequence

from benchmark.errors import UsageError
from benchmark.report.findings import Findings
from benchmark.report.outside import read_with_trials
from benchmark.report.page.cast import Cast
from benchmark.report.page.page import Section, page
from benchmark.report.page.payload import curve_parts, payload
from benchmark.report.page.reproduce import commands
from benchmark.store import Store


def build(
    stores: Sequence[Store],
    *,
    reference: str | None = None,
    targets: Mapping[str, float] | None = None,
    extra: Section | None = None,
) -> str:
    """Return the page of one or more studies.

    Args:
        stores: The studies.
        reference: Optimizer that all others are compared with; None compares all pairs.
        targets: Targets by metric, in place of those of the problems.
        extra: A section made by another module, shown below the others.

    Raises:
        UsageError: no trial of `reference` is done or diverged, or two studies have the same name.
    """
    frames, trials = read_with_trials(stores)
    findings = Findings(frames=frames, reference=reference, targets=targets or {})
    known = findings.best.trials["optimizer"].unique(maintain_order=True).to_list()
    if reference is not None and reference not in known:
        raise UsageError(
            f"--reference {reference!r}: expected an optimizer of which a trial is done or "
            f"diverged; the page takes it at its best. Known: {', '.join(known) or 'none'}"
        )
    cast = Cast(findings)
    content = payload(
        findings,
        cast,
        studies=[store.study for store in stores],
        commands=[line for study, own in trials.items() for line in commands(study, own)],
    )
    return page(content, curve_parts(frames, cast, content.resolution), extra=extra)
