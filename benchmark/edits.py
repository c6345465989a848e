"""Edits of plug-ins' source files, after which trials with a result run again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from benchmark.plain_text import plain
from benchmark.spec import Trial
from optimizers.pick import is_import_path
from optimizers.source import DIGEST_LENGTH, file_of, source_digest
from optimizers.spec import OptimizerSpec


def edit_notice(missing: Sequence[Trial], finished: Iterable[Trial]) -> str:
    """Return a line on the files whose edit makes trials run again; empty if there are none.

    Args:
        missing: Trials without a result.
        finished: Trials with a result.
    """
    digests: dict[Trial, set[str]] = {}
    for trial in finished:
        digests.setdefault(_without_sources(trial), set()).update(_digests(trial))
    again = [trial for trial in missing if _without_sources(trial) in digests]
    files = {
        file: None
        for trial in again
        for digest, file in _files(trial)
        if digest not in digests[_without_sources(trial)]
    }
    if not files:
        return ""
    trials = "1 trial runs" if len(again) == 1 else f"{len(again)} trials run"
    return (
        f"NOTICE: {' and '.join(files)} changed since earlier runs: {trials} again; "
        "results of the earlier version are kept."
    )


def has_sources(trial: Trial) -> bool:
    """Return whether any class of `trial` comes from a user's file."""
    return bool(_digests(trial))


def has_other_sources(trial: Trial) -> bool:
    """Return whether a user's class of `trial` is not found, or not as it was when planned."""
    return not _digests(trial) <= {digest for digest, _ in _files(trial)}


def _digests(trial: Trial) -> set[str]:
    text = trial.source + "".join(spec.source for spec in _specs(trial.optimizer))
    return {text[i : i + DIGEST_LENGTH] for i in range(0, len(text), DIGEST_LENGTH)}


def _files(trial: Trial) -> Iterator[tuple[str, str]]:
    """Yield digest and name of each user's file in which a class of `trial` is defined."""
    values = [trial.model, trial.dataset]
    for spec in _specs(trial.optimizer):
        values += [spec.name, *(v for v in spec.hyperparameters.values() if isinstance(v, str))]
    for path in values:
        if is_import_path(path) and (digest := source_digest(path)):
            yield digest, _name_of_file(path)


@cache
def _name_of_file(path: str) -> str:
    file = file_of(path)
    return plain(file.name if file else path)


def _specs(spec: OptimizerSpec) -> list[OptimizerSpec]:
    return [spec, *(_specs(spec.rest) if spec.rest else ())]


@cache
def _spec_without_sources(spec: OptimizerSpec) -> OptimizerSpec:
    return replace(spec, source="", rest=spec.rest and _spec_without_sources(spec.rest))


def _without_sources(trial: Trial) -> Trial:
    return replace(trial, source="", optimizer=_spec_without_sources(trial.optimizer))
