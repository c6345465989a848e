"""The verb ``worker``: planned trials of a study, run by their keys."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmark.cli.options import Folder, InputFile, Real, results_option
from benchmark.decode import read_file
from benchmark.errors import UsageError
from benchmark.jobs import newest_job, read_job
from benchmark.store import open_study
from optimizers.pick import shown

_MOST_KEY_BYTES = 100_000_000  # 1,000,000 keys


@click.command(name="worker")
@click.argument("study")
@click.argument("keys", nargs=-1, metavar="[KEY|@FILE]...")
@results_option
@click.option("--keys", "file", type=InputFile(), help="File with a key on each line.")
@click.option(
    "--chunk",
    metavar="I/N",
    help="Run only every Nth key, from the Ith on; I is 0 to N-1, as the index of an array job.",
)
@click.option(
    "--job",
    type=InputFile(),
    help="Job file, which says where modules and data are.  [default: STUDY's newest]",
)
@click.option("--data-dir", type=Folder(), help="Folder of data sets on this machine.")
@click.option("--cache-dir", type=Folder(), help="Folder for prepared data on this machine.")
@click.option(
    "--timeout",
    type=Real(positive=True),
    help="Kill a trial after this many seconds.",
)
def command(
    study: str,
    keys: tuple[str, ...],
    results: Path,
    file: Path | None,
    chunk: str | None,
    job: Path | None,
    data_dir: Path | None,
    cache_dir: Path | None,
    timeout: float | None,
) -> int:
    """Run trials of STUDY that another command has planned, by their keys, one after the other.

    A key is the name of a trial's folder, or its beginning; @FILE, like --keys FILE, has a key on
    each line. Trials with a result are skipped. Any
    number of workers, on all machines that see the folder, share a study: each trial runs once.
    """
    store = open_study(results, study)
    listed = _chunk_of(_listed([*keys, *([f"@{file}"] if file else ())]), chunk)
    trials = list({trial.key: trial for trial in map(store.planned, listed)}.values())
    console = Console(force_terminal=False, highlight=False, soft_wrap=True)
    missing = store.missing(trials)
    for key in sorted({trial.key for trial in trials} - {trial.key for trial in missing}):
        console.print(f"{key}: has a record already", markup=False)
    if missing:
        found = read_job(job) if job else newest_job(store.folder)
        from benchmark.cli.progress import Progress
        from benchmark.estimates import Durations
        from benchmark.launchers.job import Stopped, run_job

        with Progress(console, missing, Durations(()).estimate_seconds, 1) as progress:
            try:
                run_job(
                    missing,
                    store,
                    found,
                    progress,
                    say=lambda text: console.print(text, markup=False),
                    data_dir=data_dir and data_dir.absolute(),
                    cache_dir=cache_dir and cache_dir.absolute(),
                    timeout_seconds=timeout,
                )
            except Stopped:
                raise KeyboardInterrupt from None
    return int(bool(store.missing(trials)))


def _listed(words: Sequence[str]) -> list[str]:
    """Return the keys in `words`, of which ``@FILE`` stands for the lines of a file."""
    keys = [key for word in words for key in (_lines(word[1:]) if word[:1] == "@" else [word])]
    if not keys:
        raise UsageError("no key: give keys of trials, @FILE or --keys FILE with one on each line")
    return keys


def _lines(name: str) -> list[str]:
    try:
        text = read_file(Path(name), _MOST_KEY_BYTES).decode()
    except FileNotFoundError:
        raise UsageError(f"there is no file {shown(name)} of keys") from None
    except ValueError as error:
        raise UsageError(f"{shown(name)} is no file of keys: {error}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _chunk_of(keys: list[str], chunk: str | None) -> list[str]:
    if chunk is None:
        return keys
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", chunk)
    if found is None or int(found[1]) >= int(found[2]):
        raise UsageError(f"--chunk {shown(chunk)}: expected I/N with I from 0 to N-1, such as 0/10")
    return keys[int(found[1]) :: int(found[2])]
