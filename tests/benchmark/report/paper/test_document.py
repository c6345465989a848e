"""The reproduction of a paper as a document."""

import re

import pytest
from msgspec.structs import replace

from benchmark.errors import UsageError
from benchmark.paper.cases import cases_of
from benchmark.paper.evidence import evidence
from benchmark.paper.judgement import judge_paper
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rules import Expectation, Series, Variant
from benchmark.report.paper.document import write_paper
from benchmark.report.paper.found import Reproduction
from tests.benchmark.paper.panels import MadeUp, changes, claim, panel, rate, rules

CONSTANT = Variant(name="rates are constant", changes=changes(schedule="constant"))
NOISE = 1e-4
RATES = (0.001, 0.01, 0.02)


def _written(folder, cost, *claims, seeds=6, experiment=None, extent="full", expectations=()):
    found = rules(*claims, experiment=experiment or panel(seeds=seeds), expectations=expectations)
    plan = Plan(rules=found, cases=cases_of(found), extent=EXTENTS[extent])
    known = MadeUp(cost)
    verdicts = judge_paper(found, evidence(plan, known))
    reproduction = Reproduction(plan=plan, known=known, verdicts=verdicts)
    paths = write_paper(reproduction, folder / "paper.md")
    return paths, (folder / "paper.md").read_text()


def _over_rates():
    """Return an experiment and its claim whose costs are printed by rate, as in figure 4."""
    names = (f"fig4_vae_10ep_b1=0.9_b2=0.99/{each}" for each in ("bias-corrected", "no-correction"))
    found = panel(epochs=10)
    pairs = zip(found.series, names, strict=True)
    printed = tuple(replace(series, published=(name,)) for series, name in pairs)
    decayed = {"weight_decay": 0.1}
    more = tuple(
        replace(each, name=f"{each.name}, decayed", hyperparameters=decayed) for each in printed
    )
    one = claim(horizon=10)
    other = replace(one.contrasts[0], first=more[0].name, second=more[1].name)
    both = replace(one, contrasts=(*one.contrasts, other))
    return replace(found, series=printed + more), both


def _costs(new, old, constant_new=None):
    """Return the rule of made-up costs by optimizer, schedule and seed; the best rate is 0.01."""

    def cost(trial):
        is_new = trial.optimizer.name == "adam"
        is_constant = trial.optimizer.schedule.kind == "constant"
        level = new if is_new else old
        if is_new and is_constant and constant_new is not None:
            level = constant_new
        noise = NOISE * (trial.seed % 7) * (1 if is_new else 2)
        return level + noise + abs(rate(trial) - 0.01)

    return cost


def test_a_claim_that_was_carried_out_at_a_variants_horizon_shows_that_and_what_is_left(tmp_path):
    short = Variant(name="training is short", changes=changes(horizon=2))
    costs = _costs(0.1, 0.5)
    paths, text = _written(
        tmp_path,
        lambda trial: costs(trial) if trial.epochs == 2 else "",
        claim("faster", short, CONSTANT),
        claim("again"),
    )
    assert [path.name for path in paths] == ["paper.md", "faster.svg"]
    horizon = "ot testable with this horizon (2 of 4 epochs)"
    assert "Run here: 0 of 2 claims. The other 2 were not run, or not for all" in text
    assert f"| [faster](#faster) | “new is faster” | **n{horizon}** |" in text
    assert f"| again | “new is faster” | **n{horizon}** |" in text
    block = text.split("### faster")[1]
    assert f"**N{horizon}.**" in block
    assert "Mean cost, if training is short, on tuning seeds by learning rate" in block
    assert block.count("Training cost of each epoch, if training is short: mean") == 2
    assert re.search(r"\| training is short \| shown \| new − old: −0\.4\d* ", block)
    left = text.split("## Not run")[1]
    assert "| faster, again |" in left
    assert "--claims faster,again --scale claims" in left
    assert "variants of" not in left


def test_a_claim_whose_trials_all_diverged_is_not_shown_by_a_shorter_variant(tmp_path):
    short = Variant(name="training is short", changes=changes(horizon=2))
    costs = _costs(0.1, 0.5)

    def cost(trial):
        return None if trial.epochs > 2 and trial.purpose == "evaluation" else costs(trial)

    _, text = _written(tmp_path, cost, claim("faster", short))
    block = text.split("### faster")[1]
    assert block.count("Mean cost") == 1
    assert "| – (6 diverged) |" in block
    assert "Mean cost, if" not in block


def test_a_single_seed_without_a_record_is_left_to_run_and_a_demo_leaves_nothing(tmp_path):
    costs = _costs(0.1, 0.5)

    def cost(trial):
        return "" if (trial.purpose, trial.seed) == ("evaluation", 5) else costs(trial)

    def more(trial):
        return "" if trial.optimizer.name == "adam" and trial.seed == 4 else cost(trial)

    assert "| faster |" in _written(tmp_path, cost, claim())[1].split("## Not run")[1]
    assert "mean and range over 5 seeds" in _written(tmp_path, cost, claim())[1]
    assert "mean and range over 4 to 5 seeds" in _written(tmp_path, more, claim())[1]
    assert "## Not run" not in _written(tmp_path, costs, claim(), extent="demo")[1]


def test_a_claim_before_the_choice_of_rates_shows_the_epochs_of_both(tmp_path):
    claims = claim("early", horizon=1, chosen_at=3), claim("late", horizon=3)
    _, text = _written(tmp_path, _costs(0.1, 0.5), *claims)
    early, late = text.split("### early")[1].split("### late")
    assert "Mean cost in epoch 3 on tuning seeds by learning rate, the chosen one" in early
    assert "; and the mean in epoch 1, at the chosen rate" in early
    assert "Vertical line: epoch 1, which is compared." in early
    assert "Mean cost on tuning seeds by learning rate, the chosen one" in late
    assert "Vertical line" not in late


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("cost", "seeds", "expected"),
    [
        (_costs(0.1, 0.5), 6, "Holds."),
        (_costs(0.5, 0.1), 6, "Does not hold."),
        (_costs(0.5, 0.1, constant_new=0.01), 6, "Holds only if rates are constant."),
        (_costs(0.1, 0.11), 2, "Not testable with 2 seeds (neither shown nor refuted)."),
    ],
)
def test_each_verdict_stands_in_the_strip_and_in_its_block(tmp_path, cost, seeds, expected):
    _, text = _written(tmp_path, cost, claim("faster", CONSTANT), seeds=seeds)
    block = text.split("### faster")[1]
    assert f"**{expected}** Difference [95 % interval]: new − old: " in block
    [row] = [line for line in text.splitlines() if line.startswith("| [faster](#faster) |")]
    assert f"**{expected[0].lower()}{expected[1:-1]}**" in row


def test_a_variant_that_turns_the_verdict_is_bold(tmp_path):
    _, text = _written(tmp_path, _costs(0.5, 0.1, constant_new=0.01), claim("faster", CONSTANT))
    assert "| rates are constant | **shown** | new − old: −0.0" in text
    _, text = _written(tmp_path, _costs(0.5, 0.1), claim("faster", CONSTANT))
    assert "| rates are constant | refuted | new − old: 0." in text


def test_the_chosen_rate_is_bold_and_diverged_seeds_are_counted(tmp_path):
    cost = _costs(0.1, 0.5)
    _, text = _written(tmp_path, lambda trial: None if rate(trial) > 0.05 else cost(trial))
    [row] = [line for line in text.splitlines() if line.startswith("| new |")]
    cells = row.strip("| ").split(" | ")
    assert cells[1].startswith("0.1")
    assert re.fullmatch(r"\*\*0\.1\d*\*\*", cells[2])
    assert cells[3] == "– (2 diverged)"


def test_the_compared_costs_stand_beside_the_printed_ones(tmp_path):
    printed = ("fig1_left_mnist_logreg/Adam",)
    found = panel(epochs=10)
    first, second = found.series
    experiment = replace(found, series=(replace(first, published=printed), second))

    def cost(trial):
        is_lost = trial.optimizer.name == "sgd" and trial.purpose == "evaluation" and trial.seed
        return None if is_lost else _costs(0.1, 0.5)(trial)

    one = claim("faster", horizon=10, window=2)
    _, text = _written(tmp_path, cost, one, experiment=experiment)
    assert "the chosen one bold; and the mean over epochs 9 to 10, at the chosen rate" in text
    rows = dict(re.findall(r"\n\| (new|old) \| (.*) \|", text))
    assert rows["new"].split(" | ")[-2:] == ["0.1001", "0.2801"]
    assert rows["old"].split(" | ")[-2:] == ["0.5 (2 diverged)", "–"]


def test_a_claim_at_a_fixed_rate_has_its_costs_alone(tmp_path):
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", rate=0.01))
    assert "Mean cost in epoch 4 at the learning rate 0.01, on the compared seeds (here)" in text
    assert "| series | here | printed |\n| --- | --- | --- |\n| new | 0.1003 | – |" in text


def test_a_claim_without_results_has_hours_and_a_command_but_no_block(tmp_path):
    other = claim("other", horizon=3, rate=0.001)

    def cost(trial):
        return (
            ""
            if rate(trial) == 0.001 and trial.purpose == "evaluation"
            else _costs(0.1, 0.5)(trial)
        )

    _, text = _written(tmp_path, cost, claim("faster"), other)
    assert "| other | “new is faster” | **not run** | – |" in text
    assert "### other" not in text
    listed = text.split("## Not run")[1]
    assert re.search(r"\| 1 left \| other \| [\d.]+ \w+ \|", listed)
    assert "variants" not in listed
    assert "python -m benchmark paper adam --claims other --scale claims" in listed


def test_a_demo_says_what_was_carried_out(tmp_path):
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster"), extent="demo")
    assert "**Carried out here: at most 3 epochs, 2 seeds, rates chosen on 1 other seed.**" in text
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster"))
    assert "Carried out here" not in text


def test_claims_that_share_their_trials_have_one_command(tmp_path):
    def cost(trial):
        is_known = trial.purpose == "tuning" or rate(trial) == 0.01
        return _costs(0.1, 0.5)(trial) if is_known else ""

    long = [claim(name, horizon=2, rate=0.001) for name in ("long", "as-long")]
    short = claim("short", horizon=1, rate=0.1)
    _, text = _written(tmp_path, cost, claim("faster"), long[0], short, long[1])
    listed = text.split("## Not run")[1]
    assert re.search(r"\| 1 left \| long, as-long \| .*\n\| 1 left \| short \|", listed)
    assert re.search(r"--claims long,as-long --scale claims\n.*--claims short --scale", listed)


def test_a_claim_that_was_not_asked_for_is_not_listed(tmp_path):
    def cost(trial):
        is_other = rate(trial) == 0.02 and trial.purpose == "evaluation"
        return "" if is_other else _costs(0.1, 0.5)(trial)

    found = rules(claim("faster"), claim("other", rate=0.02), experiment=panel(rates=RATES))
    for asked, is_listed in ((("faster",), False), (("faster", "other"), True)):
        cases = [case for case in cases_of(found) if case.claim.name in asked]
        plan = Plan(rules=found, cases=tuple(cases), extent=EXTENTS["full"])
        verdicts = judge_paper(found, evidence(plan, MadeUp(cost)))
        shown = [verdict for verdict in verdicts if verdict.claim.name in asked]
        one = Reproduction(plan=plan, known=MadeUp(cost), verdicts=shown)
        write_paper(one, tmp_path / "paper.md")
        assert ("## Not run" in (tmp_path / "paper.md").read_text()) == is_listed


def test_a_variant_without_results_is_listed_with_the_time_of_what_it_lacks(tmp_path):
    def cost(trial):
        is_constant = trial.optimizer.schedule.kind == "constant"
        return "" if is_constant else _costs(0.1, 0.5)(trial)

    _, text = _written(tmp_path, cost, claim("faster", CONSTANT))
    listed = text.split("## Not run")[1]
    assert re.search(r"\| 1 left \| variants of faster \| [\d.]+ \w+ \|", listed)
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", CONSTANT))
    assert "## Not run" not in text


def test_costs_are_drawn_by_rate_over_the_printed_ones(tmp_path):
    experiment, both = _over_rates()
    _, text = _written(tmp_path, _costs(0.1, 0.5), both, experiment=experiment)
    assert "Training cost in epoch 10 by learning rate: mean over 2 tuning seeds" in text
    assert "range over 3 other seeds, side by side where both have the same rate. Dashed" in text
    assert "Dashed, with dots: the printed curves, as far as the axes reach." in text
    assert "Crosses: rates at which training diverged or cost over 1.5 times" in text


@pytest.mark.slow
def test_no_caption_speaks_of_crosses_where_there_are_none(tmp_path):
    experiment, both = _over_rates()
    _, text = _written(tmp_path, _costs(1.0, 1.1), both, experiment=experiment)
    assert "Training cost in epoch 10 by learning rate" in text
    assert "Crosses" not in text


def test_a_condition_that_cannot_be_drawn_is_named_below_the_picture(tmp_path):
    evaluated = Variant(name="the cost is evaluated", changes=changes(cost="evaluated"))
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", CONSTANT, evaluated))
    caption = "The same under other conditions, on equal axes."
    left = " Not drawn, as it is known only at the end of a trial: the cost is evaluated."
    assert f"\n{caption}{left}\n" in text


@pytest.mark.slow
def test_no_caption_speaks_of_other_conditions_without_need(tmp_path):
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", CONSTANT))
    assert "\nThe same under other conditions, on equal axes.\n" in text
    evaluated = Variant(name="the cost is evaluated", changes=changes(cost="evaluated"))
    paths, _ = _written(tmp_path, _costs(0.1, 0.5), claim("faster", evaluated))
    assert [path.stem for path in paths] == ["paper", "faster"]


@pytest.mark.parametrize(("window", "is_shown"), [(1, False), (2, True)])
def test_the_panel_of_the_compared_epochs_is_explained(tmp_path, window, is_shown):
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", window=window))
    assert (" Right: the epochs that are compared" in text) == is_shown


@pytest.mark.parametrize("of_pair", ["", None])
def test_a_pair_without_a_single_cost_is_no_obstacle(of_pair, tmp_path):
    def cost(trial):
        is_decayed = trial.optimizer.hyperparameters.get("weight_decay")
        return of_pair if is_decayed else _costs(0.1, 0.5)(trial)

    experiment, both = _over_rates()
    paths, text = _written(tmp_path, cost, both, experiment=experiment)
    assert [path.name for path in paths] == ["paper.md", "faster.svg"]
    assert "cost in epoch 10 by learning rate" in text


def test_where_all_trials_diverged_nothing_is_drawn(tmp_path):
    experiment, both = _over_rates()
    paths, text = _written(tmp_path, lambda _: None, both, experiment=experiment)
    assert [path.name for path in paths] == ["paper.md"]
    assert "### faster" in text


@pytest.mark.parametrize("fixed", [None, 0.01])
def test_after_fewer_epochs_than_printed_no_caption_speaks_of_the_printed_costs(fixed, tmp_path):
    experiment, both = _over_rates()
    own = replace(both, rate=fixed)
    _, text = _written(tmp_path, _costs(0.1, 0.5), own, experiment=experiment, extent="demo")
    assert "Training cost of each epoch: mean and range over 2 seeds.\n" in text
    assert "in epoch 10 by" not in text


def test_without_any_result_nothing_is_written(tmp_path):
    with pytest.raises(UsageError, match="no claim has a result yet"):
        _written(tmp_path, lambda _: "")
    assert list(tmp_path.iterdir()) == []


def test_the_document_shows_its_pictures_and_is_the_same_again(tmp_path):
    both = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        paths, text = _written(tmp_path / name, _costs(0.1, 0.5), claim("faster", CONSTANT))
        assert re.findall(r"\]\((paper/[^)]*\.svg)\)", text) == [
            path.relative_to(tmp_path / name).as_posix() for path in paths[1:]
        ]
        both.append([path.read_bytes() for path in paths])
    assert both[0] == both[1]
    assert len(both[0]) == 3


def test_words_of_the_rules_format_nothing(tmp_path):
    hostile = Variant(name="a | b <i>*c*", changes=changes(schedule="constant"))
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", hostile))
    assert "<i>" not in text
    assert r"| a \| b &lt;i&gt;\*c\* |" in text


def test_a_claim_that_was_added_later_says_so_at_the_top_and_in_its_block(tmp_path):
    _, text = _written(
        tmp_path, _costs(0.1, 0.5), claim("faster"), claim("late", added="when all was known")
    )
    opening, *_ = text.split("| claim |")
    assert "late was added after other claims had been judged." in opening
    assert "Added when all was known." in text.split("### late")[1]
    assert text.count("Added ") == 1


def _third(name, **given):
    """Return a panel with a third series, which no claim compares."""
    published = ("fig1_left_mnist_logreg/Adam",)
    third = Series(name=name, optimizer="rmsprop", rates=RATES, published=published, **given)
    found = panel(seeds=6, rates=RATES)
    return replace(found, series=(*found.series, third))


def test_a_series_beside_is_trained_and_shown_and_decides_nothing(tmp_path):
    costs = _costs(0.1, 0.5)
    one = claim("faster", CONSTANT)
    _, without = _written(tmp_path, costs, one, experiment=_third("third"))
    _, text = _written(tmp_path, costs, replace(one, beside=("third",)), experiment=_third("third"))
    assert "Printed too, and not run here: third." in without
    assert "| third |" not in without
    assert "Printed too" not in text
    assert len(re.findall(r"\| third \| .*\| \*\*0\.\d+\*\*", text)) == 1  # not of the variant
    for words in (r"\*\*Holds\.\*\* Difference .*", r"\| rates are constant \| .*"):
        assert re.findall(words, text) == re.findall(words, without) != []


def test_a_series_beside_without_results_is_left_to_run_and_keeps_no_verdict(tmp_path):
    def cost(trial):
        return "" if trial.optimizer.name == "rmsprop" else _costs(0.1, 0.5)(trial)

    _, text = _written(
        tmp_path, cost, claim("faster", beside=("third",)), experiment=_third("third")
    )
    assert "**Holds.**" in text
    assert "Printed too, and not run here: third." in text
    assert "| faster |" in text.split("## Not run")[1]


def test_a_cost_that_is_not_printed_in_figure_4_is_off_its_chart(tmp_path):
    names = ["fig4_vae_10ep_b1=0.0_b2=0.99/bias-corrected"]
    found = panel(epochs=10, rates=(0.001, 0.1))
    found = replace(found, series=tuple(replace(each, published=names) for each in found.series))
    costs = _costs(0.1, 0.5)
    _, text = _written(tmp_path, costs, claim(horizon=10, rate=0.001), experiment=found)
    assert "| 111.5 |" in text
    _, text = _written(tmp_path, costs, claim(horizon=10, rate=0.1), experiment=found)
    assert "| off the chart |" in text
    assert "rates chosen on" not in text  # the claim names its rate


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("about", "expected", "outcome"),
    [
        (["faster"], "holds", "confirmed"),
        (["faster"], "fails", "refuted"),
        (["slower"], "holds", "refuted"),
        (["slower"], "fails", "confirmed"),
        (["faster", "slower"], "holds", "confirmed by 1, refuted by 1"),
        (["faster", "unrun"], "holds", "confirmed by 1, open in 1"),
        (["slower", "unrun"], "holds", "refuted by 1, open in 1"),
        (["unrun"], "holds", "open"),
    ],
)
def test_what_was_expected_is_confirmed_refuted_or_open(tmp_path, about, expected, outcome):
    slower = claim("slower")
    [contrast] = slower.contrasts
    slower = replace(slower, contrasts=(replace(contrast, first="old", second="new"),))
    costs = _costs(0.1, 0.5)

    def cost(trial):
        is_unrun = (trial.purpose, rate(trial)) == ("evaluation", 0.001)
        return "" if is_unrun else costs(trial)

    _, text = _written(
        tmp_path,
        cost,
        claim("faster"),
        slower,
        claim("unrun", rate=0.001),
        expectations=[Expectation(statement="so it is", claims=about, expected=expected)],
    )
    assert f"| so it is | **{outcome}** |" in text


def test_an_expectation_of_a_variant_is_about_that_alone(tmp_path):
    _, text = _written(
        tmp_path,
        _costs(0.1, 0.5, constant_new=0.9),
        claim("faster", CONSTANT),
        expectations=[
            Expectation(
                statement="so it is",
                claims=["faster"],
                variant="rates are constant",
                expected="fails",
            )
        ],
    )
    row = "| so it is | **confirmed** | faster, if rates are constant: refuted |"
    assert row in text


def test_no_caption_or_remark_is_cut(tmp_path):
    remark = "word " * 200 + "end"
    _, text = _written(tmp_path, _costs(0.1, 0.5), claim("faster", remark=remark))
    assert f"Remark: {remark}." in text
