"""``report``: one page of everything that studies say."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.spec import UsageError
from benchmark.store import Store, open_study

if TYPE_CHECKING:
    from benchmark.landscape.motion import Motion


@click.command(name="report")
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: report.html in the folder of the first study]",
)
@click.option(
    "--reference",
    metavar="OPTIMIZER",
    help="Compare all with this one, named beforehand: fewer comparisons take fewer seeds. "
    "Left out, all pairs are compared.",
)
@click.option(
    "--landscape",
    is_flag=True,
    help="Add the study's optimizers in motion on surfaces; takes up to a minute.",
)
def command(
    studies: tuple[str, ...],
    results: Path,
    out: Path | None,
    reference: str | None,
    landscape: bool,
) -> int:
    """Write one page, which opens anywhere, of everything that the records of STUDY say."""
    stores = [open_study(results, study) for study in dict.fromkeys(studies)]
    target = out or stores[0].folder / "report.html"
    if not target.absolute().parent.is_dir():
        raise UsageError(f"--out {target}: there is no folder {target.absolute().parent}")
    motion = _motion(stores) if landscape else None
    from benchmark.report.page.build import build

    text = build(stores, reference=reference, motion=motion)
    target.write_text(text, encoding="utf-8")
    click.echo(f"wrote {target}, {len(text.encode()) / 1e6:.1f} MB; open it in any browser:")
    click.echo(target.resolve().as_uri())
    return 0


def _motion(stores: Sequence[Store]) -> "Motion":
    """Let the optimizers of the studies walk, with their default hyperparameters."""
    from benchmark.cli.landscape import DEFAULT_RATES
    from benchmark.landscape.compute import Plan, compute
    from benchmark.landscape.surfaces import SURFACES
    from optimizers.grammar import parse
    from optimizers.spec import SpecError

    records = [record for store in stores for record in store.records()]
    names = dict.fromkeys(str(record.trial.optimizer["name"]) for record in records)
    if not names:
        raise UsageError("--landscape: the study has no record yet, so no optimizer either")
    try:
        optimizers = parse(",".join(names))
    except SpecError as error:
        raise UsageError(f"--landscape: {error}") from None
    rates = tuple(map(float, DEFAULT_RATES.split(",")))
    return compute(
        Plan(
            optimizers=optimizers,
            surfaces=list(SURFACES.values()),
            lrs=rates,
            steps=300,
            noise=0.1,
            seed=0,
        )
    )
