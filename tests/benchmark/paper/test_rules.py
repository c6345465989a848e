"""The rules are valid, name only what the suite has, and are stated of the printed curves truly."""

import math
import re
import tomllib
from pathlib import Path

import pytest
import tomli_w
import torch

from benchmark.errors import UsageError
from benchmark.paper.curves import published_curves
from benchmark.paper.rules import PATH, chosen_at, horizon_of, read_rules, rules, window_of
from benchmark.problems import PROBLEMS
from optimizers.resolve import find, resolve

ROOT = Path(__file__).parents[3]
RULES = rules()
CLAIMS = {claim.name: claim for claim in RULES.claims}
ALL = [(exp, series) for exp in RULES.experiments for series in exp.series]


def test_the_file_in_docs_is_the_only_one():
    assert PATH.resolve() == (ROOT / "docs" / "paper" / "rules.toml").resolve()


def test_every_problem_is_registered():
    named = {each.training.problem for each in RULES.experiments}
    assert named <= PROBLEMS.keys()


@pytest.mark.parametrize(("experiment", "series"), ALL, ids=[f"{e.name}-{s.name}" for e, s in ALL])
def test_every_series_is_an_optimizer_that_can_be_built(experiment, series):
    for rate in series.rates:
        spec = resolve(
            find(series.optimizer), {"lr": rate, **series.hyperparameters}, label=series.name
        )
        assert spec.hyperparameters["lr"] == rate


@pytest.mark.parametrize(("experiment", "series"), ALL, ids=[f"{e.name}-{s.name}" for e, s in ALL])
def test_every_series_is_an_optimizer_that_takes_steps(experiment, series):
    given = {"lr": series.rates[0], **series.hyperparameters}
    weights = torch.nn.Parameter(torch.linspace(-1, 1, 5))
    optimizer = resolve(find(series.optimizer), given, label=series.name).build([weights])

    def closure():
        optimizer.zero_grad()
        loss = (weights**2).sum()
        loss.backward()
        return loss

    before = float(weights.detach().square().sum())
    for _ in range(3):  # the third has a history of two
        optimizer.step(closure)

    assert 0 < float(weights.detach().square().sum()) < before


def test_whole_numbers_stay_whole():
    [lbfgs] = [series for _, series in ALL if series.optimizer == "torch.optim.LBFGS"]

    assert {type(value) for value in lbfgs.hyperparameters.values()} == {int}


def test_every_printed_curve_is_named_once_in_an_experiment_and_exists():
    named = [(each.name, name) for each, series in ALL for name in series.published]
    assert len(named) == len(set(named))
    assert {name for _, name in named} == set(published_curves())


def test_the_paper_has_section_6_from_figure_1_to_4():
    assert {each.figure[0] for each in RULES.experiments} == set("1234")
    assert {claim.experiment for claim in RULES.claims} == {e.name for e in RULES.experiments}


# ---- the claims in the paper itself

OFF_THE_CHART = 140.0  # figure 4 ends there


def _printed(claim, series):
    """Return a claim's quantity of a printed curve."""
    if series.optimizer == "adam" and claim.experiment.startswith("fig4"):
        figure = f"fig4_vae_{claim.horizon}ep"
        curves = [published_curves()[n] for n in series.published if n.startswith(figure)]
        points = {round(x, 1): y for c in curves for x, y in zip(c.x, c.y, strict=True)}
        if claim.rate:
            return points.get(round(math.log10(claim.rate), 1), OFF_THE_CHART)
        return min(points.values(), default=OFF_THE_CHART)
    curve = next(
        c
        for name in series.published
        if max((c := published_curves()[name]).x) > claim.horizon - 1.5
    )
    if claim.level:
        return next(x for x, y in zip(curve.x, curve.y, strict=True) if y <= claim.level)
    last = [
        y for x, y in zip(curve.x, curve.y, strict=True)
        if claim.horizon - claim.window - 0.5 <= x <= claim.horizon + 0.5
    ]  # fmt: skip
    return sum(last) / len(last)


@pytest.mark.parametrize("claim", RULES.claims, ids=CLAIMS)
def test_the_printed_curves_satisfy_every_claim(claim):
    series = RULES.experiment(claim).by_name
    convert = math.log10 if claim.scale == "log10" else float
    for each in claim.contrasts:
        first, second = (convert(_printed(claim, series[n])) for n in (each.first, each.second))
        difference = first - second
        assert {
            "lower by more than": difference < -each.margin,
            "higher by less than": difference < each.margin,
            "within": abs(difference) < each.margin,
        }[each.relation], (each.words, first, second)


# ---- what a variant changes


def test_a_variant_changes_nothing_but_what_it_names():
    claim = CLAIMS["fig2a-best"]
    shorter, sooner, evaluated = claim.variants
    assert (horizon_of(claim), chosen_at(claim)) == (200, 200)
    assert (horizon_of(claim, shorter), chosen_at(claim, shorter)) == (40, 40)
    assert (horizon_of(claim, sooner), chosen_at(claim, sooner)) == (200, 15)
    assert RULES.training(claim, shorter) == RULES.training(claim)
    assert RULES.training(claim).cost == "running"
    assert RULES.training(claim, evaluated).cost == "evaluated"
    assert (window_of(claim), window_of(claim, evaluated)) == (10, 1)


def test_a_wheel_has_the_rules_and_the_curves():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    files = project["tool"]["setuptools"]["package-data"]["benchmark"]
    data = {each.name for each in PATH.parent.iterdir() if each.is_file() and each.suffix != ".py"}
    assert {f"paper/{name}" for name in data} <= set(files)


# ---- faulty files


def _broken(change):
    data = tomllib.loads(PATH.read_text(encoding="utf-8"))
    change(data)
    return tomli_w.dumps(data)


def _set(*path, value):
    def change(data):
        *places, last = path
        for place in places:
            data = data[place]
        data[last] = value

    return change


FAULTS = {
    "an unknown key": (_set("alfa", value=1), r"unknown field `alfa`"),
    "another type": (_set("claims", 0, "horizon", value="45"), r"`int`.*claims\[0\]\.horizon"),
    "a level outside 0 to 1": (_set("alpha", value=2.0), r"< 1(\.0)? - at `\$\.alpha`"),
    "no experiment": (
        _set("claims", 0, "experiment", value="fig1-mnits"),
        r"unknown experiment 'fig1-mnits'. Did you mean 'fig1-mnist'",
    ),
    "no series": (
        _set("claims", 0, "contrasts", 0, "first", value="Adan"),
        r"fig1-mnist-similar: unknown series 'Adan'. Did you mean 'Adam'",
    ),
    "a series against itself": (
        _set("claims", 0, "contrasts", 0, "first", value="SGDNesterov"),
        r"two series to compare, got SGDNesterov twice",
    ),
    "no margin": (_set("claims", 0, "contrasts", 0, "margin", value=0), r"a margin above 0"),
    "a relation": (
        _set("claims", 0, "contrasts", 0, "relation", value="less"),
        r"[Ii]nvalid.*less",
    ),
    "a horizon beyond the experiment": (
        _set("claims", 0, "horizon", value=46),
        r"5 to 45 epochs as in fig1-mnist, got 46",
    ),
    "a window before the first epoch": (
        _set("claims", 0, "window", value=46),
        r"a window of at most 45 epochs, got 46",
    ),
    "a rate outside the grid": (_set("claims", 0, "rate", value=0.5), r"expected a rate of Adam"),
    "descending rates": (
        _set("experiments", 0, "series", 0, "rates", value=[1.0, 0.1]),
        r"ascending rates, got 1, 0.1",
    ),
    "unequal grids": (
        _set("experiments", 0, "series", 0, "rates", value=[0.1, 1.0]),
        r"as many rates for every series, got Adam 2, SGDNesterov 6",
    ),
    "a rate among hyperparameters": (
        _set("experiments", 0, "series", 0, "hyperparameters", value={"lr": 1.0}),
        r"expected lr among the rates",
    ),
    "a variant without a change": (
        _set("claims", 0, "variants", 0, "changes", value={}),
        r"at least one change",
    ),
    "a variant of an unknown series": (
        _set("claims", 1, "variants", 0, "changes", "unscheduled", value=["AdaGrd"]),
        r"unknown series 'AdaGrd'. Did you mean 'AdaGrad'",
    ),
    "evaluated costs of several epochs": (
        _set("claims", 0, "variants", 0, "changes", value={"cost": "evaluated"}),
        r"fig1-mnist-similar: expected a window of 1 epoch and no level for evaluated costs",
    ),
    "a claim twice": (
        _set("claims", 0, "name", value="fig1-mnist-faster"),
        r"each claim once, got fig1-mnist-faster twice",
    ),
    "one seed": (_set("experiments", 0, "seeds", value=1), r"`int` >= 2"),
}


@pytest.mark.parametrize(("change", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_line_with_its_place(tmp_path, change, words):
    path = tmp_path / "rules.toml"
    path.write_text(_broken(change), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_rules(path)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{path} is not valid: ")
    assert re.search(words, message), message


def test_a_file_that_is_no_toml_or_not_there_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="there are no rules"):
        read_rules(tmp_path / "rules.toml")
    (tmp_path / "rules.toml").write_text("claims = [", encoding="utf-8")
    with pytest.raises(UsageError, match="is not valid"):
        read_rules(tmp_path / "rules.toml")
