import pytest

from benchmark.analysis.cost import costs


def test_costs_are_medians_over_the_seeds_that_are_done(frames_of, log):
    def seed(number, step, training, **options):
        seconds = {"per_step": step, "training": training}
        return log(values=[2.0, 1.0, 0.5], seed=number, seconds=seconds, **options)

    frames = frames_of(
        seed(0, 0.001, 4.0),
        seed(1, 0.002, 6.0),
        seed(2, 0.009, 8.0),
        seed(3, 9.0, 9.0, status="diverged"),
    )
    row = costs(frames).row(0, named=True)
    assert (row["seeds"], row["machines"]) == (3, 1)
    assert (row["step_ms"], row["step_ms_q25"], row["step_ms_q75"]) == pytest.approx(
        (2.0, 1.5, 5.5)
    )
    assert row["epoch_seconds"] == 3.0  # two epochs each
    assert (row["optimizer_ms"], row["state_bytes_per_parameter"]) == (None, None)


def test_state_and_the_optimizers_own_time_are_shown_if_recorded(frames_of, log):
    metrics = {"epoch": 1.0, "state_bytes": 800, "parameters": 100}
    seconds = {"per_step": 0.002, "training": 1.0, "optimizer_step": 0.0005}
    row = costs(frames_of(log(metrics=metrics, seconds=seconds))).row(0, named=True)
    assert (row["optimizer_ms"], row["state_bytes_per_parameter"]) == (0.5, 8.0)


def test_mixed_machines_are_counted(frames_of, log):
    here, there = ({"cpu": name, "device": "cpu"} for name in ("EPYC", "Xeon"))
    frames = frames_of(log(environment=here), log(seed=1, environment=there))
    assert costs(frames)["machines"].to_list() == [2]


def test_no_trials_have_no_cost(frames_of):
    assert costs(frames_of()).is_empty()
