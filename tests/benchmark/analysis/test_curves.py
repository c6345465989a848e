import itertools

import polars as pl
import pytest
from scipy import stats

from benchmark.analysis.curves import bands, both_bands, endings, lines, sparse, thin


def columns(frame, *names):
    return frame.select(names).rows()


def test_mean_band_of_two_seeds_is_known_on_paper(frames_of, log):
    frames = frames_of(log(values=[4.0, 1.0]), log(values=[6.0, 3.0], seed=1))
    band = bands(frames, "val/loss", "step")
    assert columns(band, "x", "center", "minimum", "maximum", "q25", "q75", "seeds") == [
        (0.0, 5.0, 4.0, 6.0, 4.5, 5.5, 2),
        (10.0, 2.0, 1.0, 3.0, 1.5, 2.5, 2),
    ]
    half = stats.t.ppf(0.975, 1)  # two values, 1 above and 1 below the mean: s/√n is 1
    assert band["low"].to_list() == pytest.approx([5 - half, 2 - half])
    assert band["high"].to_list() == pytest.approx([5 + half, 2 + half])
    assert set(band["method"]) == {"Student's t"}


def test_a_band_is_the_spread_and_not_the_mean_again(frames_of, log):
    seeds = [log(values=[100.0 + seed], seed=seed) for seed in range(3)]
    band = bands(frames_of(*seeds), "val/loss", "step")
    assert band["high"][0] - band["low"][0] == pytest.approx(2 * stats.t.ppf(0.975, 2) / 3**0.5)


@pytest.mark.parametrize("seeds", [3, 12])
def test_intervals_are_left_out_where_nobody_wants_them(frames_of, log, seeds):
    logs = [
        log(values=[3.0 * lr + seed, lr * seed], seed=seed, lr=lr)
        for lr in (0.1, 0.5)
        for seed in range(seeds)
    ]
    frames = frames_of(*logs)
    whole = both_bands(frames, "val/loss", "step")
    first = whole["variant"][0]
    part = both_bands(frames, "val/loss", "step", intervals_of=[first])
    ends = pl.selectors.ends_with("low", "high")
    assert part.drop(ends).equals(whole.drop(ends))
    wanted = pl.col("variant") == first
    assert part.filter(wanted).equals(whole.filter(wanted))
    assert part.filter(~wanted).select(ends.is_null().all()).row(0) == (True,) * 4


def test_median_band_of_six_seeds_runs_from_the_least_to_the_largest(frames_of, log):
    seeds = [log(values=[float(2**seed)], seed=seed) for seed in range(6)]
    band = bands(frames_of(*seeds), "val/loss", "step", center="median")
    assert columns(band, "center", "low", "high") == [(6.0, 1.0, 32.0)]


def test_a_running_loss_over_few_steps_is_left_out(frames_of, log):
    steps = {25: 3.0, 50: 2.0, 52: 9.0, 77: 1.0, 90: 0.5}  # 52 and 90 end an epoch
    rows = [{"step": step, "train/running_loss": loss} for step, loss in steps.items()]
    alone = [{"step": 3, "train/running_loss": 4.0}]
    frames = frames_of(log(rows=rows), log(rows=alone, seed=1))
    found = lines(frames, "train/running_loss", "step")
    assert columns(found, "seed", "x", "y") == [
        (0, 25.0, 3.0),
        (0, 50.0, 2.0),
        (0, 77.0, 1.0),
        (0, 90.0, 0.5),
        (1, 3.0, 4.0),
    ]


@pytest.mark.parametrize("count", [2, 7, 20, 50])
def test_fewer_points_of_a_running_loss_are_points_of_all(frames_of, log, count):
    steps = [104 * epoch + step for epoch in range(5) for step in (*range(10, 101, 10), 104)]
    rows = [{"step": step, "epoch": step / 104, "train/running_loss": 1.0} for step in steps]
    frames = frames_of(log(rows=rows))
    few, every = (
        set(lines(f, "train/running_loss", "step")["x"])
        for f in (sparse(frames, "train/running_loss", count), frames)
    )
    assert every == {step for step in steps if step % 104}
    assert few <= every
    assert len(few) == count


def test_one_seed_has_a_curve_and_no_interval(frames_of, log):
    band = bands(frames_of(log(values=[2.0])), "val/loss", "step")
    assert columns(band, "center", "low", "high", "method") == [(2.0, None, None, "too few seeds")]


def test_a_diverged_seed_is_never_padded_and_is_counted(frames_of, log):
    frames = frames_of(
        log(values=[4.0, 2.0, 1.0]),
        log(values=[4.0, 900.0], seed=1, status="diverged", reason="nan at step 15"),
    )
    band = bands(frames, "val/loss", "step")
    assert columns(band, "x", "center", "seeds", "diverged") == [
        (0.0, 4.0, 1, 1),
        (10.0, 2.0, 1, 1),
        (20.0, 1.0, 1, 1),
    ]
    assert columns(lines(frames, "val/loss", "step").filter(seed=1), "x", "y") == [
        (0.0, 4.0),
        (10.0, 900.0),
    ]
    assert columns(endings(frames, "val/loss", "step"), "seed", "reason", "x", "y") == [
        (1, "nan at step 15", 10.0, 900.0)
    ]


def test_a_seed_that_diverged_unobserved_still_has_an_ending(frames_of, log):
    frames = frames_of(log(values=[4.0]), log(seed=1, status="diverged"))
    assert columns(endings(frames, "val/loss", "epoch"), "seed", "x", "y") == [(1, None, None)]


def test_a_failed_trial_has_no_line(frames_of, log):
    frames = frames_of(log(values=[4.0]), log("adam", values=[4.0], status="failed"))
    assert set(lines(frames, "val/loss", "step")["optimizer"]) == {"sgd"}


def test_places_that_not_all_seeds_share_are_left_out_of_the_mean(frames_of, log):
    frames = frames_of(log(values=[4.0, 2.0, 1.0]), log(values=[6.0, 4.0], seed=1))
    assert columns(bands(frames, "val/loss", "step"), "x", "center") == [(0.0, 5.0), (10.0, 3.0)]


def test_over_seconds_a_curve_is_a_staircase_and_ends_with_its_first_seed(frames_of, log):
    fast, slow = (
        log(values=[8.0, 4.0, 2.0], pace=1.0),
        log(values=[10.0, 6.0, 2.0], seed=1, pace=1.5),
    )
    band = bands(frames_of(fast, slow), "val/loss", "train_seconds")
    assert columns(band, "x", "center", "minimum", "maximum") == [
        (0.0, 9.0, 8.0, 10.0),
        (1.0, 7.0, 4.0, 10.0),  # the slow seed holds its first value: no 7.33 in between
        (1.5, 5.0, 4.0, 6.0),
        (2.0, 4.0, 2.0, 6.0),  # the fast seed ends here
    ]


def test_no_value_over_seconds_is_invented(frames_of, log):
    seeds = [
        log(values=[float(100 * seed + i) for i in range(400)], seed=seed, pace=1 + seed / 7)
        for seed in range(3)
    ]
    frames = frames_of(*seeds)
    band = bands(frames, "val/loss", "train_seconds")
    assert band.height == 200
    observed = set(lines(frames, "val/loss", "train_seconds")["y"])
    assert set(band["minimum"]) | set(band["maximum"]) <= observed
    assert band["x"].to_list() == sorted(set(band["x"]))


def test_of_several_values_at_one_place_the_last_is_kept(frames_of, log):
    rows = [
        {"step": step, "epoch": 0, "samples": 0, "train_seconds": 0.0, "val/loss": value}
        for step, value in ((0, 5.0), (0, 4.0), (1, 3.0), (1, 2.0))
    ]
    frames = frames_of(log(rows=rows), log(rows=rows[:2], seed=1))
    assert columns(lines(frames, "val/loss", "step"), "seed", "x", "y") == [
        (0, 0.0, 4.0),
        (0, 1.0, 2.0),
        (1, 0.0, 4.0),
    ]


def test_samples_and_epochs_are_axes_too(frames_of, log):
    frames = frames_of(log(values=[2.0, 1.0]))
    assert lines(frames, "val/loss", "samples")["x"].to_list() == [0.0, 1280.0]
    assert lines(frames, "val/loss", "epoch")["x"].to_list() == [0.0, 1.0]
    with pytest.raises(ValueError, match="unknown axis 'hour'. Known: step, epoch"):
        lines(frames, "val/loss", "hour")


def test_a_metric_that_nobody_measured_gives_empty_tables(frames_of, log):
    frames = frames_of(log(values=[2.0]))
    assert lines(frames, "val/accuracy", "step").is_empty()
    band = bands(frames, "val/accuracy", "step")
    assert band.is_empty()
    assert band.columns == bands(frames, "val/loss", "step").columns


@pytest.mark.parametrize("count", [2, 3, 7, 99, 100, 101])
def test_thinning_keeps_both_ends_and_at_most_so_many_points_of_each_curve(count):
    frame = pl.DataFrame({"variant": ["a"] * 100 + ["b"] * 2, "x": [*range(100), 0, 1]})
    kept = thin(frame, count)
    long = kept.filter(variant="a")["x"].to_list()
    assert len(long) == min(count, 100)
    assert (long[0], long[-1]) == (0, 99)
    assert max(b - a for a, b in itertools.pairwise(long)) <= 99 // (count - 1) + 1
    assert kept.filter(variant="b")["x"].to_list() == [0, 1]


def test_thinning_below_the_two_ends_is_refused():
    with pytest.raises(ValueError, match="got count=1"):
        thin(pl.DataFrame({"variant": ["a"], "x": [0]}), 1)


def test_stacked_trials_have_curves_over_steps_but_none_over_seconds(frames_of, log):
    own = log(values=[2, 1], seed=0)
    shared = [
        log(values=[4, 3], seed=seed, status=status, environment={"stacked": 2})
        for seed, status in ((1, "done"), (2, "diverged"))
    ]
    frames = frames_of(own, *shared)
    assert set(lines(frames, "val/loss", "step")["seed"]) == {0, 1, 2}
    assert set(lines(frames, "val/loss", "train_seconds")["seed"]) == {0}
    [over_steps] = set(bands(frames, "val/loss", "step")["seeds"])
    [over_seconds] = set(bands(frames, "val/loss", "train_seconds")["seeds"])
    assert (over_steps, over_seconds) == (2, 1)
    assert set(bands(frames, "val/loss", "train_seconds")["diverged"]) == {0}
    assert endings(frames, "val/loss", "step").height == 1
    assert endings(frames, "val/loss", "train_seconds").height == 0
