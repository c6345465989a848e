"""Verdicts and reference of declared studies. The module is light to import, for the terminal."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.record import Record
from benchmark.step_costs import read_step_costs

if TYPE_CHECKING:
    from benchmark.analysis.frame import Frames
    from benchmark.analysis.judging import Judgement
    from benchmark.declaration import Declaration


def judgement_from(
    declaration: "Declaration | None", folder: Path, records: Iterable[Record]
) -> "Judgement | None":
    """Return the verdicts of a study; None if its optimizers were trained as given.

    Args:
        declaration: The study's declaration.
        folder: The study's folder, which has the costs of steps.
        records: All records of the study.
    """
    if declaration is None or not declaration.is_tuned:
        return None
    from benchmark.analysis.judging import judgement_of  # loads polars and scipy

    return judgement_of(declaration, records, read_step_costs(folder))


def declared_reference(
    declarations: "Iterable[Declaration | None]", frames: "Frames"
) -> str | None:
    """Return the reference that all tuned studies declared, if a trial of it is to be compared.

    Args:
        declarations: The declarations of the studies, None for a study without one.
        frames: The trials of the studies.
    """
    tuned = [each for each in declarations if each is not None and each.is_tuned]
    references = {each.reference or next(iter(each.labels), "") for each in tuned}
    known = {n for names in frames.trials.select("optimizer", "label").rows() for n in names}
    return references.pop() if len(references) == 1 and references <= known else None


def only_one(judged: "Mapping[str, Judgement]") -> "Judgement | None":
    """Return the verdicts of the only tuned study; None if there are none or several."""
    return next(iter(judged.values())) if len(judged) == 1 else None
