import pytest

from benchmark.analysis.frame import read
from benchmark.report.findings import Findings
from benchmark.report.page.headline import headlines


@pytest.fixture
def headline_of(study):
    def make(*logs, reference=None):
        (only,) = headlines(Findings(frames=read([study(*logs)]), reference=reference))
        return only

    return make


def lower_in_all(curve, seeds):
    return [
        one
        for seed in range(seeds)
        for one in (
            curve("adam", 0.1, 0.9 + seed / 1000, seed=seed),
            curve("sgd", 0.2, 0.8 - seed / 1000, seed=seed),
        )
    ]


def test_the_lowest_mean_and_the_differences_from_it_are_said(headline_of, curve):
    found = headline_of(*lower_in_all(curve, 5))
    assert found.claim.startswith(
        "adam lr=0.1 reached the lowest validation loss on logreg/digits: 0.1\u00a0nats "
    )
    assert "5 seeds" in found.claim
    assert found.evidence == (
        "sgd lr=0.1: +0.1 [+0.1, +0.1]\u00a0nats in validation loss from adam lr=0.1, over 5 "
        "paired seeds.",
    )


def test_a_difference_says_over_how_many_seeds_it_is_where_some_diverged(headline_of, curve):
    lost = [curve("sgd", 0.2, 0.8, seed=seed, status="diverged") for seed in (1, 2)]
    adam = [curve("adam", 0.1, 0.9, seed=seed) for seed in range(3)]
    (sentence, *_) = headline_of(*adam, curve("sgd", 0.2, 0.8, seed=0), *lost).evidence
    assert sentence.endswith("over the 1 of 3 paired seeds in which neither diverged.")


@pytest.mark.parametrize("seeds", [1, 2, 5, 6, 12])
def test_differences_are_said_without_a_verdict(headline_of, curve, seeds):
    (sentence,) = headline_of(*lower_in_all(curve, seeds)).evidence
    assert sentence.startswith("sgd lr=0.1: +0.1")
    assert not any(word in sentence for word in ("significant", "ahead", "lead", "p ="))


def test_against_a_reference_only_that_is_compared(headline_of, curve):
    third = [curve("nesterov", 0.3, 0.7, seed=seed) for seed in range(6)]
    logs = [*lower_in_all(curve, 6), *third]
    (sentence,) = headline_of(*logs, reference="sgd").evidence
    assert sentence.startswith("sgd lr=0.1: +0.1 ")
    assert len(headline_of(*logs).evidence) == 2


def test_the_lowest_mean_may_be_the_reference(headline_of, curve):
    (sentence,) = headline_of(*lower_in_all(curve, 6), reference="adam").evidence
    assert sentence.startswith("sgd lr=0.1: +0.1 ")


def test_one_optimizer_alone_is_said_to_be_alone(headline_of, curve):
    assert headline_of(curve("adam")).evidence == ("There is nothing to compare it with here.",)


def test_means_over_different_seeds_are_said_to_be(headline_of, curve):
    said = "Optimizers rest on 2 to 6 seeds"
    assert not any(said in words for words in headline_of(*lower_in_all(curve, 6)).evidence)
    third = [curve("nesterov", 0.3, 0.7, seed=seed) for seed in (0, 1)]
    assert said in headline_of(*lower_in_all(curve, 6), *third).evidence[-1]


def test_a_better_mean_with_a_diverged_seed_is_named(headline_of, curve):
    gone = [curve("nesterov", 0.05, seed=0), curve("nesterov", seed=1, status="diverged")]
    found = headline_of(*lower_in_all(curve, 2), *gone)
    assert found.claim.startswith(
        "adam lr=0.1 reached the lowest validation loss on logreg/digits of those of which no seed "
        "diverged: 0.1\u00a0nats "
    )
    assert (
        found.evidence[0] == "nesterov lr=0.1 reached 0.05\u00a0nats in 1 seed, but diverged in 1."
    )


@pytest.mark.parametrize("reference", [None, "adam", "nesterov", "sgd"])
def test_equals_share_the_headline_and_are_compared_with_the_others_alone(
    headline_of, curve, reference
):
    logs = [curve("nesterov", 0.1, 0.9 + seed / 1000, seed=seed) for seed in range(6)]
    found = headline_of(*lower_in_all(curve, 6), *logs, reference=reference)
    assert found.claim.startswith("nesterov lr=0.1 and adam lr=0.1 share the lowest")
    assert "6 seeds" in found.claim
    (sentence,) = found.evidence
    assert sentence.startswith("sgd lr=0.1: +0.1 ")


def test_settings_of_one_problem_are_told_apart(study, log):
    store = study(*(log(values=[2.0, 1.0], epochs=epochs) for epochs in (5, 6)))
    findings = Findings(frames=read([store]))
    claims = [found.claim for found in headlines(findings)]
    assert "on logreg/digits, 5 epochs of batches of 128" in claims[0]
    assert "on logreg/digits, 6 epochs of batches of 128" in claims[1]


def test_if_all_diverge_nobody_is_best(headline_of, curve):
    found = headline_of(curve("adam", status="diverged"), curve("sgd", status="diverged"))
    assert found.claim == "On logreg/digits, no trial is done: there is nothing to compare."
