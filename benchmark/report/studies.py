"""Studies as reports need them: each record and each declaration is read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.analysis.frame import Frames, frames_of
from benchmark.analysis.judging import Judgement
from benchmark.analysis.searches import Search, searches_of
from benchmark.analysis.summary import evaluated, in_order
from benchmark.declaration import Declaration, read_declaration
from benchmark.errors import UsageError
from benchmark.plain_text import plain
from benchmark.record import Record
from benchmark.report.declared import declared_reference, judgement_from
from benchmark.report.findings import Findings
from benchmark.report.judgements import progress_sentence
from benchmark.report.outside import shown
from benchmark.report.reproduce import commands_again
from benchmark.report.words import waiting_words
from benchmark.store import Store


@dataclass(frozen=True, kw_only=True)
class Studies:
    """The contents of one or more studies; the mappings have the studies' names as keys.

    Args:
        frames: Trials for evaluation and their curves, with texts that are safe to show.
        records: All records, those of tuning too, in the order of `summary.in_order`.
        declarations: The declarations; None for a study that has none.
        judgements: The verdicts of the studies that were tuned.
        unfinished: Sentences on the studies of which trials have no result yet.
    """

    frames: Frames
    records: Mapping[str, Sequence[Record]]
    declarations: Mapping[str, Declaration | None]
    judgements: Mapping[str, Judgement]
    unfinished: Sequence[str]

    @property
    def reference(self) -> str | None:
        """The reference that all tuned studies declared, if a trial of it is to be compared."""
        return declared_reference(self.declarations.values(), self.frames)

    def commands(self) -> list[str]:
        """Return the commands that run the studies again."""
        return [
            line
            for study, records in self.records.items()
            for line in commands_again(study, self.declarations[study], records)
        ]

    def searches(self) -> dict[str, tuple[Search, ...]]:
        """Return the searches of each study that was tuned."""
        return {
            study: searches_of(judgement.declaration, self.records[study])
            for study, judgement in self.judgements.items()
        }

    def findings(
        self, reference: str | None = None, targets: Mapping[str, float] | None = None
    ) -> Findings:
        """Return the numbers of a report on these studies.

        Args:
            reference: Optimizer or label to compare with; None for the declared one, otherwise
                each setting's best.
            targets: Targets by metric, or by ``problem:metric``, in place of the problems' own.

        Raises:
            UsageError: a target is for a problem or a metric that no trial has, or for several
                units.
        """
        return Findings(
            frames=self.frames,
            reference=reference or self.reference,
            targets=targets or {},
            judgements=self.judgements,
            unfinished=self.unfinished,
        )

    def check_any(self) -> None:
        """Raise a UsageError if no study has a record."""
        if not any(self.records.values()):
            raise UsageError(f"no records yet in {', '.join(self.records)}")


def read_studies(stores: Sequence[Store]) -> Studies:
    """Read studies; each record is decoded once, and each declaration too.

    Raises:
        UsageError: a declaration is damaged, or two studies have the same name.
    """
    found = [(store, in_order(store.records())) for store in stores]
    frames = shown(frames_of([(store, evaluated(records)) for store, records in found]))
    declarations = {store.study: read_declaration(store.folder) for store in stores}
    judged = {
        store.study: judgement_from(declarations[store.study], store.folder, records)
        for store, records in found
    }
    unfinished = (
        _unfinished(store, declarations[store.study], records, is_named=len(stores) > 1)
        for store, records in found
    )
    return Studies(
        frames=frames,
        records={store.study: records for store, records in found},
        declarations=declarations,
        judgements={study: each for study, each in judged.items() if each is not None},
        unfinished=[words for words in unfinished if words],
    )


def _unfinished(
    store: Store, declaration: Declaration | None, records: Sequence[Record], *, is_named: bool
) -> str:
    """Return how far a study has come, maybe after its name; empty if all its trials have records.

    What a tuned study wants is known from its declaration; another has a file for each trial.
    """
    if declaration is not None and declaration.is_tuned:
        words = progress_sentence(declaration, records)
    else:
        words = waiting_words(store.num_waiting())
    return f"Study {plain(store.study)}: {words}" if is_named and words else words
