import numpy as np
import pytest

from benchmark.workbench.landscape.compute import Grid, compute
from benchmark.workbench.landscape.surfaces import SURFACES
from benchmark.workbench.landscape.trajectories import Trajectories, Walker, log_gaps
from optimizers.grammar import parse


def plan_of(opts="sgd,adam:lr=0.2", names=("rosenbrock", "saddle"), **changes):
    usual = {"lrs": (0.001, 0.1, 5.0), "steps": 20, "noise": 0.1, "seed": 0}
    surfaces = [SURFACES[name] for name in names]
    return Grid(optimizers=parse(opts), surfaces=surfaces, **(usual | changes))


@pytest.fixture(scope="module")
def trajectories():
    return compute(plan_of())


def test_axes_are_walkers_scenes_starts_noise_rates_steps(trajectories):
    assert trajectories.positions.shape == (2, 2, 2, 2, 4, 21, 2)
    assert trajectories.gaps.shape == (2, 2, 2, 2, 4, 21)
    for place, scene in enumerate(trajectories.scenes):
        for start, point in enumerate(scene.starts):
            assert (trajectories.positions[:, place, start, ..., 0, :] == point).all()


def test_gaps_are_losses_without_noise_above_the_lowest(trajectories):
    x, y = trajectories.positions[1, 0, 0, 1, 0, 7]
    assert trajectories.gaps[1, 0, 0, 1, 0, 7] == pytest.approx(
        (1 - x) ** 2 + 100 * (y - x * x) ** 2
    )
    x, y = trajectories.positions[1, 1, 0, 1, 0, 7]
    assert trajectories.gaps[1, 1, 0, 1, 0, 7] == pytest.approx(x**2 - y**2 + y**4 / 2 + 0.5)


def test_noise_is_the_same_for_all_optimizers_and_rates(trajectories):
    # sgd from one start: the first step is -lr (gradient + noise), so noise is their difference.
    first = trajectories.positions[0, 0, 0, :, :3, 1]  # (noise, rates, 2)
    noise = (first[0] - first[1]) / np.array(trajectories.lrs)[:, None]
    assert np.allclose(noise, noise[0], rtol=1e-6)
    assert np.abs(noise).max() < 5 * trajectories.scenes[0].noise


def test_the_last_place_is_each_optimizers_own_rate(trajectories):
    assert [walker.lr for walker in trajectories.walkers] == [0.001, 0.2]
    assert (trajectories.positions[0, ..., 0, :, :] == trajectories.positions[0, ..., 3, :, :])[
        ~np.isnan(trajectories.positions[0, ..., 3, :, :])
    ].all()


def test_the_same_seed_gives_the_same_paths_and_another_seed_other_noise(trajectories):
    again, other = compute(plan_of()), compute(plan_of(seed=1))
    assert np.array_equal(trajectories.positions, again.positions, equal_nan=True)
    noiseless, noisy = (slice(None),) * 3 + (0,), (slice(None),) * 3 + (1,)
    assert np.array_equal(trajectories.gaps[noiseless], other.gaps[noiseless], equal_nan=True)
    assert not np.array_equal(trajectories.gaps[noisy], other.gaps[noisy], equal_nan=True)


def test_without_noise_its_axis_has_one_place():
    assert compute(plan_of(noise=0.0)).gaps.shape[3] == 1


def test_progress_hears_every_label_once_before_it_walks():
    heard = []
    compute(plan_of(steps=2), lambda label, detail: heard.append((label, detail)))
    assert heard == [("sgd", ""), ("adam lr=0.2", "")]


def trajectories_of(gaps):
    """Return paths of one walker, scene, start and noise with these gaps, (rates + own, T)."""
    gaps = np.array(gaps, dtype=float)[None, None, None, None]
    return Trajectories(
        scenes=(),
        walkers=(Walker(name="a", label="a", summary="", lr=1.0),),
        lrs=(0.1, 1.0, 10.0),
        positions=np.zeros((*gaps.shape, 2)),
        gaps=gaps,
        noise=0,
        seed=0,
    )


def test_best_is_the_lowest_mean_of_log_gaps_and_the_own_rate_takes_no_part():
    # Means of log10: -1, -2, 0; the own rate would have -12.
    trajectories = trajectories_of([[1, 1e-2], [1e-1, 1e-3], [1, 1], [0, 0]])
    assert trajectories.best().ravel().tolist() == [1]


def test_a_diverged_rate_is_never_best_and_if_all_diverge_there_is_none():
    nan = np.nan
    assert trajectories_of([[1, 1], [0, nan], [2, 2], [1, 1]]).best().ravel().tolist() == [0]
    lost = trajectories_of([[1, nan], [1, nan], [nan, nan], [1, 1]])
    assert lost.best().ravel().tolist() == [-1]
    assert lost.diverged_at().ravel().tolist() == [1, 1, 0, 2]


def test_gaps_of_zero_have_a_finite_log():
    assert log_gaps(np.array([0.0, 1e-30, 10.0])).tolist() == [-12, -12, 1]
