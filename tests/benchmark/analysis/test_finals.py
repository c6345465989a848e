import random

import numpy as np
import pytest
from scipy import stats

from benchmark.analysis import frame
from benchmark.analysis.finals import best_variants, leaderboard, only, passed_over, scores, winners
from benchmark.analysis.summary import in_order, summarize
from benchmark.store import Store


def value(frames, metric="val/loss", **options):
    (found,) = scores(frames, metric, **options)["value"]
    return found


@pytest.fixture
def dipping(frames_of, log):
    """A loss that dips and rises again: 4, 1, 3 at steps 0, 10, 20."""
    return frames_of(log(values=[4.0, 1.0, 3.0]))


def test_final_best_and_area_are_known_on_paper(dipping):
    assert value(dipping) == 3.0
    assert value(dipping, kind="best") == 1.0
    assert value(dipping, kind="area") == pytest.approx((2.5 * 10 + 2.0 * 10) / 20)


def test_area_weighs_uneven_gaps_by_their_width(frames_of, log):
    rows = [
        {"step": s, "epoch": s / 10, "samples": s, "train_seconds": float(s), "val/loss": y}
        for s, y in ((0, 4.0), (1, 2.0), (10, 2.0))
    ]
    assert value(frames_of(log(rows=rows)), kind="area") == pytest.approx((3.0 + 2.0 * 9) / 10)


def test_a_single_point_has_no_area(frames_of, log):
    assert value(frames_of(log(values=[4.0])), kind="area") is None


def test_the_best_accuracy_is_the_highest(frames_of, log):
    frames = frames_of(log(values=[0.1, 0.9, 0.8], metric="val/accuracy"))
    assert value(frames, "val/accuracy", kind="best") == 0.9


def test_a_test_metric_can_be_read_where_validation_was_best(frames_of, log):
    rows = [
        {"step": s, "epoch": s, "samples": s, "train_seconds": float(s)}
        | {"val/loss": val, "test/accuracy": test}
        for s, val, test in ((0, 4.0, 0.1), (1, 1.0, 0.7), (2, 2.0, 0.9))
    ]
    frames = frames_of(log(rows=rows))
    assert value(frames, "test/accuracy", kind="best", by="val/loss") == 0.7
    assert value(frames, "test/accuracy", kind="best") == 0.9


@pytest.mark.parametrize("kind", ["final", "best", "area"])
def test_a_diverged_trial_has_no_value_and_a_failed_one_no_row(frames_of, log, kind):
    frames = frames_of(
        log(values=[4.0, 1.0]),
        log("adam", values=[4.0, 1.0], status="diverged"),
        log("mine", values=[4.0, 1.0], status="failed"),
    )
    found = scores(frames, "val/loss", kind=kind).select("optimizer", "status", "value").rows()
    (diverged, done) = sorted(found)
    assert diverged == ("adam", "diverged", None)
    assert done[:2] == ("sgd", "done")
    assert done[2] is not None


def test_leaderboard_statistics_are_known_on_paper(scores_of):
    board = leaderboard(scores_of({"sgd": [1.0, 2.0, 6.0, None]}))
    row = board.row(0, named=True)
    assert (row["seeds"], row["diverged"], row["mean"], row["median"]) == (3, 1, 3.0, 2.0)
    assert row["std"] == pytest.approx(7**0.5)
    assert (row["minimum"], row["maximum"]) == (1.0, 6.0)
    half = stats.t.ppf(0.975, 2) * (7 / 3) ** 0.5
    assert (row["low"], row["high"]) == pytest.approx((3 - half, 3 + half))
    assert (row["median_low"], row["median_high"]) == (None, None)


def test_leaderboard_puts_the_diverged_last_and_the_valueless_after_them(scores_of):
    values = {"none": [None], "shaky": [0.1, None], "good": [1.0, 1.0], "better": [0.5, 0.5]}
    assert leaderboard(scores_of(values))["label"].to_list() == ["better", "good", "shaky", "none"]


def test_leaderboard_of_an_accuracy_begins_with_the_highest(scores_of):
    board = leaderboard(scores_of({"a": [0.5], "b": [0.9]}, metric="val/accuracy"))
    assert board["label"].to_list() == ["b", "a"]


def test_no_scores_give_an_empty_leaderboard(scores_of):
    board = leaderboard(scores_of({"a": [1.0]}).clear())
    assert board.is_empty()
    assert "median_low" in board.columns


def test_the_best_variant_is_chosen_by_validation_and_must_not_diverge(frames_of, log):
    frames = frames_of(
        log(lr=0.1, values=[1.0]),
        log(lr=0.1, values=[3.0], seed=1),
        log(lr=0.2, values=[2.5]),
        log(lr=0.2, values=[2.5], seed=1),
        log(lr=0.4, values=[0.1]),
        log(lr=0.4, seed=1, status="diverged"),
        log("adam", lr=0.3, status="diverged"),
    )
    chosen = only(frames, best_variants(frames))
    assert sorted(set(chosen.trials["label"])) == ["adam lr=0.3", "sgd lr=0.1"]
    assert set(chosen.curves["trial"]) <= set(chosen.trials["trial"])


def test_a_better_mean_with_a_diverged_seed_is_passed_over_and_told(frames_of, log):
    frames = frames_of(
        log(lr=0.1, values=[1.0]),
        log(lr=0.4, values=[0.1]),
        log(lr=0.4, seed=1, status="diverged"),
        log(lr=0.8, values=[5.0]),
        log(lr=0.8, seed=1, status="diverged"),
    )
    found = passed_over(frames).select("label", "mean", "seeds", "diverged").rows()
    assert found == [("sgd lr=0.4", 0.1, 1, 1)]
    assert passed_over(only(frames, *winners(frames).values())).is_empty()


def test_each_setting_has_its_own_best_variant(frames_of, log):
    short = [log(lr=lr, values=[loss], epochs=5) for lr, loss in ((0.1, 1.0), (0.2, 2.0))]
    long = [log(lr=lr, values=[loss], epochs=50) for lr, loss in ((0.1, 2.0), (0.2, 1.0))]
    frames = frames_of(*short, *long)
    chosen = only(frames, best_variants(frames)).trials.select("setting", "lr").rows()
    assert sorted((int(words.split()[1]), lr) for words, lr in chosen) == [(5, 0.1), (50, 0.2)]


@pytest.mark.parametrize("turn", [1, -1])
def test_as_many_examples_in_all_seeds_are_a_tie_that_goes_to_the_first(frames_of, log, turn):
    # 150 + 154 and 151 + 153 of 180 examples: no binary number is exact, nor are the sums equal.
    shares = [[float(np.float32(k / 180)) for k in counts] for counts in ((150, 154), (151, 153))]
    assert sum(shares[0]) != sum(shares[1])
    frames = frames_of(
        *(
            log(values=[share], metric="val/accuracy", seed=seed, lr=lr)
            for lr, of_variant in zip((0.1, 0.2), shares[::turn], strict=True)
            for seed, share in enumerate(of_variant)
        )
    )
    assert only(frames, best_variants(frames)).trials["lr"].unique().to_list() == [0.1]


def test_accuracies_are_read_without_the_digits_of_single_precision(frames_of, log):
    frames = frames_of(log(values=[0.9225000143051147], metric="val/accuracy"))
    assert value(frames, "val/accuracy") == value(frames, "val/accuracy", kind="best") == 0.9225


class NoCurves(Store):
    """A study whose trials have records and no curves."""

    def metrics(self, trial):
        return []


STATUSES = ("done",) * 8 + ("diverged", "failed", "skipped")
LOSSES = (0.5, 0.5 + 1e-15, 0.7, 1.1)  # few, so that variants are often equal


def _drawn(log, draw):
    """Return the records of three settings, of four variants with up to three seeds each."""
    records = []
    for epochs in (5, 20, 50):
        has_accuracy = draw.random() < 0.7
        for variant in range(4):
            for seed in range(draw.randint(1, 3)):
                metrics = {"val/loss": draw.choice(LOSSES)}
                if has_accuracy:
                    metrics["val/accuracy"] = float(np.float32(draw.randint(150, 154) / 180))
                status = draw.choice(STATUSES)
                records.append(
                    log(
                        ("sgd", "adam")[variant % 2],
                        lr=0.1 * (1 + variant),
                        seed=seed,
                        epochs=epochs,
                        status=status,
                        metrics=metrics if status in ("done", "diverged") else {},
                    )[1]
                )
    return records


@pytest.mark.parametrize("case", range(40))
def test_the_terminal_and_the_frames_have_the_same_winners(log, tmp_path, case):
    records = in_order(_drawn(log, random.Random(case)))
    frames = frame.frames_of([(NoCurves(tmp_path, "study"), records)])
    labels = dict(frames.trials.select("variant", "label").iter_rows())
    stars = {
        setting: [row.trial.label for row in rows if row.best]
        for setting, rows in summarize(records).items()
    }
    found = {setting: [labels[each] for each in best] for setting, best in winners(frames).items()}
    assert found == {setting: best for setting, best in stars.items() if best}
