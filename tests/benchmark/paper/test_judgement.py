"""Verdicts on made-up curves, one kind of curve for each verdict."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from benchmark.analysis.paired import equivalence_p, t_p
from benchmark.paper.judgement import Evidence, judge_paper, measure
from benchmark.paper.quantities import quantity
from benchmark.paper.rules import (
    Changes,
    Claim,
    Contrast,
    Experiment,
    Rules,
    Series,
    Training,
    Variant,
)

EPOCHS = 8
SEEDS = 6
RELATIONS = ("lower by more than", "higher by less than", "within")


def _contrast(relation="lower by more than", margin=0.1, first="new", second="old"):
    return Contrast(first=first, relation=relation, margin=margin, second=second)


def _rules(*contrasts, claims=1, seeds=SEEDS, **claim):
    """Return rules with a claim, which has two variants, and `claims` - 1 others."""
    series = tuple(
        Series(name=name, optimizer="adam", rates=(0.1, 1.0)) for name in ("new", "old", "older")
    )
    experiment = Experiment(
        name="panel",
        figure="1",
        stated="-",
        chosen="-",
        epochs=EPOCHS,
        seeds=seeds,
        tuning_seeds=1,
        training=Training(problem="mlp/mnist"),
        series=series,
    )
    variants = (
        Variant(name="rates decay", changes=Changes(schedule="1/sqrt(step)")),
        Variant(name="training is short", changes=Changes(horizon=2)),
    )
    first = Claim(
        name="claim 0",
        experiment="panel",
        quotation="-",
        statement="-",
        contrasts=contrasts or (_contrast(),),
        variants=variants,
        **{"horizon": EPOCHS, "window": 2, **claim},
    )
    others = tuple(structs.replace(first, name=f"claim {i}", variants=()) for i in range(1, claims))
    return Rules(
        paper="-",
        source="-",
        alpha=0.05,
        widenings=0,
        experiments=(experiment,),
        claims=(first, *others),
    )


def _curve(end, seed, noise=0.01):
    """Return made-up costs that fall to `end`, with noise by seed."""
    shift = noise * np.random.default_rng([seed, round(1e6 * end)]).normal()
    return [end + shift + 2.0**-epoch for epoch in range(1, EPOCHS + 1)]


def _evidence(rules, variant="", epochs=EPOCHS, seeds=SEEDS, claim="claim 0", **ends):
    """Return evidence of made-up curves, by their end; a list has one for each seed."""
    which = next(each for each in rules.claims if each.name == claim)
    changed = next((each for each in which.variants if each.name == variant), None)
    values = {}
    for name, end in ends.items():
        each = end if isinstance(end, list) else [end] * seeds
        values[name] = {
            seed: None if one is None else quantity(which, _curve(one, seed), changed)
            for seed, one in enumerate(each)
        }
    return Evidence(claim=claim, variant=variant, epochs=epochs, values=values)


def _words(rules, *evidence):
    return judge_paper(rules, evidence)[0].words


# ---- each verdict


def test_holds():
    rules = _rules()
    found = judge_paper(rules, [_evidence(rules, new=0.2, old=0.5)])[0]
    assert found.words == "holds"
    [one] = found.finding.measured
    assert one.low < -0.3 < one.high
    assert found.finding.p < 0.001 < 0.999 < one.p_opposite


def test_does_not_hold_in_the_other_direction_or_if_the_difference_is_too_small():
    rules = _rules()
    assert _words(rules, _evidence(rules, new=0.5, old=0.2)) == "does not hold"
    assert _words(rules, _evidence(rules, new=0.45, old=0.5)) == (
        "does not hold with its margin (the difference has the claimed sign)"
    )
    assert _words(rules, _evidence(rules, new=0.5, old=0.5)) == "does not hold"
    alike = _rules(_contrast("higher by less than"))
    assert _words(alike, _evidence(alike, new=0.7, old=0.5)) == "does not hold"


def test_where_seeds_diverged_the_sign_of_the_others_says_nothing():
    rules = _rules(seeds=10)
    ends = [None] * 8 + [0.45] * 2
    found = _words(rules, _evidence(rules, seeds=10, new=ends, old=[0.5] * 10))
    assert found == "does not hold"


APART, REVERSED = {"new": 0.2, "old": 0.5}, {"new": 0.5, "old": 0.2}


@pytest.mark.parametrize(
    ("own", "others", "words"),
    [(APART, REVERSED, "holds, but not if"), (REVERSED, APART, "holds only if")],
)
def test_variants_with_the_opposite_result_are_named(own, others, words):
    rules = _rules()
    base = _evidence(rules, **own)
    decay = _evidence(rules, "rates decay", **others)
    short = _evidence(rules, "training is short", epochs=2, **others)
    assert _words(rules, base, decay) == f"{words} rates decay"
    assert _words(rules, base, short) == f"{words} training is short"
    assert _words(rules, base, short, decay) == f"{words} rates decay or if training is short"


def test_not_testable_with_this_horizon_whatever_a_variant_shows():
    rules = _rules()
    early = _evidence(rules, epochs=2, new=0.2, old=0.5)
    short = _evidence(rules, "training is short", epochs=2, new=0.2, old=0.5)
    assert _words(rules, early) == "not testable with this horizon (2 of 8 epochs)"
    found = judge_paper(rules, [early, short])[0]
    assert found.words == "not testable with this horizon (2 of 8 epochs)"
    assert [each.is_shown for each in found.variants] == [False, True]


def test_not_testable_until_rates_can_be_chosen():
    rules = _rules(horizon=2, chosen_at=5)
    early = _evidence(rules, epochs=3, new=0.2, old=0.5)
    assert _words(rules, early) == "not testable with this horizon (3 of 5 epochs)"


def test_not_testable_with_fewer_seeds_than_declared():
    rules = _rules()
    few = _evidence(rules, seeds=4, new=0.2, old=0.5)
    assert _words(rules, few) == "not testable with 4 seeds (6 declared)"


def test_seeds_beyond_the_declared_ones_do_not_count():
    rules = _rules()
    more = _evidence(rules, new=[0.2] * 6 + [9.0] * 6, old=[0.5] * 12)
    alone = _evidence(rules, new=0.2, old=0.5)
    assert judge_paper(rules, [more]) == judge_paper(rules, [alone])


def test_not_testable_without_an_optimizer_or_any_run():
    rules = _rules()
    assert _words(rules) == "not testable without runs"
    assert _words(rules, _evidence(rules, new=0.2)) == "not testable without old"


def test_not_testable_if_neither_the_claim_nor_its_opposite_is_shown():
    rules = _rules()
    at_margin = _evidence(rules, new=[0.3, 0.5] * 3, old=0.5)
    assert _words(rules, at_margin) == "not testable with 6 seeds (neither shown nor refuted)"
    decay = _evidence(rules, "rates decay", new=0.2, old=0.5)
    assert _words(rules, at_margin, decay).startswith("not testable")


# ---- divergence


def test_divergence_is_worst():
    rules = _rules()
    found = judge_paper(rules, [_evidence(rules, new=0.2, old=[None] * SEEDS)])[0]
    assert found.words == "holds"
    [one] = found.finding.measured
    assert (one.worst, one.second_worst, one.difference) == (0, SEEDS, None)
    assert one.p == 0.5**SEEDS
    gone = _evidence(rules, new=[None] * SEEDS, old=9.0)
    assert _words(rules, gone) == "does not hold"


def test_both_diverged_in_every_seed_shows_no_advantage():
    rules = _rules(_contrast(margin=0.0))
    both = _evidence(rules, new=[None] * SEEDS, old=[None] * SEEDS)
    assert _words(rules, both) == "not testable with 6 seeds (neither shown nor refuted)"


@pytest.mark.parametrize("relation", ["within", "higher by less than"])
def test_two_that_diverged_are_not_alike(relation):
    rules = _rules(_contrast(relation=relation, margin=0.1))
    ends = [0.2, None, *[0.2] * (SEEDS - 2)]
    found = _words(rules, _evidence(rules, new=ends, old=ends))
    assert found == "not testable with 1 seed in which neither has a value"


def test_ranks_of_few_seeds_can_show_nothing():
    rules = _rules(seeds=3)
    found = _words(rules, _evidence(rules, seeds=3, new=0.2, old=[None] * 3))
    assert found == (
        "not testable with 3 seeds, some of which diverged (no p could be small enough)"
    )
    assert _words(rules, _evidence(rules, seeds=3, new=0.2, old=0.5)) == "holds"


def test_the_number_of_claims_decides_how_many_seeds_ranks_take():
    words = {}
    for claims in (1, 2):
        rules = _rules(claims=claims)
        words[claims] = _words(rules, _evidence(rules, new=0.2, old=[None] * SEEDS))
    assert words[1] == words[2] == "holds"  # 2 × ½⁶ = 3.1 %
    rules = _rules(claims=4)
    few = _words(rules, _evidence(rules, new=0.2, old=[None] * SEEDS))
    assert few == (  # 4 × ½⁶ = 6.3 %
        "not testable with 6 seeds, some of which diverged (no p could be small enough)"
    )


# ---- conjunctions and corrections


def test_a_conjunction_holds_only_if_all_of_it_does():
    rules = _rules(_contrast(), _contrast(second="older"))
    assert _words(rules, _evidence(rules, new=0.2, old=0.5, older=0.5)) == "holds"
    assert _words(rules, _evidence(rules, new=0.2, old=0.5, older=0.2)) == "does not hold"


def test_claims_without_runs_count_in_the_correction():
    alone, among = _rules(), _rules(claims=10)
    p = [judge_paper(r, [_evidence(r, new=0.2, old=0.5)])[0].finding.p for r in (alone, among)]
    assert p[1] == pytest.approx(10 * p[0])


def test_a_best_rate_at_an_edge_is_noted():
    rules = _rules()
    evidence = replace(_evidence(rules, new=0.2, old=0.5), at_edge=("old", "older"))
    note = judge_paper(rules, [evidence])[0].finding.note
    assert note == "best rate at an end of its grid: old"


def test_wrong_evidence_is_refused():
    rules = _rules(scale="log10")
    good = _evidence(rules, new=0.2, old=0.5)
    with pytest.raises(ValueError, match="unknown claim 'clame 0'. Did you mean 'claim 0'"):
        judge_paper(rules, [replace(good, claim="clame 0")])
    with pytest.raises(ValueError, match="unknown variant of claim 0 'rates decoy'"):
        judge_paper(rules, [replace(good, variant="rates decoy")])
    with pytest.raises(ValueError, match="evidence once, got it twice for claim 0$"):
        judge_paper(rules, [good, good])
    for value in (math.nan, math.inf, 0.0, -1.0):
        bad = replace(good, values={**good.values, "old": {0: value}})
        with pytest.raises(ValueError, match="positive finite value of old with seed 0"):
            judge_paper(rules, [bad])


# ---- generated numbers

FINITE = st.floats(0.01, 10.0, allow_nan=False)
VALUE = st.one_of(FINITE, st.none())
PAIRS = st.lists(st.tuples(VALUE, VALUE), min_size=2, max_size=8)
MARGINS = st.floats(0.01, 3.0)
SCALES = st.sampled_from(["linear", "log10"])


def _measure(pairs, relation, margin, scale="linear"):
    values = {
        name: dict(enumerate(each))
        for name, each in zip(("new", "old"), zip(*pairs, strict=True), strict=True)
    }
    return measure(_contrast(relation, margin), values, scale)


@given(pairs=PAIRS, relation=st.sampled_from(RELATIONS), margin=MARGINS, scale=SCALES)
def test_a_contrast_and_its_opposite_are_never_both_shown(pairs, relation, margin, scale):
    one = _measure(pairs, relation, margin, scale)
    assert 0 <= one.p <= 1
    assert 0 <= one.p_opposite <= 1
    assert max(one.p, one.p_opposite) >= 0.5
    assert one.p >= one.smallest_p


@given(pairs=PAIRS, margin=MARGINS)
def test_a_larger_margin_is_never_easier_to_exceed(pairs, margin):
    less, more = (_measure(pairs, "lower by more than", m) for m in (margin, 2 * margin))
    if not (less.worst or less.second_worst):
        assert more.p >= less.p - 1e-12 or less.p > 0.5


@given(pairs=st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=8), margin=MARGINS)
def test_within_is_the_suites_test_of_equivalence(pairs, margin):
    one = _measure(pairs, "within", margin)
    gain = np.array([old - new for new, old in pairs])
    if np.ptp(gain) > 1e-6:
        assert one.p == pytest.approx(float(equivalence_p(gain, margin)), abs=1e-9)


@given(pairs=st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=8))
def test_without_a_margin_p_is_half_of_the_suites_t_test(pairs):
    one = _measure(pairs, "lower by more than", 0.0)
    gain = np.array([old - new for new, old in pairs])
    if np.ptp(gain) > 1e-6 and gain.mean() > 0:
        assert one.p == pytest.approx(float(t_p(gain)) / 2, abs=1e-9)


@settings(max_examples=50)
@given(new=FINITE, old=FINITE, margin=MARGINS, relation=st.sampled_from(RELATIONS))
def test_clear_curves_get_the_verdict_of_their_ends(new, old, margin, relation):
    rules = _rules(_contrast(relation, margin))
    is_true = {
        "lower by more than": old - new > margin,
        "higher by less than": new - old < margin,
        "within": abs(new - old) < margin,
    }[relation]
    distance = min(abs(abs(new - old) - margin), abs(old - new - margin), abs(new - old - margin))
    words = _words(rules, _evidence(rules, new=new, old=old))
    if distance > 0.2:  # 20 times the noise of a seed
        assert words.startswith("holds" if is_true else "does not hold")


# ---- quantities


@given(costs=st.lists(st.floats(0.0, 5.0), min_size=EPOCHS, max_size=EPOCHS))
def test_quantities_are_means_of_the_last_epochs_or_the_first_below_a_level(costs):
    [claim] = _rules().claims
    assert quantity(claim, costs) == pytest.approx(sum(costs[-2:]) / 2)
    assert quantity(claim, costs, claim.variants[1]) == pytest.approx(sum(costs[:2]) / 2)
    [level] = _rules(window=1, level=1.0).claims
    below = [epoch for epoch, cost in enumerate(costs, 1) if cost <= 1.0]
    assert quantity(level, costs) == (below[0] if below else None)


@pytest.mark.parametrize("costs", [[1.0] * (EPOCHS - 1), [1.0] * (EPOCHS - 1) + [math.inf]])
def test_a_trial_that_diverged_has_no_quantity(costs):
    [claim] = _rules().claims
    assert quantity(claim, costs) is None
