"""Building of a page from studies, in one call for the command line and notebooks."""

from collections.abc import Mapping, Sequence

from benchmark.analysis.searches import searches_of
from benchmark.declaration import read_declaration
from benchmark.errors import UsageError
from benchmark.report.declared import declared_reference, judgement_in
from benchmark.report.findings import Findings
from benchmark.report.outside import read_with_records
from benchmark.report.page.cast import Cast
from benchmark.report.page.page import page
from benchmark.report.page.payload import curve_parts, payload
from benchmark.report.page.reproduce import commands_again
from benchmark.report.page.section import Section
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
    frames, records = read_with_records(stores)
    judged = {each.study: judgement_in(each.folder, records[each.study]) for each in stores}
    judgements = {study: found for study, found in judged.items() if found is not None}
    findings = Findings(
        frames=frames,
        reference=reference or declared_reference(stores, frames),
        targets=targets or {},
        judgements=judgements,
    )
    known = findings.best.trials["optimizer"].unique(maintain_order=True).to_list()
    if reference is not None and reference not in known:
        raise UsageError(
            f"--reference {reference!r}: expected an optimizer with a trial that is done "
            f"or diverged. Known: {', '.join(known) or 'none'}"
        )
    cast = Cast(findings)
    content = payload(
        findings,
        cast,
        studies=[store.study for store in stores],
        tuning_trials=sum(
            each.trial.purpose == "tuning" for own in records.values() for each in own
        ),
        searches={
            study: searches_of(judgement.declaration, records[study])
            for study, judgement in judgements.items()
        },
        commands=[
            line
            for store in stores
            for line in commands_again(
                store.study, read_declaration(store.folder), records[store.study]
            )
        ],
    )
    return page(content, curve_parts(frames, cast, content.resolution), extra=extra)
