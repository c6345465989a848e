"""The verdicts of tuned studies on disk. The module is light to import, for the terminal."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.declaration import read_declaration
from benchmark.record import Record
from benchmark.step_costs import read_step_costs
from benchmark.store import Store

if TYPE_CHECKING:
    from benchmark.analysis.frame import Frames
    from benchmark.analysis.judging import Judgement


def judgement_in(folder: Path, records: Iterable[Record]) -> "Judgement | None":
    """Return the verdicts of the study in `folder`; None if they were trained as given.

    Args:
        folder: The study's folder.
        records: All records of the study.

    Raises:
        UsageError: the declaration is damaged.
    """
    declaration = read_declaration(folder)
    if declaration is None or not declaration.is_tuned:
        return None
    from benchmark.analysis.judging import judgement_of  # loads polars and scipy

    return judgement_of(declaration, records, read_step_costs(folder))


def judgements_of(stores: Iterable[Store]) -> "dict[str, Judgement]":
    """Return the verdicts of the studies that were tuned, by study.

    Raises:
        UsageError: a declaration is damaged.
    """
    found = {store.study: judgement_in(store.folder, store.records()) for store in stores}
    return {study: judgement for study, judgement in found.items() if judgement is not None}


def declared_reference(stores: Iterable[Store], frames: "Frames") -> str | None:
    """Return the reference that all tuned studies declared, if a trial of it is to be compared.

    Args:
        stores: The studies.
        frames: Their trials.

    Raises:
        UsageError: a declaration is damaged.
    """
    found = filter(None, (read_declaration(store.folder) for store in stores))
    references = {each.reference or next(iter(each.labels), "") for each in found if each.is_tuned}
    known = {n for names in frames.trials.select("optimizer", "label").rows() for n in names}
    return references.pop() if len(references) == 1 and references <= known else None


def only_one(judged: "Mapping[str, Judgement]") -> "Judgement | None":
    """Return the verdicts of the only tuned study; None if there are none or several."""
    return next(iter(judged.values())) if len(judged) == 1 else None
