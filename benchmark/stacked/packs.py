"""Packs of trials: which of a study's trials train as one network, and why others do not.

Nothing here loads torch.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from operator import attrgetter

from benchmark.context import Stack
from benchmark.free_memory import free_memory
from benchmark.models.registry import MODELS
from benchmark.plain_text import plain
from benchmark.spec import Trial
from benchmark.stacked.packing import shared, why_not_one
from datamodules.registry import DATASETS
from optimizers.pick import is_import_path

MOST = 64  # a member of logreg/mnist costs 97 µs a step in a pack of 64, and 91 µs in one of 256
FEWEST = 8  # fewer gain little: the start of a process and Lightning's cost a step are shared
_FEWEST_EACH = 4  # of packs into which a group is divided so that no core idles
_SHARE_OF_MEMORY = 0.5
_ACCELERATOR = attrgetter("accelerator")
_SPARSE_BYTES = 1_000  # one bag of words, as in benchmark.estimates

Pack = tuple[Trial, ...]


@dataclass(frozen=True, kw_only=True)
class Packs:
    """The trials of a launch, as packs and single trials.

    Args:
        packs: Packs, each of at least two trials.
        alone: All other trials.
        reasons: Why these are in no pack, with the number of trials for each reason.
    """

    packs: tuple[Pack, ...] = ()
    alone: tuple[Trial, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)

    def lines(self, *, says_why: bool = True) -> list[str]:
        """Return lines for a terminal: the packs by size, and each reason against them.

        Args:
            says_why: Give the reasons.

        >>> Packs(reasons={"there are too few": 3}).lines()
        ['alone       3 trials: there are too few']
        """
        sizes = Counter((trials[0].problem, len(trials)) for trials in self.packs)
        packs = [
            f"stacked     {_counted(count * size, 'trial')} of {problem} in "
            f"{_counted(count, 'pack')} of {size}, whose seconds are shares, not compared"
            for (problem, size), count in sizes.items()
        ]
        alone = [
            f"alone       {_counted(count, 'trial')}: {why}" for why, count in self.reasons.items()
        ]
        return [*packs, *alone] if says_why else packs


def packs_of(
    trials: Sequence[Trial], stack: Stack, *, at_once: int, free_bytes: float | None = None
) -> Packs:
    """Return how `trials` train: in packs of one problem, or alone.

    Trials of an optimizer by import path have packs of their own, torch's classes excepted. Trials
    that can be together are divided evenly, those of a seed side by side, into as many packs
    as run in parallel, or more if a pack would be too large.

    Args:
        trials: Trials to run, each once.
        stack: ``auto``, ``off``, or the most trials of a pack.
        at_once: Number of packs that run in parallel.
        free_bytes: Free memory for all packs that run in parallel; None to measure this machine's.
    """
    if stack == "off":
        return Packs(alone=tuple(trials))
    groups: dict[Hashable, list[Trial]] = {}
    reasons: dict[str, str] = {}
    for trial in trials:
        why = why_not_one(trial) or (_why_not_automatic(trial) if stack == "auto" else "")
        if why:
            reasons[trial.key] = why
        else:
            company = (shared(trial), _plug_in(trial.optimizer.name))
            groups.setdefault(company, []).append(trial)
    free = free_memory() if free_bytes is None else free_bytes
    packs: list[Pack] = []
    for group in groups.values():
        found, why = _packed(group, stack, at_once, _SHARE_OF_MEMORY * free, len(groups))
        packs += found
        packed = {trial.key for trial in chain.from_iterable(found)}
        reasons |= {trial.key: why for trial in group if trial.key not in packed}
    return Packs(
        packs=tuple(packs),
        alone=tuple(trial for trial in trials if trial.key in reasons),
        reasons=Counter(reasons[trial.key] for trial in trials if trial.key in reasons),
    )


def _packed(
    group: Sequence[Trial], stack: Stack, at_once: int, memory: float, num_groups: int
) -> tuple[list[Pack], str]:
    """Return the packs of trials that can be together, and why the others are alone."""
    fewest, most = (FEWEST, MOST) if stack == "auto" else (2, int(stack))
    problem = group[0].problem
    if len(group) < fewest:
        return [], f"too few trials of {problem} to train together: that takes {fewest} or more"
    fitting = _most_that_fit(group, most, memory / at_once)
    if fitting < min(fewest, _FEWEST_EACH):
        return [], f"too little free memory to train several trials of {problem} together"
    cores = max(1, at_once // num_groups)  # for this group, if each has as many
    full, small = len(group) // fewest, len(group) // _FEWEST_EACH
    count = max(min(at_once, full), min(cores, small), math.ceil(len(group) / fitting))
    packs = [pack for pack in _divided(group, count) if len(pack) > 1]
    return packs, f"left over from packs of {fitting} of {problem}"


def by_accelerator(trials: Iterable[Trial]) -> Iterator[tuple[str, list[Trial]]]:
    """Yield each accelerator with its trials: how many run in parallel depends on it."""
    for accelerator, own in groupby(sorted(trials, key=_ACCELERATOR), _ACCELERATOR):
        yield accelerator, list(own)


def joined(parts: Iterable[Packs]) -> Packs:
    """Return the packs and the single trials of several launches as those of one."""
    each = list(parts)
    reasons: Counter[str] = Counter()
    for part in each:
        reasons.update(part.reasons)
    return Packs(
        packs=tuple(chain.from_iterable(part.packs for part in each)),
        alone=tuple(chain.from_iterable(part.alone for part in each)),
        reasons=reasons,
    )


def halved(pack: Sequence[Trial], left: Sequence[Trial], why: str) -> tuple[list[Pack], str]:
    """Return the packs or single trials that are tried after a failure, and a line that says so.

    Args:
        pack: The trials of the pack that failed.
        left: Those of them that have no result; at least one.
        why: The reason of the failure.
    """
    half = (len(left) + 1) // 2
    parts = [part for part in (tuple(left[:half]), tuple(left[half:])) if part]
    words = " and ".join(str(len(part)) for part in parts)
    return parts, (
        f"NOTICE: a pack of {len(pack)} trials of {pack[0].problem} failed, because "
        f"{plain(why, 200)}; tried again as {words}"
    )


def sizes(packs: Packs) -> list[int]:
    """Return the numbers of trials of all packs."""
    return list(map(len, packs.packs))


def seconds_saved(packs: Packs, seconds: Callable[[Trial], float]) -> float:
    """Return the estimated seconds by which packs take less than their trials one by one.

    Args:
        packs: The packs. One of K trials takes as long as one of them at least.
        seconds: A function that returns the seconds of a trial alone.
    """
    return math.fsum(
        seconds(trial) * (1 - min(1.0, max(1 / (_gain(trial) or 1.0), 1 / len(pack))))
        for pack in packs.packs
        for trial in pack
    )


def _gain(trial: Trial) -> float:
    return MODELS[trial.model].stacked_gain if trial.accelerator == "cpu" else 0.0


def _why_not_automatic(trial: Trial) -> str:
    if not _gain(trial):
        return (
            f"{trial.model} on {trial.accelerator} is not known to gain time and keep its bits in "
            f"a pack; --stack {MOST} makes packs all the same"
        )
    if trial.threads != 1:
        return "bits in a pack are known to be those of a single trial with one thread only"
    return ""


def _plug_in(name: str) -> str:
    """Return the import path of a user's optimizer, "" for others.

    A user's class may keep state of its own in its class or in torch's settings. It shares its
    process with no others, which therefore have the bits that they have without it.
    """
    return name if is_import_path(name) and not name.startswith("torch.optim.") else ""


def _most_that_fit(group: Sequence[Trial], most: int, budget: float) -> int:
    """Return how many members a pack may have, 0 if none; each seed has its own copy of the data.

    It is only bounded by `most` on a GPU, whose free memory is unknown here: a pack for which it
    does not suffice fails, and is tried again in halves.
    """
    first = group[0]
    if first.accelerator != "cpu":
        return most
    row = DATASETS[first.dataset]
    example = _SPARSE_BYTES if row.sparse else 4 * math.prod(row.input_shape)
    data = sum(row.sizes) * example
    member = 1e6 * MODELS[first.model].stacked_megabytes
    seeds = len({trial.seed for trial in group})
    fitting = (k for k in range(most, 0, -1) if k * member + min(k, seeds) * data <= budget)
    return next(fitting, 0)


def _divided(group: Sequence[Trial], count: int) -> list[Pack]:
    ordered = sorted(group, key=lambda trial: trial.seed)
    cuts = [len(ordered) * k // count for k in range(count + 1)]
    return [tuple(ordered[start:end]) for start, end in pairwise(cuts)]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)
