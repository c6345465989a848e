"""The verb ``restore``: a study's files, made from the one file that ``compact`` wrote."""

from pathlib import Path

import click

from benchmark.cli.options import InputFile, results_option


@click.command(name="restore")
@click.argument("file", type=InputFile())
@results_option
def command(file: Path, results: Path) -> int:
    """Restore the study in FILE, made by `compact`, to its folder; finished trials are kept."""
    from benchmark.archive import restore

    done = restore(file, results)
    kept = f", {done.kept} were there already" * bool(done.kept)
    click.echo(f"{done.store.folder}: {done.added} trials restored{kept}")
    elsewhere = "" if results == Path("results") else f" --results {results}"
    click.echo(f"its tables: python -m benchmark show {done.store.study}{elsewhere}")
    return 0
