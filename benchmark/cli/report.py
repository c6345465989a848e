"""``report``: one page of everything that a study says."""

from pathlib import Path

import click

from benchmark.store import open_study


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
def command(
    studies: tuple[str, ...], results: Path, out: Path | None, reference: str | None
) -> int:
    """Write one page, which opens anywhere, of everything that the records of STUDY say."""
    stores = [open_study(results, study) for study in dict.fromkeys(studies)]
    from benchmark.report.page.build import build

    target = out or stores[0].folder / "report.html"
    text = build(stores, reference=reference)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    click.echo(f"wrote {target}, {len(text.encode()) / 1e6:.1f} MB; open it in a browser:")
    click.echo(target.resolve().as_uri())
    return 0
