"""Mean and range of the costs by epoch."""

import pytest

from benchmark.paper.bands import bands
from benchmark.paper.cases import cases_of
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.quantities import Costs
from tests.benchmark.paper.panels import EPOCHS, MadeUp, claim, panel, rate, rules

SEEDS = 3


def _plan(**given):
    found = rules(claim(**given), experiment=panel(seeds=SEEDS))
    return Plan(rules=found, cases=cases_of(found), extent=EXTENTS["full"])


def _bands(plan, known):
    return {each.series.name: each for each in bands(plan, plan.cases[0], known)}


def test_a_band_has_mean_and_range_of_the_seeds_at_the_chosen_rate():
    known = MadeUp(lambda trial: 1 + rate(trial) if trial.seed >= SEEDS else float(trial.seed))
    found = _bands(_plan(), known)["new"]
    assert (found.mean, found.low, found.high) == ((1.0,) * 4, (0.0,) * 4, (2.0,) * 4)
    assert (found.seeds, found.diverged) == (SEEDS, 0)


def test_it_ends_at_the_horizon():
    found = _bands(_plan(horizon=2), MadeUp(rate))
    assert len(found["new"].mean) == 2 < EPOCHS


@pytest.mark.parametrize(("length", "last"), [(4, 3), (2, 2), (1, 1)])
def test_it_goes_on_to_a_later_choice_as_far_as_all_trials_do(length, last):
    def known(_, trial):
        epochs = length if (trial.seed, trial.optimizer.name) == (1, "sgd") else 4
        return Costs(running=(1.0,) * epochs, epochs=trial.epochs)

    found = _bands(_plan(horizon=1, chosen_at=3), known)
    assert {len(each.mean) for each in found.values()} == {last}
    assert {each.seeds for each in found.values()} == {SEEDS}


def test_a_seed_that_diverged_is_counted_and_not_averaged():
    def known(_, trial):
        lost = trial.seed == 1
        return Costs(running=(9.0,) if lost else (1.0,) * trial.epochs, epochs=trial.epochs)

    found = _bands(_plan(), known)["old"]
    assert (found.mean, found.seeds, found.diverged) == ((1.0,) * 4, SEEDS - 1, 1)


@pytest.mark.parametrize("lacking", ["tuning", "evaluation"])
def test_a_series_without_results_has_none(lacking):
    known = MadeUp(lambda trial: "" if trial.purpose == lacking else 1.0)
    assert _bands(_plan(), known) == {}
