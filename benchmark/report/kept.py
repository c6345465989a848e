"""The verdicts of a tuned study as terminals print them, kept in the study's folder.

Judging loads scipy and polars, which takes longer than printing a thousand records. So the words
lie in ``verdicts.json`` beside the declaration. The file holds nothing that the declaration and the
records do not say: it may be removed. A file of another state of the study, of another version of
the suite, or edited, is ignored and replaced.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import benchmark
from benchmark.atomic import write_text
from benchmark.declaration import FILE as DECLARATION
from benchmark.declaration import read_declaration
from benchmark.decode import read_file
from benchmark.errors import Misfit
from benchmark.report.declared import judgement_from
from benchmark.report.printed import PrintedVerdicts, RowVerdict, Statement
from benchmark.step_costs import FILE as STEP_COSTS
from benchmark.store import Store

if TYPE_CHECKING:
    from benchmark.analysis.judging import Judgement
    from benchmark.record import Record

FILE = "verdicts.json"
_MOST_BYTES = 50_000_000


def verdicts_in(store: Store, records: "Callable[[], Sequence[Record]]") -> PrintedVerdicts | None:
    """Return the verdicts of a study in words; None if its optimizers are trained as given.

    Args:
        store: The study's folder, in which the verdicts are kept if it can be written.
        records: Returns all records of the study; called only if the verdicts are not kept.

    Raises:
        UsageError: the declaration is damaged.
    """
    declaration = read_declaration(store.folder)
    if declaration is None or not declaration.is_tuned:
        return None
    state = _state(store.folder)  # before the records are read, which may change meanwhile
    found = _read(store.folder / FILE, state)
    if found is None:
        known = records()
        judgement = judgement_from(declaration, store.folder, known)
        assert judgement is not None  # the study is tuned
        found = printed_verdicts(judgement, known)
        with suppress(OSError):
            _write(store.folder / FILE, state, found)
    return found


def printed_verdicts(judgement: "Judgement", records: "Sequence[Record]") -> PrintedVerdicts:
    """Return verdicts in words.

    Args:
        judgement: The verdicts.
        records: All records of the study.
    """
    from benchmark.report.budgets import budget_sentences
    from benchmark.report.judgements import (
        as_json,
        aside_sentences,
        notes,
        progress_sentence,
        statements,
    )

    progress = progress_sentence(judgement.declaration, records)
    more = [
        *aside_sentences(judgement),
        *notes(judgement),
        *budget_sentences(judgement),
        *[progress] * bool(progress),
    ]
    return PrintedVerdicts(
        rows=tuple(_rows(judgement)),
        statements=(*statements(judgement), *(Statement(text=words) for words in more)),
        as_json=as_json(judgement),
    )


def _rows(judgement: "Judgement") -> Iterator[RowVerdict]:
    from benchmark.report.search_words import how_tuned_in_short

    words = {(one.setting, one.optimizer): one.word for one in judgement.confirmatory}
    for each in judgement.entrants:
        is_reference = each.label == judgement.reference
        yield RowVerdict(
            setting=each.setting,
            optimizer=each.spec.text,
            how=how_tuned_in_short(each),
            word="reference" if is_reference else words.get((each.setting, each.label), ""),
        )


def _read(path: Path, state: str) -> PrintedVerdicts | None:
    """Return the verdicts in a file; None if it is not of this state, damaged or missing."""
    try:
        data = json.loads(read_file(path, _MOST_BYTES))
        if (data["state"], data["sha256"]) != (state, _digest(data["verdicts"])):
            return None
        return msgspec.convert(data["verdicts"], PrintedVerdicts)
    except (OSError, Misfit, ValueError, LookupError, TypeError, RecursionError):
        return None


def _write(path: Path, state: str, found: PrintedVerdicts) -> None:
    verdicts = asdict(found)
    data = {"state": state, "sha256": _digest(verdicts), "verdicts": verdicts}
    write_text(path, json.dumps(data, indent=1) + "\n")


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()


def _state(folder: Path) -> str:
    """Return a digest of the declaration, the records, the costs of steps and the suite.

    Records are not read: names, times of change and sizes stand for them.
    """
    state = hashlib.sha256((folder / DECLARATION).read_bytes())
    state.update(repr([benchmark.__version__, *_code(), *_stamps(folder)]).encode())
    return state.hexdigest()


def _stamps(folder: Path) -> list[tuple[str, int, int]]:
    """Return name, time of change in ns and size in bytes of each record, and of the costs."""
    found = []
    for place in sorted(folder.iterdir()):
        with suppress(OSError):
            is_costs = place.name == STEP_COSTS
            status = (place if is_costs else place / "record.json").stat()
            found.append((place.name, status.st_mtime_ns, status.st_size))
    return found


def _code() -> list[tuple[str, int, int]]:
    """Return name, time and size of the files of the suite that decide verdicts and words."""
    root = Path(benchmark.__file__).parent
    files = [*root.glob("*.py"), *root.glob("analysis/*.py"), *root.glob("report/*.py")]
    status = {path: path.stat() for path in files}
    return sorted((path.name, each.st_mtime_ns, each.st_size) for path, each in status.items())
