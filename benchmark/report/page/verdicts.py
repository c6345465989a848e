"""The page's first screen: the verdicts of tuned studies, and why other studies have none."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from benchmark.analysis.judging import Entrant, Judgement
from benchmark.analysis.pairs import Pair, all_pairs
from benchmark.analysis.verdicts import Verdict
from benchmark.metrics import higher_is_better, metric_words
from benchmark.plain_text import LABEL_LENGTH, REASON_LENGTH, plain
from benchmark.report.differences import convention_words, difference_words, margin_words
from benchmark.report.findings import Findings
from benchmark.report.judgements import (
    ASPECTS,
    correction_sentence,
    looks_words,
    own_first,
    statements,
)
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import rounded
from benchmark.report.pairs import (
    pair_difference,
    pair_p,
    pair_title,
    pair_word,
    pairs_note,
)
from benchmark.report.palette import is_own
from benchmark.report.search_words import edge_words, how_tuned, how_tuned_in_short
from benchmark.report.verdict_sentences import numbers_words, reason_words, title_of
from benchmark.report.words import counted

_shown = partial(plain, most=LABEL_LENGTH)


@dataclass(frozen=True, kw_only=True)
class OtherVerdict:
    """The verdict on one optimizer on one problem in another family than the confirmatory one.

    Args:
        aspect: The family: optimization or generalization.
        word: The verdict.
        difference: The difference with its interval and metric, in words.
    """

    aspect: str
    word: str
    difference: str


@dataclass(frozen=True, kw_only=True)
class VerdictCell:
    """One optimizer on one problem against the reference.

    Args:
        label: The optimizer.
        optimizer: Its index; None if none of its trials is shown.
        own: The reader wrote it.
        word: The verdict; ``reference`` for the reference itself.
        reason: Why there is no verdict; empty if there is one.
        relative, low, high: The difference and its 95 % interval as shares of the reference's
            mean; None where they are not known.
        difference: The same in words, in the metric's unit.
        numbers: Number of seeds, effect size and p, in words.
        tuned: The chosen hyperparameters and how they were tuned, in words.
        how: How it was tuned, in short.
        edge: End of the tried learning rates at which the chosen one lies; empty for none.
        seeds: Number of evaluation seeds with a result.
        others: The verdicts of the other families.
    """

    label: str
    optimizer: int | None
    own: bool
    word: str
    reason: str
    relative: float | None
    low: float | None
    high: float | None
    difference: str
    numbers: str
    tuned: str
    how: str
    edge: str
    seeds: int
    others: Sequence[OtherVerdict]


@dataclass(frozen=True, kw_only=True)
class VerdictPanel:
    """All verdicts on one problem, on a shared axis.

    Args:
        setting: Index of the setting; None if none of its trials is shown.
        title: The problem, or the setting if several are of one problem.
        margin: The margin of equivalence as a share of the reference's mean; None if not known.
        margin_words: The margin in the metric's unit and what it was derived from, in words.
        cells: The optimizers, the reader's own first and the reference last.
    """

    setting: int | None
    title: str
    margin: float | None
    margin_words: str
    cells: Sequence[VerdictCell]


@dataclass(frozen=True, kw_only=True)
class OverallVerdict:
    """One optimizer over all problems.

    Args:
        label: The optimizer.
        optimizer: Its index; None if none of its trials is shown.
        own: The reader wrote it.
        word: The verdict over all problems.
        counts: How often each word was said, such as "better on 1, undecided on 2".
    """

    label: str
    optimizer: int | None
    own: bool
    word: str
    counts: str


@dataclass(frozen=True, kw_only=True)
class VerdictSentence:
    """A sentence on one optimizer, or on the study.

    Args:
        optimizer: The optimizer's index; None for the study.
        words: The sentence.
    """

    optimizer: int | None
    words: str


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """Two optimizers of one problem, compared with each other.

    Args:
        problem: The problem, or the setting if several are of one problem.
        pair: The two optimizers.
        difference: The first − the second with its 95 % interval, in words.
        value: The difference in the metric's unit; None if it is not known.
        word: The word and its family, declared or exploratory.
        p: p of max-T, in words.
        p_value: The same as a number.
    """

    problem: str
    pair: str
    difference: str
    value: float | None
    word: str
    p: str
    p_value: float


@dataclass(frozen=True, kw_only=True)
class StudyVerdicts:
    """The verdicts of one tuned study.

    Args:
        study: The study.
        reference: The optimizer that all others are compared with.
        metric: The metric of the verdicts, in words.
        better: The side of the axis on which the better values lie.
        declared: When the study was declared, and with which seeds, in words.
        overall: The optimizers over all problems; empty for one problem.
        panels: The problems.
        convention: Sentences on the sign of differences and the correction of p.
        sentences: The verdicts in sentences, those over all problems first.
        pairs: All pairs of optimizers by problem; empty with too few or too many optimizers.
        pairs_note: The meaning of their numbers.
    """

    study: str
    reference: str
    metric: str
    better: Literal["left", "right"]
    declared: str
    overall: Sequence[OverallVerdict]
    panels: Sequence[VerdictPanel]
    convention: str
    sentences: Sequence[VerdictSentence]
    pairs: Sequence[PairRow]
    pairs_note: str


def study_verdicts(findings: Findings, cast: Cast) -> list[StudyVerdicts]:
    """Return the verdicts of each tuned study."""
    return [
        _Study(findings=findings, cast=cast, study=study, judgement=judgement).verdicts()
        for study, judgement in findings.judgements.items()
    ]


def no_verdict_words(findings: Findings) -> str:
    """Return why nothing on the page is a verdict; empty if there is one, or no trial.

    Args:
        findings: The numbers of the report.
    """
    whys = [setting.why_no_verdict for setting in findings.settings.values()]
    whys = list(dict.fromkeys(why for why in whys if why))
    if not whys:
        return ""
    where = "Nothing here is a verdict" if not findings.judgements else "Other studies: no verdict"
    why = whys[0] if len(whys) == 1 else "the optimizers were not tuned alike"
    return (
        f"{where}: {why}. For verdicts give --tune 16: every optimizer then tries 16 points and is "
        "compared on fresh seeds."
    )


@dataclass(frozen=True, kw_only=True)
class _Study:
    """Makes the verdicts of one study."""

    findings: Findings
    cast: Cast
    study: str
    judgement: Judgement

    def verdicts(self) -> StudyVerdicts:
        judgement, declaration = self.judgement, self.judgement.declaration
        metric = declaration.confirmatory
        settings = list(dict.fromkeys(one.setting for one in judgement.entrants))
        at = declaration.at[:16].replace("T", " ")
        return StudyVerdicts(
            study=self.study,
            reference=_shown(judgement.reference),
            metric=metric_words(metric),
            better="right" if higher_is_better(metric) else "left",
            declared=f"declared {at} UTC with {counted(len(declaration.seeds), 'evaluation seed')}"
            f"{looks_words(declaration)}",
            overall=[self._overall(label) for label in own_first(judgement)]
            if len(settings) > 1
            else [],
            panels=[self._panel(setting) for setting in settings],
            convention=" ".join(
                filter(None, [convention_words(metric), correction_sentence(judgement)])
            ),
            sentences=[
                VerdictSentence(
                    optimizer=self.cast.optimizer(_shown(each.optimizer), self.study)
                    if each.optimizer
                    else None,
                    words=each.text if each.optimizer else _line(each.text),
                )
                for each in statements(judgement, _shown)
            ],
            pairs=[self._pair(each) for each in all_pairs(judgement)],
            pairs_note=pairs_note(judgement, _shown),
        )

    def _pair(self, pair: Pair) -> PairRow:
        one = pair.verdict
        return PairRow(
            problem=_line(title_of(self.judgement, one.setting)),
            pair=_line(pair_title(pair)),
            difference=pair_difference(self.judgement, pair),
            value=rounded(one.difference),
            word=pair_word(pair),
            p=pair_p(pair),
            p_value=one.p,
        )

    def _overall(self, label: str) -> OverallVerdict:
        words = [one.word for one in self.judgement.confirmatory if one.optimizer == label]
        counts = [
            f"{'no verdict' if word == 'untuned' else word} on {words.count(word)}"
            for word in dict.fromkeys(words)
        ]
        return OverallVerdict(
            label=_shown(label),
            optimizer=self.cast.optimizer(_shown(label), self.study),
            own=self._is_own(label),
            word=self.judgement.overall[label],
            counts=f"{', '.join(counts)} of {counted(len(words), 'problem')}",
        )

    def _panel(self, setting: str) -> VerdictPanel:
        entrants = {each.label: each for each in self.judgement.entrants if each.setting == setting}
        verdicts = {
            one.optimizer: one for one in self.judgement.confirmatory if one.setting == setting
        }
        labels = [label for label in own_first(self.judgement) if label in verdicts]
        labels += [label for label in entrants if label not in labels]
        shown = self.findings.settings
        named = _line(setting)
        problem = next(iter(entrants.values())).problem
        return VerdictPanel(
            setting=self.cast.places.get(named),
            title=shown[named].title if named in shown else _shown(problem),
            margin=_relative_margin(list(verdicts.values())),
            margin_words=_line(margin_words(self.judgement, problem)),
            cells=[self._cell(entrants[label], verdicts.get(label)) for label in labels],
        )

    def _cell(self, entrant: Entrant, verdict: Verdict | None) -> VerdictCell:
        is_reference = entrant.label == self.judgement.reference
        return VerdictCell(
            label=_shown(entrant.label),
            optimizer=self.cast.optimizer(_shown(entrant.label), self.study),
            own=is_own(entrant.spec.name),
            word=verdict.word if verdict else "reference" if is_reference else "untuned",
            reason=_line(reason_words(self.judgement, verdict)) if verdict else "",
            relative=rounded(verdict.relative) if verdict else None,
            low=rounded(verdict.relative_low) if verdict else None,
            high=rounded(verdict.relative_high) if verdict else None,
            difference=difference_words(self.judgement, verdict) if verdict else "",
            numbers=numbers_words(verdict) if verdict else "",
            tuned=_line(how_tuned(entrant)),
            how=_line(how_tuned_in_short(entrant)),
            edge=_line(edge_words(entrant)),
            seeds=len(entrant.records),
            others=[] if verdict is None else self._others(verdict),
        )

    def _others(self, verdict: Verdict) -> list[OtherVerdict]:
        return [
            OtherVerdict(
                aspect=ASPECTS[aspect],
                word="no verdict" if one.word == "untuned" else one.word,
                difference=difference_words(self.judgement, one),
            )
            for aspect, verdicts in self.judgement.verdicts.items()
            for one in verdicts
            if aspect != "confirmatory"
            and (one.setting, one.optimizer) == (verdict.setting, verdict.optimizer)
        ]

    def _is_own(self, label: str) -> bool:
        return any(is_own(one.spec.name) for one in self.judgement.entrants if one.label == label)


def _relative_margin(verdicts: Sequence[Verdict]) -> float | None:
    """Return the margin as a share of the reference's mean, from a difference known as both."""
    for one in verdicts:
        if one.difference and one.relative:
            return rounded(one.margin * abs(one.relative / one.difference))
    return None


def _line(words: str) -> str:
    return plain(words, REASON_LENGTH)
