"""Profile scores compared with AlgoPerf's v0.5 leaderboard, external tuning, from its times.

Times are from the logs in previous_leaderboards/algoperf_v05/logs of
mlcommons/submissions_algorithms (Apache-2.0) at commit 12c8e4ea93dc41a1ff6abc3debba9accd8ac1e3a,
after the scoring rules that precede the profile. The published scores are from
previous_leaderboards/algoperf_v05/README.md there.
"""

import math
from pathlib import Path

import polars as pl
import pytest

from benchmark.analysis.profiles import comparable, profile, profile_scores, ratios

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def algoperf():
    frame = pl.read_csv(
        DATA / "algoperf_v05_times.csv", schema_overrides={"seconds_to_target": pl.Float64}
    )
    return frame.select(optimizer="submission", setting="workload", time="seconds_to_target")


@pytest.fixture
def times_of():
    def make(table):
        rows = [(o, s, t) for o, times in table.items() for s, t in times.items()]
        schema = {"optimizer": pl.String, "setting": pl.String, "time": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    return make


def test_the_scores_are_the_eleven_that_algoperf_published(algoperf):
    published = dict(pl.read_csv(DATA / "algoperf_v05_scores.csv").iter_rows())
    found = dict(profile_scores(algoperf).select("optimizer", "score").iter_rows())
    assert len(published) == 11
    assert {name: round(score, 4) for name, score in found.items()} == published


def test_scores_come_best_first(algoperf):
    found = profile_scores(algoperf)["score"].to_list()
    assert found == sorted(found, reverse=True)


def test_the_sum_and_the_integral_differ_as_little_as_is_said(algoperf):
    found = profile_scores(algoperf)
    assert 0.001 < (found["score"] - found["exact"]).abs().max() < 0.002


def test_missing_rows_count_as_unreached(algoperf):
    # Nobody reached imagenet_resnet; every submission and every workload keeps at least one row.
    kept = pl.col("time").is_finite() | pl.col("setting").is_in(["wmt", "imagenet_resnet"])
    fewer = algoperf.filter(kept)
    assert fewer.height < algoperf.height
    found = dict(profile_scores(fewer).select("optimizer", "score").iter_rows())
    assert found == pytest.approx(
        dict(profile_scores(algoperf).select("optimizer", "score").iter_rows())
    )


def test_ratios_and_exact_score_are_known_on_paper(times_of):
    times = times_of({"a": {"x": 10.0, "y": 30.0}, "b": {"x": 20.0, "y": None}})
    assert ratios(times).rows() == [
        ("a", "x", 1.0),
        ("a", "y", 1.0),
        ("b", "x", 2.0),
        ("b", "y", math.inf),
    ]
    assert profile_scores(times).select("optimizer", "exact").rows() == [
        ("a", 1.0),
        ("b", pytest.approx((4 - 2) / 3 / 2)),
    ]


def test_the_profile_rises_where_a_ratio_lies(times_of):
    times = times_of({"a": {"x": 10.0, "y": 30.0}, "b": {"x": 20.0, "y": 150.0}})
    assert profile(times).rows() == [
        ("a", 1.0, 1.0),
        ("a", 4.0, 1.0),
        ("b", 1.0, 0.0),
        ("b", 2.0, 0.5),
        ("b", 4.0, 0.5),
    ]


def test_a_setting_that_nobody_masters_still_divides(times_of):
    times = times_of({"a": {"x": 10.0, "y": None}, "b": {"x": 10.0, "y": None}})
    assert profile_scores(times)["exact"].to_list() == [0.5, 0.5]


def test_a_target_met_before_the_first_step_is_a_ratio_of_one(times_of):
    times = times_of({"a": {"x": 0.0}, "b": {"x": 5.0}})
    assert ratios(times)["ratio"].to_list() == [1.0, math.inf]


def test_two_variants_of_one_optimizer_are_refused(times_of):
    times = times_of({"a": {"x": 1.0}})
    with pytest.raises(ValueError, match="a has several times in x"):
        ratios(times.vstack(times))


def test_nothing_has_an_empty_profile(times_of):
    assert profile(times_of({})).is_empty()
    assert profile_scores(times_of({})).is_empty()


def table_of(num_settings, seeds=5, missing=()):
    pairs = [(o, s) for s in range(num_settings) for o in "ab" if (o, s) not in missing]
    return pl.DataFrame(
        {
            "optimizer": [o for o, _ in pairs],
            "setting": [str(s) for _, s in pairs],
            "seeds": [seeds] * len(pairs),
            "time": [1.0] * len(pairs),
        }
    )


@pytest.mark.parametrize(
    ("table", "settings"),
    [
        (table_of(5), 5),
        (table_of(7), 7),
        (table_of(4), 0),
        (table_of(9, seeds=4), 0),
        (table_of(6, missing=[("b", 2)]), 5),
        (table_of(5, missing=[("b", 2)]), 0),
        (table_of(0), 0),
    ],
)
def test_profiles_are_over_settings_that_all_ran_if_there_are_enough(table, settings):
    kept = comparable(table)
    assert kept["setting"].n_unique() == settings
    assert kept.height == 2 * settings
    assert profile(kept)["optimizer"].n_unique() == (2 if settings else 0)


def test_one_optimizer_with_too_few_seeds_takes_its_setting_out_of_the_profiles():
    table = table_of(6).with_columns(
        seeds=pl.when(optimizer="a", setting="3").then(4).otherwise("seeds")
    )
    assert sorted(set(comparable(table)["setting"])) == ["0", "1", "2", "4", "5"]
