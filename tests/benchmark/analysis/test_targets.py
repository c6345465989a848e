import math
from dataclasses import replace

import pytest
from scipy import stats

from benchmark.analysis.targets import (
    Target,
    reaching,
    suggested_target,
    target_of,
    target_table,
    time_to_target,
)
from benchmark.problems import PROBLEMS


def times_of(frames, target=1.0, axis="step", metric="val/loss"):
    return time_to_target(frames, metric, target, axis)


def test_the_first_evaluation_that_reaches_the_target_counts(frames_of, log):
    frames = frames_of(log(values=[4.0, 2.0, 1.0, 3.0, 0.5], pace=1.5))
    for axis, expected in (
        ("step", 20.0),
        ("epoch", 2.0),
        ("samples", 2560.0),
        ("train_seconds", 3.0),
    ):
        assert times_of(frames, axis=axis)["time"].to_list() == [expected]


def test_an_accuracy_reaches_its_target_from_below(frames_of, log):
    frames = frames_of(log(values=[0.1, 0.5, 0.9], metric="val/accuracy"))
    assert times_of(frames, 0.5, metric="val/accuracy")["time"].to_list() == [10.0]


def test_another_metric_does_not_reach_the_target(frames_of, log):
    rows = [
        {
            "step": 0,
            "epoch": 0,
            "samples": 0,
            "train_seconds": 0.0,
            "train/loss": 0.1,
            "val/loss": 5.0,
        },
        {
            "step": 9,
            "epoch": 1,
            "samples": 9,
            "train_seconds": 1.0,
            "train/loss": 0.1,
            "val/loss": 1.0,
        },
    ]
    assert times_of(frames_of(log(rows=rows)))["time"].to_list() == [9.0]


def test_a_trial_that_never_reaches_it_is_censored_at_its_end(frames_of, log):
    times = times_of(frames_of(log(values=[4.0, 2.0])))
    assert times.select("time", "until").rows() == [(None, 10.0)]


def test_a_trial_that_reached_it_and_diverged_later_has_reached_it(frames_of, log):
    frames = frames_of(log(values=[4.0, 1.0, 9.0], status="diverged"))
    assert times_of(frames)["time"].to_list() == [10.0]


def test_failed_and_unmeasured_trials_say_nothing(frames_of, log):
    frames = frames_of(
        log(values=[1.0], status="failed"), log("adam", values=[1.0], metric="a/loss")
    )
    assert times_of(frames).is_empty()


def test_the_table_counts_who_reaches_it_and_gives_the_median_time(frames_of, log):
    reach = [log(values=[4.0] * n + [1.0], seed=n) for n in (1, 2, 3)]
    never = log(values=[4.0] * 4, seed=4)
    diverged = log(values=[4.0], seed=5, status="diverged")
    row = target_table(times_of(frames_of(*reach, never, diverged))).row(0, named=True)
    assert (row["seeds"], row["reached"], row["diverged"]) == (5, 3, 1)
    assert row["time"] == 30.0
    assert (row["low"], row["high"]) == (None, None)


def test_divergence_is_not_an_early_leave(frames_of, log):
    # If the diverged seed were only censored at its first step, the remaining half, which
    # reaches the target at step 20, would look like all seeds.
    frames = frames_of(
        log(values=[4.0, 4.0, 1.0]), log(values=[4.0], seed=1, status="diverged", epochs=20)
    )
    stairs = reaching(times_of(frames))
    assert stairs.select("x", "share").rows() == [(20.0, 0.5)]


def test_a_seed_that_ended_early_is_censored_by_kaplan_and_meier(frames_of, log):
    # Over seconds: reached at 1 and 3, ended unreached at 2. S = 2/3, then 2/3 · (1 − 1/1) = 0.
    frames = frames_of(
        log(values=[4.0, 1.0], pace=1.0),
        log(values=[4.0, 4.0], pace=2.0, seed=1),
        log(values=[4.0, 1.0], pace=3.0, seed=2),
    )
    stairs = reaching(times_of(frames, axis="train_seconds"))
    assert stairs["x"].to_list() == [1.0, 3.0]
    assert stairs["share"].to_list() == pytest.approx([1 / 3, 1.0])


def test_one_seed_that_is_watched_longest_does_not_speak_for_those_that_missed_it(frames_of, log):
    missed = [log(values=[4.0, 4.0], pace=1.0 + seed / 10, seed=seed) for seed in range(7)]
    frames = frames_of(*missed, log(values=[4.0, 1.0], pace=2.0, seed=7))
    row = target_table(times_of(frames, axis="train_seconds")).row(0, named=True)
    assert (row["reached"], row["seeds"]) == (1, 8)
    assert (row["time"], row["high"]) == (None, None)


def test_shares_and_their_interval_are_those_of_scipy(frames_of, log):
    seeds = [log(values=[4.0] * n + [1.0], seed=n) for n in range(1, 8)]
    stairs = reaching(times_of(frames_of(*seeds)))
    theirs = stats.ecdf([10.0 * n for n in range(1, 8)]).cdf
    assert stairs["share"].to_list() == pytest.approx([n / 7 for n in range(1, 8)])
    with pytest.warns(RuntimeWarning, match="undefined at some observations"):  # all reached it
        expected = theirs.confidence_interval(0.95, method="log-log").low.probabilities[:-1]
    assert stairs["low"].to_list()[:-1] == pytest.approx(expected)
    assert stairs["low"].to_list()[-1] is None


def test_the_median_of_seven_seeds_has_an_interval_around_it(frames_of, log):
    seeds = [log(values=[4.0] * n + [1.0], seed=n) for n in range(1, 8)]
    row = target_table(times_of(frames_of(*seeds))).row(0, named=True)
    assert row["time"] == 40.0
    assert 10.0 <= row["low"] < 40.0 < row["high"] <= 70.0


def reached_at(log, steps, missed=(), diverged=0):
    """Return logs of seeds that reach the target at `steps` or end without it at `missed`."""
    curves = [[4.0] * (step // 10) + [1.0] for step in steps]
    curves += [[4.0] * (step // 10 + 1) for step in missed]
    logs = [log(values=values, seed=seed) for seed, values in enumerate(curves)]
    seeds = range(len(logs), len(logs) + diverged)
    return logs + [log(values=[4.0], status="diverged", seed=seed) for seed in seeds]


@pytest.mark.parametrize(
    ("steps", "more", "expected"),
    [
        # Six seeds: smallest and largest, because 2 · ½⁶ = 3 % but 2 · 7 · ½⁶ = 22 %.
        ([20, 20, 20, 30, 30, 30], {}, (20, 20, 30)),
        ([20] * 6, {}, (20, 20, 20)),
        # Nine seeds: the second from either end, because 2 · (1 + 9) · ½⁹ = 3.9 %.
        ([10, 20, 30, 40, 50, 60, 70, 80, 90], {}, (50, 20, 80)),
        # Seeds that missed the target at the end, or diverged, count as the largest times.
        ([10, 20, 30, 40, 50, 60, 70], {"missed": [90, 90]}, (50, 20, None)),
        ([10, 20, 30, 40, 50, 60, 70, 80], {"diverged": 1}, (50, 20, 80)),
        ([10, 20], {"missed": [90] * 7}, (None, 20, None)),
        ([10], {"missed": [90] * 8}, (None, None, None)),
        ([20] * 5, {}, (20, None, None)),
    ],
)
def test_the_interval_of_a_median_time_is_between_two_seeds(frames_of, log, steps, more, expected):
    row = target_table(times_of(frames_of(*reached_at(log, steps, **more)))).row(0, named=True)
    assert (row["time"], row["low"], row["high"]) == expected


def test_with_seeds_lost_on_the_way_the_interval_is_brookmeyers_and_crowleys(frames_of, log):
    steps, lost = [10, 20, 40, 50, 60, 70, 80, 90], 30
    row = target_table(times_of(frames_of(*reached_at(log, steps, missed=[lost])))).row(
        0, named=True
    )
    # Greenwood's sum and the share that has not reached it, over those still watched.
    survival, greenwood, inside = 1.0, 0.0, []
    for step in steps[:-1]:
        watched = sum(other >= step for other in [*steps, lost])
        survival *= 1 - 1 / watched
        greenwood += 1 / (watched * (watched - 1))
        distance = math.log(-math.log(survival)) - math.log(-math.log(0.5))
        if abs(distance) <= stats.norm.ppf(0.975) * math.sqrt(greenwood) / abs(math.log(survival)):
            inside.append(step)
    assert row["time"] == 60.0  # where 7/9 · 5/6 · 4/5 · 3/4 = 7/18 are left; before it 14/27
    assert row["low"] == inside[0]
    assert row["high"] == steps[steps.index(inside[-1]) + 1]


def test_lost_seeds_leave_a_lower_end_even_where_all_others_agree(frames_of, log):
    logs = reached_at(log, [20] * 6, missed=[10])
    row = target_table(times_of(frames_of(*logs))).row(0, named=True)
    assert (row["time"], row["low"], row["high"]) == (20.0, 20.0, None)


def test_a_variant_that_never_reaches_it_stays_at_zero(frames_of, log):
    times = times_of(frames_of(log(values=[4.0, 3.0]), log(seed=1, status="diverged")))
    assert reaching(times).select("x", "share", "low", "high").rows() == [(0.0, 0.0, None, None)]
    row = target_table(times).row(0, named=True)
    assert (row["reached"], row["time"]) == (0, None)


def test_no_trials_give_empty_tables(frames_of, log):
    times = times_of(frames_of(log(values=[1.0])))
    assert target_table(times.clear()).columns == target_table(times).columns
    assert reaching(times.clear()).columns == reaching(times).columns


def test_half_of_the_optimizers_reach_the_suggested_target(scores_of):
    values = {
        "a lr=1": [0.1, 0.1, 0.1],
        "b lr=1": [0.20001, 0.3, 0.1],
        "b lr=2": [9.0],
        "c lr=1": [0.5],
        "d lr=1": [None],
    }
    assert suggested_target(scores_of(values)) == 0.201


def test_the_suggested_accuracy_is_rounded_down(scores_of):
    values = {"a": [0.98766], "b": [0.5]}
    assert suggested_target(scores_of(values, metric="val/accuracy")) == 0.987


def test_a_round_target_stays_what_it_is(scores_of):
    assert suggested_target(scores_of({"a": [0.25]})) == 0.25
    assert suggested_target(scores_of({"a": [1.1]})) == 1.1
    assert suggested_target(scores_of({"a": [0.0]})) == 0.0


def test_without_results_there_is_no_target_to_suggest(scores_of):
    assert suggested_target(scores_of({"a": [None], "b": [None, None]})) is None
    assert suggested_target(scores_of({"a": [1.0]}).clear()) is None


def test_a_target_comes_from_the_user_then_the_table_then_the_race(scores_of, monkeypatch):
    scores = scores_of({"a": [0.25], "b": [0.5]})
    row = replace(PROBLEMS["mlp/digits"], target=None)
    monkeypatch.setitem(PROBLEMS, "mlp/digits", row)
    assert target_of("mlp/digits", "val/loss", scores, {}) == Target(value=0.25, source="race")
    row = replace(PROBLEMS["mlp/digits"], target=0.125)
    monkeypatch.setitem(PROBLEMS, "mlp/digits", row)
    found = target_of("mlp/digits", "val/loss", scores, {})
    assert found == Target(value=0.125, source="table", epochs=row.workload.epochs)
    given = target_of("mlp/digits", "val/loss", scores, {"val/loss": 0.0})
    assert given == Target(value=0.0, source="given")
    for problem, metric in ("mine.Net/digits", "val/loss"), ("mlp/digits", "train/loss"):
        assert target_of(problem, metric, scores, {"test/loss": 1.0}).source == "race"
    assert target_of("mine.Net/digits", "val/loss", scores_of({"a": [None]}), {}) is None


def test_stacked_trials_have_no_time_in_seconds(frames_of, log):
    logs = [
        log(seed=0, values=[2, 1], environment={"stacked": 8}),
        log(seed=1, values=[2, 9], environment={"stacked": 8}, status="diverged"),
        log(seed=2, values=[2, 1]),
    ]
    frames = frames_of(*logs)
    assert times_of(frames, axis="train_seconds")["seed"].to_list() == [2]
    assert times_of(frames, axis="step")["seed"].to_list() == [0, 1, 2]
