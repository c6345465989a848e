from types import SimpleNamespace

import polars as pl
import pytest

from benchmark.errors import UsageError
from benchmark.report.given_targets import check_targets
from benchmark.report.studies import read_studies

PROBLEMS = ("logreg/digits", "charlm/manual", "image/china")
BITS = "charlm/manual:val/loss"


@pytest.fixture(scope="module")
def found(studied_once):
    """Return the findings on problems of three tasks, two of which have a loss in nats."""
    stores = [
        studied_once(problem=each, name=each.replace("/", "-"), seeds=1, metrics=["val/loss"])
        for each in PROBLEMS
    ]
    return read_studies(stores).findings


def targets_of(findings):
    targets = findings.metrics["val/loss"].targets
    return {findings.settings[name].problem: target for name, target in targets.items()}


def test_a_target_of_one_problem_is_its_own_and_comes_before_that_of_all(found):
    own = {f"{each}:val/loss": 0.25 + place for place, each in enumerate(PROBLEMS)}
    given = targets_of(found(targets={"val/loss": 9.0} | own))
    assert [given[each].value for each in PROBLEMS] == [0.25, 1.25, 2.25]
    only = targets_of(found(targets={BITS: 0.7}))
    assert only["charlm/manual"].source == "given"
    assert {only[each].source for each in PROBLEMS if each != "charlm/manual"} == {"table"}


def test_a_target_of_several_units_is_refused_with_one_for_each_problem(found):
    with pytest.raises(UsageError) as error:
        found(targets={"val/loss": 0.5})
    words = str(error.value)
    assert "nats on logreg/digits" in words
    assert "none on image/china" in words
    assert "--target logreg/digits:val/loss=VALUE" in words
    found(targets={"val/loss": 0.5, "image/china:val/loss": 0.01})  # the rest has one unit


def test_a_target_of_a_problem_without_a_trial_names_those_there_are(found):
    with pytest.raises(UsageError, match=r"no trial here is of mlp/digits\. Problems: logreg/dig"):
        found(targets={"mlp/digits:val/loss": 0.5})


def test_a_target_of_a_problem_that_does_not_measure_it_is_refused():
    with pytest.raises(UsageError, match=r"no trial of image/china has val/bits_per_character"):
        check_targets({"image/china:val/bits_per_character": 1.0}, frames_of_bits())


def frames_of_bits():
    trials = pl.DataFrame(
        {
            "problem": ["charlm/manual", "image/china"],
            "val/bits_per_character": [2.0, None],
            "val/loss": [1.0, 0.1],
        }
    )
    return SimpleNamespace(trials=trials, metrics=["val/bits_per_character", "val/loss"])


@pytest.mark.parametrize(
    "problem", ["mine.Net/digits", "mlp/mine.Data", "path/to/net.py:Net/digits"]
)
def test_a_network_or_data_of_ones_own_have_no_other_unit(problem):
    trials = pl.DataFrame({"problem": ["mlp/digits", problem], "val/loss": [1.0, 1.0]})
    check_targets({"val/loss": 0.5}, SimpleNamespace(trials=trials, metrics=["val/loss"]))


def test_a_target_from_the_table_says_of_how_many_epochs_it_is(found):
    from benchmark.problems import PROBLEMS as TABLE
    from benchmark.report.race_words import target_words

    for name, target in targets_of(found()).items():
        assert f"of the problem's {TABLE[name].workload.epochs} epochs" in target_words(target)
