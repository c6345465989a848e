"""The verb ``compact``: a study as one small file."""

from pathlib import Path

import click

from benchmark.cli.options import results_option
from benchmark.errors import UsageError
from benchmark.store import open_study


@click.command(name="compact")
@click.argument("study")
@results_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: STUDY.parquet beside the study's folder]",
)
def command(study: str, results: Path, out: Path | None) -> int:
    """Write the records and curves of STUDY to one small Parquet file; `restore` reads it."""
    store = open_study(results, study)
    target = out or results / f"{study}.parquet"
    if not target.absolute().parent.is_dir():
        raise UsageError(f"--out {target}: expected a file in a folder that exists")
    from benchmark.archive import compact

    trials = compact(store, target)
    click.echo(f"wrote {target}: {trials} trials, {target.stat().st_size / 1e6:.2f} MB")
    return 0
