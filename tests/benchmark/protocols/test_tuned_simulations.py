"""Verdicts of whole tuned studies whose truth is known: formulas train, or real trials do.

Each simulated study goes through the protocol, its declaration and the verdicts, with margins as a
real one has them. Run with -s to see the numbers.
"""

import hashlib
import math
import random
from collections import Counter
from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from benchmark.analysis.judging import judgement_of
from benchmark.complete import complete
from benchmark.context import Context
from benchmark.declaration import read_declaration
from benchmark.margins import default_margin
from benchmark.protocols.tuned import TUNING_SEEDS, Tuned
from benchmark.record import Record
from benchmark.request import Request
from benchmark.runner import run
from benchmark.spec import Workload
from benchmark.store import Store
from benchmark.study import Study
from datamodules.digits import Digits
from optimizers.grammar import describe_tunables

pytestmark = pytest.mark.slow

WORKLOAD = Workload(problem="mlp/digits", model="mlp", dataset="digits", epochs=1, batch_size=128)
SEEDS = tuple(range(10))
WRONG = {"better", "worse"}


def normal(*of):
    """Return a normal number that depends on `of` alone."""
    digest = hashlib.sha256(repr(of).encode()).digest()
    return random.Random(digest).gauss(0.0, 1.0)


def decades(value, best):
    return math.log10(value / best)


def adam_like(trial, *, rate=1.0):
    """Return the noiseless loss of Adam, whose learning rate is `rate` times the given one."""
    given = trial.optimizer.hyperparameters
    beta1, beta2 = given["betas"]
    distance = decades(given["lr"] * rate, 1e-2)
    if distance > 1.7:
        return math.inf
    return 0.3 * (
        1
        + 0.3 * distance**2
        + 0.1 * decades(1 - beta1, 0.05) ** 2
        + 0.05 * decades(1 - beta2, 0.01) ** 2
    )


def flat(trial):
    """Return a loss on which no hyperparameter has an effect, so that only luck is chosen."""
    return 0.3


def record(trial, loss, number, spread):
    """Return the record of a trial; its seed has an effect that all trials of the seed share."""
    value = loss(trial)
    if value == math.inf:
        return Record(trial=trial, status="diverged")
    shared, own = normal(number, trial.seed), normal(number, trial.key)
    value *= 1 + spread * (shared + own)
    return Record(trial=trial, status="done", metrics={"val/loss": value})


def finish(protocol, cell, record_of):
    """Run the protocol in a cell to its end; return the records by key."""
    records = {}
    while new := [
        trial
        for trial in protocol.stage(cell, lambda trial: records.get(trial.key)).trials
        if trial.key not in records
    ]:
        for trial in new:
            records[trial.key] = record_of(trial)
    return records


def words(protocols, loss, *, number, spread=0.03):
    """Return the verdicts of one study, in which formulas train.

    Args:
        protocols: Those that tune the optimizers of the study; the first has the reference.
        loss: Returns the loss function of a trial.
        number: Number of the study, which decides all noise.
        spread: Deviation of the seeds' effect, and of the noise, as a share of the loss.
    """
    return said(protocols, lambda trial: record(trial, loss(trial), number, spread))


def said(protocols, record_of, workload=WORKLOAD):
    """Return the verdicts on the optimizers of several protocols, as those of one study.

    Args:
        protocols: Those that tune the optimizers of the study; the first has the reference.
        record_of: Returns the record of a trial.
        workload: The problem.
    """
    tunables = tuple(each for protocol in protocols for each in protocol.tunables)
    study = Study(name="s", workloads=(workload,), tuned=replace(protocols[0], tunables=tunables))
    [cell] = study.cells(workload)
    reference, records, chosen, margins = tunables[0].label, {}, [], {}
    for protocol in protocols:
        found = finish(protocol, cell, record_of)
        results = lambda trial, found=found: found.get(trial.key)  # noqa: E731
        outcomes = protocol.stage(cell, results).chosen
        for each in outcomes:
            if each.label == reference:
                margins = {workload.problem: default_margin(each.values)}
        chosen += outcomes
        records |= found
    declaration = replaced(study.declaration(reference), chosen=chosen, margins=margins)
    return [verdict.word for verdict in judgement_of(declaration, records.values()).confirmatory]


def protocol(opts, *, budget=16, seeds=SEEDS, space="lr", **others):
    tunables = tuple(describe_tunables(opts, space))
    return Tuned(tunables=tunables, budget=budget, seeds=seeds, **others)


def say(what, found):
    print(f"{what}: {dict(found)}")  # noqa: T201 - pytest -s shows the numbers
    return found


def pair_on_other_points_and_seeds(space, number):
    other_seeds = tuple(seed + 100 for seed in TUNING_SEEDS)
    return [
        protocol("adam", space=space),
        protocol("adam@other", space=space, scramble=1 + number, tuning_seeds=other_seeds),
    ]


@pytest.mark.parametrize("spread", [0.03, 0.1])
def test_adam_and_itself_tuned_on_other_seeds_are_seldom_told_apart(spread):
    """The noise is that of validation losses on digits; 1 % of noise leads to 7 verdicts of 50."""
    found = Counter()
    for number in range(50):
        pair = pair_on_other_points_and_seeds("lr", number)
        found.update(words(pair, lambda _: adam_like, number=number, spread=spread))
    say(f"Adam against itself over lr, noise {spread}", found)
    assert found.total() == 50
    assert sum(found[word] for word in WRONG) <= 6
    assert (found["equivalent"] > 0) is (spread < 0.1)  # the margin is 5 % of the loss at most


def test_what_other_points_of_a_large_space_lead_to_is_told_apart_only_where_it_differs():
    """16 points of three hyperparameters are few: their best differ truly, and verdicts say so."""
    found = Counter()
    for number in range(50):
        pair = pair_on_other_points_and_seeds("full", number)
        losses = {}

        def loss_of(trial, losses=losses):
            if trial.purpose == "evaluation":
                losses[trial.optimizer.label.split()[0]] = adam_like(trial)
            return adam_like

        (word,) = words(pair, loss_of, number=number)
        truth = "better" if losses["other"] < losses["adam"] else "worse"
        found[word if word not in WRONG else f"{word}, in truth {truth}"] += 1
    say("Adam against itself over its full space", found)
    assert found["better, in truth worse"] + found["worse, in truth better"] <= 2
    assert found["better, in truth better"] + found["worse, in truth worse"] > 6


@pytest.mark.parametrize("spread", [0.01, 0.1])
def test_a_twin_with_half_the_rate_is_seldom_told_apart_once_both_are_tuned(spread):
    def loss_of(trial):
        rate = 0.5 if trial.optimizer.label.startswith("twin") else 1.0
        return lambda trial: adam_like(trial, rate=rate)

    found = Counter()
    for number in range(50):
        found.update(words([protocol("adam,adam@twin")], loss_of, number=number, spread=spread))
    say(f"Adam against its twin with half the rate, noise {spread}", found)
    assert found.total() == 50
    assert sum(found[word] for word in WRONG) <= 5  # 5 % of 50 and 2 standard errors
    assert (found["equivalent"] > 25) is (spread < 0.1)  # the margin is 5 % of the loss at most


GRID = "|".join(str(10 ** (-4 + i / 4)) for i in range(16))
BUDGETS = {
    "equal budgets": "adam,adam@b,adam@c",
    "grids of 4, 2 and 8 settings": "adam:lr=1e-3|3e-3|1e-2|3e-2,adam@b:lr=1e-3|2e-3,adam@c:lr="
    + GRID,
}


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("budgets", BUDGETS)
def test_the_luck_of_a_search_leads_to_a_verdict_in_at_most_5_percent_of_studies(budgets, seeds):
    studies, wrong, found = 100, 0, Counter()
    for number in range(studies):
        one = protocol(BUDGETS[budgets], seeds=tuple(range(seeds)), budget=8)
        said = words([one], lambda _: flat, number=number)
        wrong += bool(WRONG & set(said))
        found.update(said)
    say(f"equal optimizers, {budgets}, {seeds} seeds, {wrong} studies with a verdict", found)
    assert wrong / studies <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / studies)


def test_unequal_settings_chosen_on_the_seeds_that_are_reported_would_mislead():
    """The check of the check: without tuning seeds of their own, luck does lead to verdicts."""
    studies, wrong = 100, 0
    for number in range(studies):
        values = [
            [1 + 0.03 * (normal(number, seed) + normal(number, seed, i)) for seed in range(10)]
            for i in range(17)
        ]
        best = min(values[1:], key=sum)
        gains = [a - b for a, b in zip(values[0], best, strict=True)]
        mean = math.fsum(gains) / 10
        deviation = math.sqrt(math.fsum((gain - mean) ** 2 for gain in gains) / 9)
        wrong += (
            mean / deviation * math.sqrt(10) > 2.262
        )  # t of 9 degrees of freedom, two-sided 5 %
    assert wrong / studies > 0.08


class Pool:
    """Real trials of 5 epochs on logreg/digits, trained once each, from which studies are drawn.

    Studies that draw the same point and seed share its trial, so a pool of 12 tuning seeds and 20
    evaluation seeds makes 50 studies for the price of a few. Seeds of a study differ, and so do
    those of its tuning and of its evaluation.
    """

    tuning_seeds = range(10_000, 10_012)
    evaluation_seeds = range(20)

    def __init__(self):
        asked = Request(problems=("logreg/digits",), opts="adam", epochs=5)
        [self.workload] = asked.study("s").workloads
        Digits().prepare_data()
        self.trained = {}

    def record(self, trial):
        """Return the record of `trial`; its label and purpose have no effect on its result."""
        key = trial.optimizer.target, repr(trial.optimizer.hyperparameters), trial.seed
        if key not in self.trained:
            self.trained[key] = run(trial, Context(), points=1)
        return replace(self.trained[key], trial=trial)

    def draw(self, number, searches):
        """Return the evaluation seeds of a study, and other tuning seeds for each of `searches`."""
        chance = random.Random(number)
        tuning = chance.sample(self.tuning_seeds, 3 * searches)
        seeds = tuple(sorted(chance.sample(self.evaluation_seeds, 10)))
        return seeds, [tuple(tuning[3 * i : 3 * i + 3]) for i in range(searches)]

    def said(self, protocols):
        return said(protocols, self.record, self.workload)


@pytest.fixture(scope="module")
def pool():
    return Pool()


@pytest.mark.timeout(1200)
def test_adam_and_itself_tuned_on_other_seeds_are_seldom_told_apart_on_digits(pool):
    """50 studies from 184 real trials over lr, in about 30 s of CPU time; one ended in a verdict.

    Rates are in base 2 of the Halton sequence, which is not scrambled, so only tuning seeds differ.
    In the full space no two scrambles share a point, and 50 studies would be 2,000 trials and more.
    """
    found = Counter()
    for number in range(50):
        seeds, (one, other) = pool.draw(number, searches=2)
        pair = [
            protocol("adam", budget=8, seeds=seeds, tuning_seeds=one),
            protocol("adam@other", budget=8, seeds=seeds, tuning_seeds=other, scramble=1 + number),
        ]
        found.update(pool.said(pair))
    say(f"Adam against itself, {len(pool.trained)} real trials", found)
    assert found.total() == 50
    assert sum(found[word] for word in WRONG) <= 6


@pytest.mark.timeout(1800)
def test_a_twin_with_half_the_rate_is_seldom_told_apart_on_digits(pool):
    """50 studies from some 600 more real trials of 5 epochs; one ended in a verdict.

    The budget is the default. With 8 points, whose rates are half a decade apart, the twin may have
    no point as good as Adam's best one: 10 of 50 studies called it worse (docs/comparing.md).
    """
    found = Counter()
    for number in range(50):
        seeds, [tuning] = pool.draw(number, searches=1)
        opts = "adam,tests.plugins.optimizers.HalfAdam@twin"
        found.update(pool.said([protocol(opts, seeds=seeds, tuning_seeds=tuning)]))
    say(f"Adam against its twin, {len(pool.trained)} real trials", found)
    assert found.total() == 50
    assert sum(found[word] for word in WRONG) <= 5  # 5 % of 50 and 2 standard errors


def test_adam_with_half_its_rate_is_not_told_apart_from_adam_in_a_real_study(tmp_path):
    request = Request(
        problems=("logreg/digits",),
        opts="adam,tests.plugins.optimizers.HalfAdam@twin",
        epochs=3,
        seeds=10,
        tune=8,
        reference="adam",
    )
    store = Store(tmp_path, "twin")
    complete(request, store)
    judgement = judgement_of(read_declaration(store.folder), store.records())
    [verdict] = judgement.confirmatory
    say("real study", {verdict.word: verdict})
    assert verdict.word in ("equivalent", "undecided")
    assert verdict.n == 10
