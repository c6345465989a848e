"""Made-up rules on embedded data, small enough to be run."""

from benchmark.paper.quantities import Costs
from benchmark.paper.rules import Changes, Claim, Contrast, Experiment, Rules, Series, Training

EPOCHS = 4


def changes(**given):
    return Changes(**given)


def panel(*, rates=(0.001, 0.01, 0.1), seeds=3, tuning_seeds=2, epochs=EPOCHS, **training):
    series = tuple(
        Series(name=name, optimizer=optimizer, rates=rates)
        for name, optimizer in (("new", "adam"), ("old", "sgd"))
    )
    given = {"problem": "logreg/digits", "schedule": "1/sqrt(step)", "l2": 1e-4} | training
    return Experiment(
        name="panel",
        figure="1 left",
        stated="-",
        chosen="-",
        epochs=epochs,
        seeds=seeds,
        tuning_seeds=tuning_seeds,
        training=Training(**given),
        series=series,
    )


def claim(name="faster", *variants, horizon=EPOCHS, **given):
    contrast = Contrast(first="new", relation="lower by more than", margin=0.01, second="old")
    return Claim(
        name=name,
        experiment="panel",
        quotation="new is faster",
        statement="new costs less",
        horizon=horizon,
        contrasts=(contrast,),
        variants=variants,
        **given,
    )


def rules(*claims, widenings=2, experiment=None, expectations=()):
    return Rules(
        paper="a paper",
        source="-",
        alpha=0.05,
        widenings=widenings,
        experiments=(experiment or panel(),),
        claims=claims or (claim(),),
        expectations=expectations,
    )


class MadeUp:
    """Known costs of trials, which a rule gives from the rate; keeps what it was asked for.

    Args:
        cost: Cost of every epoch of a trial at a rate; None if it diverged, "" if unknown.
    """

    def __init__(self, cost):
        self.cost = cost
        self.asked = set()

    def __call__(self, experiment, trial):
        assert experiment == "panel"
        self.asked.add(trial.key)
        cost = self.cost(trial)
        if cost == "":
            return None
        if cost is None:
            return Costs(epochs=trial.epochs)
        return Costs(running=(cost,) * trial.epochs, evaluated=cost, epochs=trial.epochs)


def rate(trial):
    return trial.optimizer.hyperparameters["lr"]
