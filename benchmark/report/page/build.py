"""Building of a page from studies, in one call for the command line and notebooks."""

from collections.abc import Mapping, Sequence

from benchmark.errors import UsageError
from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.page import page
from benchmark.report.page.payload import curve_parts, payload
from benchmark.report.page.section import Section
from benchmark.report.studies import read_studies
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
        reference: Optimizer or label to compare with; None for the declared one, otherwise each
            setting's best.
        targets: Targets by metric, in place of those of the problems.
        extra: A section made by another module, shown below the others.

    Raises:
        UsageError: no trial of `reference` is done or diverged, or two studies have the same name.
    """
    studies = read_studies(stores)
    findings = studies.findings(reference, targets)
    _check_reference(reference, findings)
    cast = Cast(findings)
    content = payload(
        findings,
        cast,
        studies=[store.study for store in stores],
        tuning_trials=sum(
            each.trial.purpose == "tuning" for own in studies.records.values() for each in own
        ),
        searches=studies.searches(),
        commands=studies.commands(),
    )
    return page(content, curve_parts(studies.frames, cast, content.resolution), extra=extra)


def _check_reference(reference: str | None, findings: Findings) -> None:
    known = findings.best.trials["optimizer"].unique(maintain_order=True).to_list()
    if reference is not None and reference not in known:
        raise UsageError(
            f"--reference {reference!r}: expected an optimizer with a trial that is done "
            f"or diverged. Known: {', '.join(known) or 'none'}"
        )
