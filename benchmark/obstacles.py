"""What keeps a study from verdicts, and its cure.

The rules are the same before the first trial, when the plan warns of them, and after the last one,
when the sentences without a verdict give them as the reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.declaration import Chosen, Declaration
from benchmark.plain_text import plain
from optimizers.spaces import Space, is_registered

LEVEL = 0.05
FEWEST_SEEDS = 5
Reason = Literal[
    "best learning rate at an edge",
    "unequal budgets",
    "unequal kinds of hyperparameters",
    "not tuned by the study",
    "fewer than 5 seeds",
    "declared seeds incomplete",
    "changed after results were seen",
    "more than two looks",
]
_FEWEST_POINTS = 2  # one point is no choice, and so no tuning


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """An optimizer and how it was or will be tuned.

    Args:
        label: The optimizer's label in the declaration.
        tried: Number of points tried; 0 for an optimizer that is trained as given.
        tunes: Kinds of hyperparameters that are tuned, such as ``("lr",)``.
        only_rate: Only the learning rate is tuned, although the space may have more.
        kind: Kind of its space: ``lr``, ``full`` or ``given`` by the user; empty if not on record.
    """

    label: str
    tried: int = 0
    tunes: tuple[str, ...] = ()
    only_rate: bool = False
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """A reason for which there will be no verdict, and what the user can do.

    Args:
        what: The optimizers concerned, and the reason in words.
        cure: The option to give.
    """

    what: str
    cure: str

    @property
    def words(self) -> str:
        """One line."""
        return f"no verdict {self.what}; cure: {self.cure}"


def obstacle_between(one: Contestant, reference: Contestant) -> Reason | None:
    """Return why the tuning of two optimizers allows no verdict; None if it allows one."""
    if min(one.tried, reference.tried) < _FEWEST_POINTS:
        return "not tuned by the study"
    if one.tried != reference.tried:
        return "unequal budgets"
    if not _are_of_one_kind(one, reference):
        return "unequal kinds of hyperparameters"
    return None


def cure(reason: Reason, one: Contestant, reference: Contestant, *, searches: bool) -> str:
    """Return the option that removes a reason, known before a study; empty for the other reasons.

    Args:
        reason: The reason for no verdict between the two.
        one: The optimizer.
        reference: The reference that it is compared with.
        searches: The study tunes its optimizers itself.
    """
    if reason == "fewer than 5 seeds":
        return "--seeds 10"
    if reason == "unequal kinds of hyperparameters":
        return (
            "the same ranges and choices for both, or none and --space full for all "
            "(--space lr for the learning rate alone)"
        )
    if reason == "unequal budgets" and searches:
        fewer = min((one, reference), key=lambda each: each.tried)
        return f"a range for {fewer.label} in place of few values, as in :lr=1e-4..1e-1"
    if reason == "not tuned by the study" and searches:
        given = [each.label for each in (one, reference) if not each.tunes]
        if not given:
            return "more points: --budget 16 (in run, --tune 16)"
        return f"a range for {' and '.join(given)} in place of a value, as in :lr=1e-4..1e-1"
    if reason in ("unequal budgets", "not tuned by the study"):
        return "tune all of them alike with --tune 16"
    return ""


def obstacles(declaration: Declaration, outcomes: Iterable[Chosen] = ()) -> list[Obstacle]:
    """Return what will keep a study from verdicts, as far as it is known before the first trial.

    Args:
        declaration: The declaration of the study.
        outcomes: The settings of shipped baselines, in a study that tunes nothing itself.
    """
    found: list[Obstacle] = []
    if declaration.tuning:
        found += _between(_searched(declaration), declaration.reference, searches=True)
    else:
        by_place: dict[str, list[Contestant]] = {}
        for each in outcomes:
            by_place.setdefault(each.problem, []).append(_as_chosen(each))
        for problem, some in by_place.items():
            labels = {each.label for each in some}
            given = [Contestant(label=each) for each in declaration.labels if each not in labels]
            both = [*some, *given]
            found += _between(both, declaration.reference, searches=False, where=f" on {problem}")
    if len(declaration.seeds) < FEWEST_SEEDS:
        count = len(declaration.seeds)
        seeds = "1 seed is" if count == 1 else f"{count} seeds are"
        found.append(
            Obstacle(
                what=f"at all: {seeds} fewer than the {FEWEST_SEEDS} that a verdict needs",
                cure="--seeds 10",
            )
        )
    return found


def changed_after_results(changes: Sequence[str]) -> list[Obstacle]:
    """Return what takes the verdicts of a study away that has results: changes of what it declared.

    >>> (found,) = changed_after_results(["seeds: 0, now 0, 1"])
    >>> found.what
    'any more in this study: changed after results were seen (seeds: 0, now 0, 1)'
    """
    if not changes:
        return []
    first, more = plain(changes[0], 80), ", …" * (len(changes) > 1)
    what = f"any more in this study: changed after results were seen ({first}{more})"
    return [Obstacle(what=what, cure="--study NAME for another study")]


def level_of(stages: int) -> float:
    """Return the level of each look at the results: 5 % over all of them (Bonferroni).

    >>> level_of(1), level_of(2)
    (0.05, 0.025)

    Raises:
        ValueError: there are not one or two stages.
    """
    if stages not in (1, 2):
        raise ValueError(f"expected 1 or 2 stages, got {stages}: later looks need a new study")
    return LEVEL / stages


def level_words(stages: int) -> str:
    """Return the level of each look.

    >>> level_words(2)
    '2.5 %'
    """
    return f"{100 * level_of(stages):g} %"


def more_seeds(declaration: Declaration, count: int | None = None) -> str:
    """Return the option that adds seeds: "--seeds 10-14".

    Args:
        declaration: The study, which keeps the seeds that it has.
        count: Number of seeds to add; None for as many as there are.
    """
    first = max(declaration.seeds) + 1
    return f"--seeds {first}-{first + (count or len(declaration.seeds)) - 1}"


def _between(
    planned: Sequence[Contestant], reference: str, *, searches: bool, where: str = ""
) -> Iterable[Obstacle]:
    """Yield an obstacle for each optimizer that cannot be compared with the reference."""
    other = next((each for each in planned if each.label == reference), None)
    for one in planned if other else ():
        assert other is not None
        reason = obstacle_between(one, other) if one is not other else None
        if reason:
            yield Obstacle(
                what=f"on {one.label} against {other.label}{where}: {reason} "
                f"({how_tuned(one)}; {how_tuned(other)})",
                cure=cure(reason, one, other, searches=searches),
            )


def how_tuned(one: Contestant) -> str:
    """Return how an optimizer is tuned: "adam: lr in the lr space, 16 points"."""
    if not one.tunes:
        return f"{one.label}: as given"
    space = f" in the {one.kind} space" if one.kind in ("lr", "full") else ""
    points = "1 point" if one.tried == 1 else f"{one.tried} points"
    return f"{one.label}: {', '.join(one.tunes)}{space}, {points}"


def _searched(declaration: Declaration) -> list[Contestant]:
    """Return the optimizers of a study that tunes them, with the points that each will try."""
    assert declaration.tuning is not None
    budget = declaration.tuning.budget
    return [
        Contestant(
            label=each.label,
            tried=int(min(budget, each.size)),
            tunes=each.space.kinds,
            only_rate=tunes_only_rate(each.kind, each.space),
            kind=each.kind,
        )
        for each in declaration.tuning.optimizers
    ]


def _as_chosen(outcome: Chosen) -> Contestant:
    return Contestant(
        label=outcome.label,
        tried=outcome.tried,
        tunes=tuple(outcome.tunes),
        only_rate=outcome.only_rate,
        kind=outcome.kind,
    )


def tunes_only_rate(kind: str, space: Space) -> bool:
    """Return whether nothing but the learning rate is tuned, although there may be more."""
    # The full space of SGD has a learning rate alone, and is compared with other full spaces.
    return kind != "full" and space.kinds == ("lr",)


def _are_of_one_kind(one: Contestant, other: Contestant) -> bool:
    """Return whether the spaces of both may be compared.

    Spaces from the registry may if they are of one kind. A space that the user gives may be
    compared with one of the same hyperparameters, and with a full space of more. What no registered
    space has, such as a choice of schedules, must be in both.
    """
    if not (one.kind and other.kind):
        return one.only_rate == other.only_rate
    tunes, others = set(one.tunes), set(other.tunes)
    if any(not is_registered(kind) for kind in tunes ^ others):
        return False
    if "given" not in (one.kind, other.kind):
        return one.kind == other.kind
    if tunes == others:
        return True
    larger = other if tunes < others else one if others < tunes else None
    return larger is not None and larger.kind == "full" and "lr" in tunes & others
