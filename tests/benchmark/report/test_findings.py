import sys
from collections import Counter
from dataclasses import replace

import pytest

from benchmark.analysis.compare import ALPHA
from benchmark.analysis.finals import best_variants, leaderboard, passed_over, scores, winners
from benchmark.analysis.frame import read
from benchmark.errors import UsageError
from benchmark.metrics import tabled
from benchmark.record import Environment, Record
from benchmark.report.claims import Versus
from benchmark.report.document import write_document
from benchmark.report.evidence import gather
from benchmark.report.figures.write import draw_all
from benchmark.report.findings import METRIC, Findings
from benchmark.report.page.build import build
from benchmark.report.verdicts import short_p
from benchmark.report.wandb_report import Project, build_report
from tests.grids import taking_turns


def findings_of(*stores, reference=None):
    return Findings(frames=read(stores), reference=reference)


def in_short(one):
    """Return a comparison as ``▲ .008``, ``▼ .008`` or ``= 1``."""
    sign = "=" if one.p_holm > ALPHA else "▲" if one.effect > 0 else "▼"
    return f"{sign} {short_p(one.p_holm)}"


def verdicts(store, reference=None):
    findings = findings_of(store, reference=reference)
    found = {findings.labels[variant]: "ref." for variant in findings.references.values()}
    for setting in findings.settings.values():
        for one in setting.versus.family:
            found[findings.labels[one.variant]] = in_short(one)
    return found


def finals(**values):
    return lambda trial: values[trial.label]


def test_a_clear_difference_over_enough_seeds_has_its_p(studied):
    store = studied(seeds=8, final=finals(adam=0.2, sgd=0.6))
    # All 8 pairs have the same difference: p is 2 × ½⁸ = 0.0078, rounded up, for one comparison.
    assert verdicts(store) == {"adam": "ref.", "sgd": "▼ .008"}
    assert verdicts(store, "sgd") == {"sgd": "ref.", "adam": "▲ .008"}


def test_equal_results_over_enough_seeds_show_no_difference(studied):
    store = studied(seeds=8, final=finals(adam=0.2, sgd=0.2))
    assert sorted(verdicts(store).values()) == ["= 1", "ref."]


def test_more_comparisons_make_each_harder(studied):
    values = {"adam": 0.2, "sgd": 0.6, "momentum": 0.5, "adagrad": 0.4}
    store = studied(",".join(values), seeds=8, final=finals(**values))
    others = [name for name in values if name != "adam"]
    # 2 × ½⁸ = 0.0078, times 3 comparisons with a named reference, or times 6 pairs without one.
    assert {verdicts(store, "adam")[name] for name in others} == {"▼ .024"}
    assert {verdicts(store)[name] for name in others} == {"▼ .047"}


def test_only_the_best_of_a_grid_is_compared(studied):
    values = {"adam": 0.2, "sgd lr=0.1": 0.5, "sgd lr=0.01": 0.9}
    store = studied("adam,sgd:lr=0.1|0.01", seeds=6, final=lambda trial: values[trial.label])
    # 2 × ½⁶ = 0.031 for one comparison; with two it would be 0.062.
    assert verdicts(store) == {"adam": "ref.", "sgd lr=0.1": "▼ .032"}


def test_a_reference_with_several_variants_is_its_best(studied):
    values = {"adam": 0.2, "sgd lr=0.1": 0.5, "sgd lr=0.01": 0.9}
    store = studied("adam,sgd:lr=0.1|0.01", final=lambda trial: values[trial.label])
    assert verdicts(store, "sgd")["sgd lr=0.1"] == "ref."
    assert verdicts(store, "sgd lr=0.01")["sgd lr=0.01"] == "ref."


def test_of_a_diverging_reference_the_variant_that_diverges_least_is_compared_with(studied):
    values = {"adam": 0.2, "sgd lr=0.1": 0.5, "sgd lr=0.01": 0.9}
    store = studied("adam,sgd:lr=0.1|0.01", seeds=8, final=lambda trial: values[trial.label])
    for record in store.records():
        if record.trial.label == "sgd lr=0.1" or (record.trial.label, record.trial.seed) == (
            "sgd lr=0.01",
            0,
        ):
            store.write(Record(trial=record.trial, status="diverged", reason="loss is nan"))
    assert verdicts(store, "sgd") == {"sgd lr=0.01": "ref.", "adam": "▲ .008"}
    assert verdicts(store, "sgd lr=0.1")["sgd lr=0.1"] == "ref."


def test_a_setting_without_a_result_of_the_reference_misses_it(studied):
    store = studied()
    for record in store.records():
        if record.trial.label == "adam":
            store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    (setting,) = findings_of(store, reference="adam").settings.values()
    assert setting.versus == Versus(missing="adam")
    (setting,) = findings_of(store, reference="sgd").settings.values()
    assert (setting.versus.reference is None, setting.versus.missing) == (False, "")


def test_an_unknown_reference_is_refused_with_those_that_there_are(studied):
    with pytest.raises(UsageError, match=r"no trials of reference 'lion'\. Known: \w+, \w+$"):
        verdicts(studied(), "lion")


def every_number(findings):
    """Return a few numbers of every kind; a second call must return the same objects."""
    numbers = findings.metrics[METRIC]
    return [
        findings.chosen,
        findings.best,
        findings.costs,
        findings.origins,
        findings.settings,
        *[setting.versus for setting in findings.settings.values()],
        *[setting.claim for setting in findings.settings.values()],
        *[numbers.boards[kind] for kind in ("final", "best", "area")],
        *[numbers.families[kind] for kind in ("final", "best", "area")],
        *[numbers.target_tables[axis] for axis in ("step", "train_seconds")],
        numbers.ranking,
        numbers.basins,
        numbers.search,
        numbers.curves,
    ]


def test_what_was_computed_is_kept(studied):
    findings = findings_of(studied("sgd:lr=0.1|0.01,adam", seeds=3))
    first = every_number(findings)
    assert all(a is b for a, b in zip(first, every_number(findings), strict=True))


def test_nothing_is_computed_before_it_is_asked_for(studied):
    findings = findings_of(studied(), reference="nobody")
    assert findings.labels
    assert "chosen" not in vars(findings)
    with pytest.raises(UsageError, match="no trials of reference"):
        _ = findings.references


def calls_of(functions, work):
    """Return how often each of `functions` was called while `work` was done."""
    codes = {function.__code__: function.__name__ for function in functions}
    counts = Counter()

    def count(frame, event, _):
        if event == "call" and frame.f_code in codes:
            counts[codes[frame.f_code]] += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counts


RENDERERS = {
    "page": lambda store, reference: build([store], reference=reference),
    "document": lambda store, reference: write_document(
        [store], store.folder / "out.md", reference
    ),
    "terminal": lambda store, reference: gather(store, reference),
    "figures": lambda store, reference: draw_all(findings_of(store, reference=reference)),
    "W&B report": lambda store, reference: build_report(
        findings_of(store, reference=reference), Project(name="suite")
    ),
}


@pytest.mark.one_in(3)
@taking_turns(("renderer", "reference"), RENDERERS, [None, "adam"])
def test_the_best_are_chosen_once_for_a_whole_report(studied, renderer, reference):
    opts = "sgd:lr=0.1|0.01,adam"
    studied(opts, problem="mlp/digits", metrics=["val/loss"])
    store = studied(opts, metrics=["val/loss"])
    choosers = [best_variants, winners, passed_over]
    counts = calls_of(choosers, lambda: RENDERERS[renderer](store, reference))
    assert counts["best_variants"] == 1 + (reference is not None and renderer in COMPARING)
    # `passed_over` calls `winners` itself.
    assert counts["winners"] - counts["passed_over"] <= 1
    assert counts["passed_over"] <= 1


# These also need the best variant of a named reference.
COMPARING = ("document", "terminal", "figures", "W&B report")


@pytest.mark.slow
def test_a_scores_table_is_made_once_for_each_metric_and_kind(studied):
    store = studied("sgd:lr=0.1|0.01,adam", metrics=["val/loss", "val/accuracy"])
    metrics = read([store]).metrics
    counts = calls_of([scores, leaderboard], lambda: build([store]))
    assert counts["scores"] == 3 * len(metrics)  # final, best, area
    document = calls_of([scores], lambda: RENDERERS["document"](store, None))
    assert document["scores"] == len([name for name in metrics if name in tabled()])


def test_origins_are_counted_by_data_set(studied):
    store = studied(seeds=1)
    studied(problem="mlp/digits", seeds=1)
    for record in store.records():
        data = "0f" if record.trial.seed == 0 else "1e"
        facts = Environment(packages={"torch": "2.14", "gpu": ""}, data=data)
        store.write(replace(record, environment=facts))
    found = [(one.name, one.value, one.dataset, one.trials) for one in findings_of(store).origins]
    assert found == [("torch", "2.14", "", 4), ("data", "0f", "digits", 4)]


def test_settings_of_one_problem_are_titled_by_their_names(studied):
    studied()
    store = studied(epochs=2)
    titles = {name: each.title for name, each in findings_of(store).settings.items()}
    assert list(titles) == list(titles.values())
    assert len(titles) == 2
    store = studied(name="alone")
    assert [each.title for each in findings_of(store).settings.values()] == ["logreg/digits"]
