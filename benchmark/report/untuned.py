"""Sentences on a setting that was not tuned: the lowest mean, lower ones passed over, comparisons.

Every form of a report takes its sentences from here. The argument `name` escapes names if needed.
"""

from collections.abc import Callable, Sequence

from benchmark.analysis.compare import Comparison
from benchmark.metrics import higher_is_better, metric_of, metric_words
from benchmark.report.claims import Claim, Spread
from benchmark.report.differences import unit_words
from benchmark.report.findings import SettingFindings
from benchmark.report.units import value_on
from benchmark.report.words import (
    NO_BREAK,
    PICKED,
    counted,
    together,
    value_words,
)

_RIVALS = 2  # rivals named in sentences; the leaderboard has all
Name = Callable[[str], str]


def claim_sentence(claim: Claim, *, has_spread: bool, name: Name = str) -> str:
    """Return the sentence that names the best optimizer and its value, or says that there is none.

    Args:
        claim: The result of one setting.
        has_spread: Add the interval and the number of seeds; not needed beside a table.
        name: Escapes a name for the form of the report.

    >>> best = Claim(title="mlp/mnist", metric="val/loss", names=("adam",), value=0.125)
    >>> claim_sentence(best, has_spread=False)
    'adam reached the lowest validation loss on mlp/mnist: 0.125.'
    """
    title = name(claim.title)
    if not claim.names and claim.is_any_done:
        return f"On {title}, every optimizer has a seed that diverged: no mean is compared."
    if not claim.names:
        return f"On {title}, no trial is done: there is nothing to compare."
    names = [name(each) for each in claim.names]
    best = _best(names, claim.metric, title, among_steady=bool(claim.passed))
    spreads = {_spread(claim.metric, each): None for each in claim.spreads}
    how = f" ({next(iter(spreads))})" if has_spread and len(spreads) == 1 else ""
    test = f"{';' * has_spread or ','} {_test(claim)}" if claim.test_values else ""
    return f"{best}: {_value(claim, claim.value)}{how}{test}."


def _test(claim: Claim) -> str:
    values = dict.fromkeys(
        value_on(claim.problem, claim.test_metric, each) for each in claim.test_values
    )
    return f"{metric_words(claim.test_metric)} {together(list(values))}"


def _value(claim: Claim, value: float | None) -> str:
    return value_on(claim.problem, claim.metric, value)


def passed_over_sentences(claim: Claim, name: Name = str) -> list[str]:
    """Return why variants with a better mean than the best are not the best."""
    return [
        f"{name(one.label)} reached {_value(claim, one.mean)} in {counted(one.seeds, 'seed')}, but "
        f"diverged in {one.diverged}."
        for one in claim.passed
    ]


def rival_sentences(setting: SettingFindings) -> list[str]:
    """Return the differences of the nearest rivals from the lowest or highest mean; no verdicts."""
    family = setting.findings.metrics[setting.claim.metric].families["final"].get(setting.name, [])
    if not family:
        return ["There is nothing to compare it with here."]
    board = setting.board(setting.claim.metric)
    board = board.filter(board["variant"].is_in(setting.chosen))
    labels, winner, rivals = setting.findings.labels, *_rivals(setting.winners, family)
    order = {variant: place for place, variant in enumerate(board["variant"])}
    closest_first = sorted(rivals, key=lambda each: order[each[0]])
    sentences = [
        _rival_sentence(labels[winner], labels[rival], one, setting.problem, is_first=is_first)
        for rival, is_first, one in closest_first[:_RIVALS]
    ]
    seeds = (board["seeds"] + board["diverged"]).to_list()
    if min(seeds) < max(seeds):
        sentences.append(
            f"Optimizers rest on {min(seeds)} to {max(seeds)} seeds: their means may differ by the "
            "seeds alone."
        )
    return sentences


_Rival = tuple[str, bool, Comparison]  # variant; whether the comparison's variant is the winner


def _rivals(winners: Sequence[str], family: Sequence[Comparison]) -> tuple[str, list[_Rival]]:
    """Return one of `winners` and its comparisons with all variants that did not win.

    If several are equal, the winner with most comparisons is taken: it may be the reference.
    """
    pairs = [(one.variant, one.reference) for one in family]
    winner = max(winners, key=lambda each: sum(each in pair for pair in pairs))
    own = [
        (b if a == winner else a, a == winner, one)
        for (a, b), one in zip(pairs, family, strict=True)
        if winner in (a, b)
    ]
    return winner, [each for each in own if each[0] not in winners]


def _rival_sentence(
    winner: str, rival: str, one: Comparison, problem: str, *, is_first: bool
) -> str:
    """Return how far a rival lies from the lowest or highest mean, with its interval."""
    if one.pairs == 0:
        return f"{rival} shares no seed with {winner}: they cannot be compared."
    if one.difference is None:
        return f"{rival} and {winner} share no seed in which both are done."
    sign = -1 if is_first else 1
    metric, difference = one.metric, one.difference
    words = _signed(metric, sign * difference.estimate)
    if difference.low is not None and difference.high is not None:
        low, high = sorted(sign * end for end in (difference.low, difference.high))
        words += f" [{_signed(metric, low)}, {_signed(metric, high)}]"
    seeds = counted(one.pairs, "paired seed")
    if difference.seeds < one.pairs:
        seeds = f"the {difference.seeds} of {seeds} in which neither diverged"
    return (
        f"{rival}: {words}{unit_words(metric, problem)} in {metric_words(metric)} from {winner}, "
        f"over {seeds}."
    )


def _signed(metric: str, difference: float) -> str:
    return f"{difference * metric_of(metric).unit.factor:+.3g}".replace("-", "−")


def _best(names: Sequence[str], metric: str, title: str, *, among_steady: bool) -> str:
    """Return the beginning of a sentence on the best optimizers; the value follows.

    >>> _best(["adam", "sgd"], "val/accuracy", "mlp/mnist", among_steady=False)
    'adam and sgd share the highest validation accuracy on mlp/mnist'
    """
    superlative = "highest" if higher_is_better(metric) else "lowest"
    verb = "reached" if len(names) == 1 else "share"
    among = " of those of which no seed diverged" * among_steady
    return f"{together(names)} {verb} the {superlative} {metric_words(metric)} on {title}{among}"


def _spread(metric: str, spread: Spread) -> str:
    seeds = counted(spread.seeds, "seed")
    if spread.low is None:
        return seeds
    low, high = (value_words(metric, end) for end in (spread.low, spread.high))
    return f"95{NO_BREAK}% interval {low} to {high}, {seeds}, {PICKED}"
