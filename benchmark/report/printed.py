"""The verdicts of a tuned study in words, as terminals print them; light to import."""

from dataclasses import dataclass, field
from typing import Any, Literal

Word = Literal["better", "worse", "equivalent", "mixed", "undecided", "untuned"]
RowWord = Literal["", "reference", "better", "worse", "equivalent", "undecided", "untuned"]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of a report.

    Args:
        text: The sentence.
        word: The word that decides it, if there is one.
        optimizer: Label of the optimizer that it is about; empty for the study.
    """

    text: str
    word: Word | None = None
    optimizer: str = ""


@dataclass(frozen=True, kw_only=True)
class RowVerdict:
    """The verdict in one row of a table.

    Args:
        setting: The setting, in words.
        optimizer: The optimizer as `OptimizerSpec.text`.
        how: How it was tuned, in short.
        word: The verdict; empty for none.
    """

    setting: str
    optimizer: str
    how: str
    word: RowWord


@dataclass(frozen=True, kw_only=True)
class PrintedVerdicts:
    """The verdicts of a tuned study in words.

    Args:
        rows: The verdict of each optimizer in each setting.
        statements: All sentences, and how far the study is.
        as_json: The verdicts for programs.
    """

    rows: tuple[RowVerdict, ...]
    statements: tuple[Statement, ...]
    as_json: dict[str, Any] = field(default_factory=dict)

    def row(self, setting: str, optimizer: str) -> RowVerdict | None:
        """Return the verdict of an optimizer in a setting; None if the study did not declare it."""
        found = (e for e in self.rows if (e.setting, e.optimizer) == (setting, optimizer))
        return next(found, None)
