"""All pairs of the optimizers of a problem, in words and as a table in Markdown."""

from collections.abc import Callable

from benchmark.analysis.judging import Judgement
from benchmark.analysis.pairs import Pair, all_pairs, is_exact
from benchmark.metrics import metric_words
from benchmark.obstacles import level_of, level_words
from benchmark.report.differences import difference_alone
from benchmark.report.markdown_text import as_text, table
from benchmark.report.verdict_sentences import title_of
from benchmark.report.verdicts import short_p, shown_word
from benchmark.report.words import NO_BREAK, counted

Name = Callable[[str], str]
_NONE = "–"


def pairs_note(judgement: Judgement, name: Name = str) -> str:
    """Return what the numbers of all pairs mean and what they add to the verdicts."""
    declaration = judgement.declaration
    seeds, stages = len(declaration.seeds), declaration.stages
    metric = metric_words(declaration.confirmatory)
    signs = "all sign flips" if is_exact(judgement) else "a fixed sample of 4,096 sign flips"
    smallest = 2 * 0.5**seeds
    limit = (
        f" With {counted(seeds, 'seed')} it is never below {short_p(smallest)}, so that only "
        "verdicts say better or worse."
        if smallest > level_of(stages)
        else ""
    )
    return (
        f"Each difference is the first optimizer − the second in {metric}, with its "
        f"95{NO_BREAK}% interval, and p is that of sign-flip max-T over all pairs of the problem "
        f"({signs} of the {counted(seeds, 'seed')}).{limit} Pairs with {name(judgement.reference)} "
        "have the verdict of the family that was declared, whatever this p is. The others were not "
        f"declared: their words, at p ≤ {level_words(stages)}, are exploratory and say only how "
        "these optimizers compare with each other."
    )


def pair_title(pair: Pair) -> str:
    """Return the two optimizers: "sgd − momentum"."""
    return f"{pair.verdict.optimizer} − {pair.verdict.reference}"


def pair_difference(judgement: Judgement, pair: Pair) -> str:
    """Return the signed difference with its interval and unit, and the number of diverged seeds."""
    one = pair.verdict
    words = difference_alone(judgement, one)
    diverged = f"{one.diverged} and {one.reference_diverged} of {counted(one.n, 'seed')} diverged"
    return words + f" ({diverged})" * bool(one.diverged or one.reference_diverged)


def pair_word(pair: Pair) -> str:
    """Return the word on a pair and the family that it is from."""
    family = "verdict" if pair.is_confirmatory else "exploratory"
    word = shown_word(pair.verdict.word)
    return word if pair.verdict.word == "untuned" else f"{word} ({family})"


def pair_p(pair: Pair) -> str:
    """Return p of a difference by max-T, none where no verdict may be given."""
    return _NONE if pair.verdict.word == "untuned" else short_p(pair.verdict.p)


def pair_table(judgement: Judgement) -> str:
    """Return all pairs as a table in Markdown; empty where `all_pairs` has none."""
    rows = [
        [
            title_of(judgement, pair.verdict.setting),
            pair_title(pair),
            pair_difference(judgement, pair),
            pair_word(pair),
            pair_p(pair),
        ]
        for pair in all_pairs(judgement)
    ]
    header = ["problem", "pair", "difference [95 % interval]", "word", "p, max-T"]
    return f"{pairs_note(judgement, as_text)}\n\n{table(header, rows)}" if rows else ""
