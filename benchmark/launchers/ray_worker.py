"""The part of the launcher of Ray that runs on a node: a trial or a pack, as on one machine.

A node that cannot run a task says so by a `Refusal`, so that the task can run on another one.
"""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.context import Context
from benchmark.decode import Row
from benchmark.jobs import CACHE_VARIABLE
from benchmark.launchers.watchers import Together
from benchmark.plain_text import error_line, plain
from benchmark.record import Environment, Record
from benchmark.spec import Trial
from benchmark.store import LOG, Store

_COMPARED = ("torch", "lightning", "numpy")  # packages whose versions can change a trial's bits


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a task needs besides its trials.

    Args:
        results: Folder of all studies, the same on all nodes.
        study: The study's name.
        context: Context of the trials, as seen from the launching process.
        checksums: SHA-256 of the data sets where the trials were planned, by their names.
        versions: Versions that a node must have, by name.
        timeout_seconds: Time limit of a trial; None for no limit.
        returns_files: The nodes do not share the folder: return what the trial wrote.
    """

    results: Path
    study: str
    context: Context
    checksums: Mapping[str, str]
    versions: Mapping[str, str]
    timeout_seconds: float | None
    returns_files: bool


@dataclass(frozen=True, kw_only=True)
class Files:
    """What a trial wrote on a node that does not share the study's folder."""

    record: Record
    curve: Sequence[Row]
    log: bytes


@dataclass(frozen=True, kw_only=True)
class Done:
    """The answer of a node that has run a task.

    Args:
        files: Those of each trial, if the node does not share the study's folder.
        texts: Notices for the user, such as that a pack has failed and ran in halves.
    """

    files: tuple[Files, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The answer of a node that could not run a task.

    Args:
        node: Ray's id of the node.
        host: Name of its machine.
        why: The reason, in words.
        is_general: The node can run no trial of this command, as it has other versions.
    """

    node: str
    host: str
    why: str
    is_general: bool = False


class _Texts(Together):
    """A watcher that keeps what the pool has to tell a person."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def said(self, text: str) -> None:
        """Keep it."""
        self.all.append(text)


def run_trials(trials: Sequence[Trial], place: Place) -> Done | Refusal:
    """Run a trial, or several as one network, on the node where this task is.

    A pack that fails is tried again in halves, here.

    Returns:
        A refusal if the node has other versions, data or files of a user's code than the command,
        or cannot write files.
    """
    import ray

    node, host = ray.get_runtime_context().get_node_id(), socket.gethostname()
    if other := differences(versions(), place.versions):
        return Refusal(node=node, host=host, why=f"it has {other}", is_general=True)
    try:
        return _run(trials, place, tuple(str(each) for each in ray.get_gpu_ids()))
    except Exception as error:  # whatever the trial itself raises is in its record
        return Refusal(node=node, host=host, why=error_line(error, 200))


def versions() -> dict[str, str]:
    """Return the versions on this node of what can change a trial's bits."""
    found = environment_here()
    return {
        "optimizer-benchmark": found.suite or "",
        "Python": found.python or "",
        **{name: found.packages.get(name, "") for name in _COMPARED},
    }


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return in words which versions differ from those that are wanted, "" if none.

    >>> differences({"torch": "2.13"}, {"torch": "2.14", "numpy": "2.4"})
    'torch 2.13 instead of 2.14, numpy none instead of 2.4'
    """
    return ", ".join(
        f"{name} {found.get(name) or 'none'} instead of {version}"
        for name, version in wanted.items()
        if found.get(name) != version
    )


def _run(trials: Sequence[Trial], place: Place, gpus: tuple[str, ...]) -> Done:
    from benchmark.launchers.job import check_sources, with_data
    from benchmark.launchers.pool import Devices, Pool

    _forget_main()
    check_sources(trials)
    context = with_data(trials, place.checksums, _context_here(place.context))
    with ExitStack() as stack:
        results = place.results
        if place.returns_files:
            results = Path(stack.enter_context(TemporaryDirectory(prefix="benchmark-")))
        store = Store(results, place.study)
        slots, texts = Devices(workers=1, gpus=gpus), _Texts()
        Pool(store, context, slots, texts, place.timeout_seconds).run((), [trials])
        returned = trials if place.returns_files else ()
        logs: dict[tuple[int, int], bytes] = {}
        found = (_files(store, trial, place.results, logs) for trial in returned)
        return Done(files=tuple(filter(None, found)), texts=tuple(texts.all))


def _files(
    store: Store, trial: Trial, results: Path, logs: dict[tuple[int, int], bytes]
) -> Files | None:
    """Return the files of a trial; its record names them as they will be called in `results`.

    `logs` keeps what was read, so that the trials of a pack send the log that they share once.
    """
    record = store.record(trial)
    if record is None:
        return None
    reason = record.reason.replace(plain(store.folder.parent), plain(results))
    log = b""
    with suppress(FileNotFoundError):  # nothing was printed
        path = store.trial_folder(trial) / LOG
        file = path.stat()
        log = logs.setdefault((file.st_dev, file.st_ino), path.read_bytes())
    return Files(record=replace(record, reason=reason), curve=store.metrics(trial), log=log)


def _context_here(context: Context) -> Context:
    """Return the context as this node has it: its own machine, and no folder that it lacks.

    If the node has a BENCHMARK_CACHE_DIR of its own, data are prepared there.
    """
    cache = os.environ.get(CACHE_VARIABLE)
    if cache and Path(cache).absolute() != context.cache_dir:
        context = replace(context, cache_dir=Path(cache).absolute(), prepared={})
    prepared = {name: folder for name, folder in context.prepared.items() if folder.is_dir()}
    data_dir = context.data_dir if context.data_dir and context.data_dir.is_dir() else None
    return replace(context, environment=environment_here(), prepared=prepared, data_dir=data_dir)


@cache
def environment_here() -> Environment:
    """Return the environment of this process, which is found once."""
    from benchmark.environment import environment

    return environment()


def _forget_main() -> None:
    """Hide the main module of this Ray worker, which every trial's process would import again."""
    vars(sys.modules["__main__"]).pop("__file__", None)
