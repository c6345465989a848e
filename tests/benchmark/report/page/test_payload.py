import json
import re

import msgspec
import pytest

from benchmark.analysis.summary import summarize
from benchmark.errors import UsageError
from benchmark.metrics import CHOOSING
from benchmark.report.page.build import build
from benchmark.report.page.payload import Payload
from tests.benchmark.report.page.conftest import EVIL


def data_of(page, name="payload"):
    return json.loads(re.search(rf'id="{name}">(.*?)</script>', page, re.DOTALL)[1])


def starred(store):
    """Return the labels that the terminal marks, by setting."""
    return {
        setting: [row.trial.label for row in rows if row.best]
        for setting, rows in summarize(store.records()).items()
    }


def shown_best(payload):
    """Return the labels that the page marks, by setting."""
    return {
        s["name"]: [s["variants"][w]["label"] for w in s["winners"]] for s in payload["settings"]
    }


@pytest.fixture
def payload_of(study):
    return lambda *logs, **options: data_of(build([study(*logs)], **options))


@pytest.fixture
def payload(whole):
    """Return the payload of `logs`, whose page is made once."""
    return data_of(whole.read_text(encoding="utf-8"))


def test_the_leaderboard_has_the_numbers_of_the_records(payload):
    metric = next(m for m in payload["metrics"] if m["name"] == "val/accuracy")
    board = metric["standings"]["final"][0]["board"]
    variants = payload["settings"][0]["variants"]
    rows = {variants[v]["label"]: i for i, v in enumerate(board["variant"])}
    adam = rows["adam lr=0.001"]
    assert board["mean"][adam] == pytest.approx(0.932)
    assert board["seeds"][adam] == 5
    assert board["diverged"][rows["sgd lr=10"]] == 4


def test_terminal_and_page_agree_on_the_best(study, logs, payload):
    store = study(*logs)
    assert starred(store) == shown_best(payload)
    assert set(map(tuple, starred(store).values())) == {("adam lr=0.001",)}


def test_equal_losses_are_decided_by_the_accuracy_in_terminal_and_page(study, curve):
    store = study(curve("sgd", 0.4, 0.8), curve("adam", 0.4, 0.9), curve("nesterov", 0.5, 0.95))
    (best,) = starred(store).values()
    assert best == ["adam lr=0.1"]
    assert shown_best(data_of(build([store]))) == starred(store)


def test_equals_are_all_starred_in_terminal_and_page_whatever_the_order_of_their_seeds(
    study, curve
):
    losses = (0.1, 0.2, 0.3)  # whose floating-point sum depends on the order
    store = study(
        curve("nesterov", 0.9, seed=0),
        *(curve("rmsprop", loss, seed=seed) for seed, loss in enumerate(losses)),
        *(curve("adam", loss, seed=seed) for seed, loss in enumerate(reversed(losses))),
    )
    (best,) = starred(store).values()
    assert best == ["rmsprop lr=0.1", "adam lr=0.1"]
    payload = data_of(build([store]))
    assert shown_best(payload) == starred(store)
    (headline,) = payload["headlines"]
    assert headline["claim"].startswith(
        "rmsprop lr=0.1 and adam lr=0.1 share the lowest validation loss on logreg/digits: "
        "0.2\u00a0nats "
    )
    assert not any("adam" in sentence for sentence in headline["evidence"])


def test_the_metric_of_the_first_target_is_selected_first(study, curve):
    store = study(curve("sgd", 0.4, 0.9), curve("adam", 0.2, 0.95))
    for targets, first in (
        ({}, "val/loss"),
        ({"val/accuracy": 0.5, "val/loss": 0.5}, "val/accuracy"),
        ({"val/loss": 0.5}, "val/loss"),
    ):
        payload = data_of(build([store], targets=targets))
        assert payload["metrics"][payload["metric"]]["name"] == first


def test_without_an_accuracy_the_loss_decides(study, log):
    store = study(log("sgd", [2.0, 1.0]), log("adam", [2.0, 0.5]))
    (best,) = starred(store).values()
    assert best == ["adam lr=0.1"]
    assert shown_best(data_of(build([store]))) == starred(store)


def test_headline_first_metric_and_definitions_go_by_the_same_metric(payload):
    first = payload["metrics"][0]
    assert first["name"] == CHOOSING[0]
    setting, headline = payload["settings"][0], payload["headlines"][0]
    board = first["standings"]["final"][0]["board"]
    steady = [v for v, gone in zip(board["variant"], board["diverged"], strict=True) if not gone]
    assert setting["winners"] == steady[:1]
    words = f"lowest {first['words']}"
    assert words in headline["claim"]
    assert "mean validation loss" in payload["glossary"]["chosen hyperparameters"]


@pytest.mark.slow
def test_a_reference_limits_the_comparisons(payload, payload_of, logs):
    everyone = payload["metrics"][0]["standings"]["final"][0]["comparisons"]
    against = payload_of(*logs, reference="adam")["metrics"][0]["standings"]["final"][0]
    assert (len(everyone["a"]), len(against["comparisons"]["a"])) == (3, 2)


def test_a_reference_of_which_all_trials_failed_is_refused(study, curve):
    store = study(curve("adam"), curve("sgd", status="failed", reason="took too long"))
    with pytest.raises(UsageError, match="with a trial that is done or diverged. Known: adam"):
        build([store], reference="sgd")


@pytest.mark.slow
def test_test_metrics_choose_no_learning_rate(payload_of, curve):
    logs = [curve("sgd", 0.5, accuracy, lr=lr, seed=0) for lr, accuracy in ((0.1, 0.8), (1.0, 0.7))]
    for _, record, rows in logs:  # test data like the other rate better
        rows[-1]["test/accuracy"] = record.metrics["test/accuracy"] = (
            0.1 if record.trial.label == "sgd lr=0.1" else 0.9
        )
    metrics = {metric["name"]: metric["tuning"][0] for metric in payload_of(*logs)["metrics"]}
    found = metrics["test/accuracy"]
    assert (found["basins"]["best_lr"], found["basins"]["best"]) == ([0.1], [0.1])
    assert found["search"]["expected"][-1] == 0.1
    assert metrics["val/accuracy"]["search"]["expected"][-1] == 0.8


def test_an_unknown_reference_is_refused_with_the_known_ones(study, curve):
    store = study(curve("adam"))
    with pytest.raises(UsageError, match="with a trial that is done or diverged. Known: adam"):
        build([store], reference="adamm")


def test_target_times_agree_on_all_axes(payload):
    race = payload["metrics"][0]["races"][0]
    steps, epochs, samples = (race["tables"][a]["time"] for a in ("step", "epoch", "samples"))
    assert [None if s is None else s / 10 for s in steps] == epochs
    assert [None if s is None else s * 128 for s in steps] == samples


def test_provenance_counts_what_differs(payload_of, curve):
    logs = [
        curve("adam", seed=seed, environment={"torch": version, "data": "0f"})
        for seed, version in enumerate(("2.11", "2.11", "2.14"))
    ]
    facts = payload_of(*logs)["provenance"]
    assert facts == [
        {"name": "data of digits, SHA-256", "value": "0f", "trials": 3},
        {"name": "torch", "value": "2.11", "trials": 2},
        {"name": "torch", "value": "2.14", "trials": 1},
    ]


def test_failed_trials_are_listed_with_their_reasons(payload_of, curve, log):
    crashed = log("sgd", rows=[], status="failed", reason="the process was killed", seed=1)
    troubles = payload_of(curve("adam", points=21), crashed)["troubles"]
    assert troubles["reason"] == ["the process was killed"]
    assert troubles["status"] == ["failed"]


def test_a_page_asks_for_nothing_from_elsewhere(whole):
    page = whole.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", page)
    assert "@import" not in page
    assert "url(" not in page.replace("url(#", "")


def test_a_name_cannot_become_markup(study, curve):
    page = build([study(curve("adam", label=EVIL, reason=EVIL))])
    assert "alert(1)" in page
    assert "<script>alert" not in page


def test_two_studies_are_told_apart(study, curve):
    stores = [study(curve("adam"), name=name) for name in ("before", "after")]
    payload = data_of(build(stores))
    assert [o["label"] for o in payload["optimizers"]] == ["adam (before)", "adam (after)"]
    first, second = (o["style"] for o in payload["optimizers"])
    assert first["color"] == second["color"]
    assert first["dash"] != second["dash"]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("rates", [(0.1, 0.01), (0.1,), ()])
def test_every_column_has_the_type_that_scripts_are_checked_against(study, log, logs, rates):
    """Columns of text, whole numbers and absent values, with all, some and no trials done."""
    lost = log("adam", status="failed", reason="killed", lr=1.0, problem="logreg/digits")
    found = [one for one in logs if one[0].optimizer.hyperparameters["lr"] in rates]
    page = build([study(*found, lost)])
    text = re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1]
    msgspec.json.decode(text, type=Payload)
