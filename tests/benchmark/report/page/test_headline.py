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


def ahead_in_all(curve, seeds):
    return [
        one
        for seed in range(seeds)
        for one in (
            curve("adam", 0.1, 0.9 + seed / 1000, seed=seed),
            curve("sgd", 0.2, 0.8 - seed / 1000, seed=seed),
        )
    ]


def test_few_seeds_are_not_enough_whatever_the_numbers(headline_of, curve):
    found = headline_of(*ahead_in_all(curve, 5))
    assert found.claim.startswith(
        "adam lr=0.1 reached the lowest validation loss on logreg/digits: 0.1 "
    )
    assert "5 seeds" in found.claim
    assert found.evidence == (
        "Ahead of sgd lr=0.1 in 5 of 5 seeds, p = 0.062: too few seeds to conclude, 6 needed.",
    )


def test_six_seeds_all_ahead_show_a_difference(headline_of, curve):
    (sentence,) = headline_of(*ahead_in_all(curve, 6)).evidence
    assert sentence == "Ahead of sgd lr=0.1 in 6 of 6 seeds, p = 0.031: a significant lead."


def test_against_a_reference_only_that_is_compared(headline_of, curve):
    third = [curve("nesterov", 0.3, 0.7, seed=seed) for seed in range(6)]
    logs = [*ahead_in_all(curve, 6), *third]
    (sentence,) = headline_of(*logs, reference="sgd").evidence
    assert "corrected for 2 comparisons" in sentence
    assert len(headline_of(*logs).evidence) == 2


def test_a_winner_that_is_the_reference_is_still_the_one_ahead(headline_of, curve):
    (sentence,) = headline_of(*ahead_in_all(curve, 6), reference="adam").evidence
    assert sentence.startswith("Ahead of sgd lr=0.1 in 6 of 6 seeds")
    assert sentence.endswith("a significant lead.")


def test_one_optimizer_alone_is_said_to_be_alone(headline_of, curve):
    assert headline_of(curve("adam")).evidence == ("There is nothing to compare it with here.",)


def test_means_over_different_seeds_are_said_to_be(headline_of, curve):
    said = "Optimizers rest on 2 to 6 seeds"
    assert not any(said in words for words in headline_of(*ahead_in_all(curve, 6)).evidence)
    third = [curve("nesterov", 0.3, 0.7, seed=seed) for seed in (0, 1)]
    assert said in headline_of(*ahead_in_all(curve, 6), *third).evidence[-1]


def test_a_better_mean_with_a_diverged_seed_is_named(headline_of, curve):
    gone = [curve("nesterov", 0.05, seed=0), curve("nesterov", seed=1, status="diverged")]
    found = headline_of(*ahead_in_all(curve, 2), *gone)
    assert found.claim.startswith(
        "adam lr=0.1 reached the lowest validation loss on logreg/digits of those of which no seed "
        "diverged: 0.1 "
    )
    assert found.evidence[0] == "nesterov lr=0.1 reached 0.05 in 1 seed, but diverged in 1."


@pytest.mark.parametrize("reference", [None, "adam", "nesterov", "sgd"])
def test_equals_share_the_headline_and_are_compared_with_the_others_alone(
    headline_of, curve, reference
):
    logs = [curve("nesterov", 0.1, 0.9 + seed / 1000, seed=seed) for seed in range(6)]
    found = headline_of(*ahead_in_all(curve, 6), *logs, reference=reference)
    assert found.claim.startswith("nesterov lr=0.1 and adam lr=0.1 share the lowest")
    assert "6 seeds" in found.claim
    (sentence,) = found.evidence
    assert "is ahead of sgd lr=0.1 in 6 of 6 seeds" in sentence


def test_settings_of_one_problem_are_told_apart(study, log):
    store = study(*(log(values=[2.0, 1.0], epochs=epochs) for epochs in (5, 6)))
    findings = Findings(frames=read([store]))
    claims = [found.claim for found in headlines(findings)]
    assert "on logreg/digits, 5 epochs of batches of 128" in claims[0]
    assert "on logreg/digits, 6 epochs of batches of 128" in claims[1]


def test_if_all_diverge_nobody_is_best(headline_of, curve):
    found = headline_of(curve("adam", status="diverged"), curve("sgd", status="diverged"))
    assert found.claim == "On logreg/digits, no trial is done: there is nothing to compare."
