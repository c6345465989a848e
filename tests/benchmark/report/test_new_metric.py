"""A metric of another task: with one row in the table, it appears in every view."""

import io
import json
import math
import re

import pytest
from rich.console import Console

from benchmark.analysis.frame import read
from benchmark.metrics import METRICS, PER_CENT, Metric, Unit, metric_words
from benchmark.report import markdown
from benchmark.report.figures.write import draw_all
from benchmark.report.findings import Findings
from benchmark.report.page.build import build
from benchmark.report.table import print_tables, tables_as_json
from benchmark.report.words import NO_BREAK

KELVIN = Unit(sign="K", words="kelvin", factor=1.0, decimals=1)
ROWS = {
    "rmse": {"better": "lower", "unit": KELVIN, "logarithmic": True},
    "perplexity": {"better": "lower"},
    "recall": {"better": "higher", "unit": PER_CENT},
}
SHOWN = {"rmse": ("3.5", "2.5"), "perplexity": ("3.5000", "2.5"), "recall": ("350.00", "250.00")}


@pytest.fixture(params=ROWS)
def metric(request, monkeypatch):
    """Return a row that is in the table of metrics during a test."""
    name = request.param
    row = Metric(
        name=name,
        words=f"{{split}} {name}",
        heading=name[:5],
        tabled=("val", "test"),
        in_headline=True,
        **ROWS[name],
    )
    monkeypatch.setitem(METRICS, name, row)
    return row


@pytest.fixture
def store(study, log, metric):
    """Return a study that measures a loss and the new metric, and no accuracy."""

    def rows(end):
        return [
            {"step": i * 10, "epoch": i, "samples": i * 1280, "train_seconds": i * 1.0}
            | {"val/loss": 5.0 - i * (5.0 - end) / 5}
            | {metric.on("val"): end + 3.0 - i / 5, metric.on("test"): end + 2.0 - i / 5}
            for i in range(6)
        ]

    return study(*(log(name, rows=rows(end)) for name, end in (("adam", 1.5), ("sgd", 2.5))))


def test_the_terminal_has_its_column_and_none_of_what_was_not_measured(store, metric):
    console = Console(file=io.StringIO(), width=120)
    print_tables(console, store.records())
    text = console.file.getvalue()
    head, *rows = text.partition("optimizer")[2].splitlines()
    assert f"{metric.heading} {metric.unit.sign}".strip() in head
    assert "acc" not in head
    assert SHOWN[metric.name][0] in next(row for row in rows if "adam" in row)
    (best, other) = tables_as_json(store.records())
    assert sorted(row["metrics"][metric.on("val")]["mean"] for row in (best, other)) == [3.5, 4.5]


@pytest.mark.one_in(3)
def test_the_page_has_its_tables_its_unit_and_its_way(store, metric):
    page = build([store])
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    found = {each["name"]: each for each in payload["metrics"]}
    assert list(found) == ["val/loss", metric.on("val"), metric.on("test")]
    on_test = found[metric.on("test")]
    assert on_test["words"] == f"test {metric.name}"
    assert on_test["chosen_by"] == f"validation {metric.name}"
    assert [unit["sign"] for unit in on_test["units"]] == [metric.unit.sign]
    assert on_test["higher_is_better"] is (metric.better == "higher")
    best = payload["settings"][0]["variants"].index(
        next(v for v in payload["settings"][0]["variants"] if v["label"].startswith("adam"))
    )
    order = on_test["standings"]["final"][0]["board"]["variant"]
    assert (order[0] == best) is (metric.better == "lower")
    assert f"; test {metric.name} {SHOWN[metric.name][1]}" in payload["headlines"][0]["claim"]


def test_texts_and_figures_have_it(store, metric):
    findings = Findings(frames=read([store]))
    (setting,) = findings.settings.values()
    sign = f", {metric.unit.sign}" * bool(metric.unit.sign)
    assert f"| validation {metric.name}{sign} | test {metric.name}{sign} |" in markdown.board(
        setting, setting.variants
    )
    assert f"logreg-digits-validation-{metric.name}" in [each.name for each in draw_all(findings)]


REGRESSION = ("rmse", "mae", "mse", "r2")


@pytest.fixture
def regression(study, log):
    """Return a study of two optimizers whose errors differ so much by seed that 0 is within reach.

    R² is negative for one of them.
    """

    def rows(error):
        found = {"val/loss": math.log(error)} | {"val/r2": 1.0 - error, "test/r2": 1.0 - error}
        for name in ("rmse", "mae", "mse"):
            found |= {f"val/{name}": error, f"test/{name}": error}
        return [
            {"step": i * 10, "epoch": i, "samples": i * 1280, "train_seconds": i * 1.0}
            | {name: value * (i + 1) / 3 for name, value in found.items()}
            for i in range(3)
        ]

    errors = {"adam": (0.1, 0.2, 1.5), "sgd": (2.0, 3.0, 9.0)}
    return study(
        *(
            log(name, seed=seed, rows=rows(error))
            for name, own in errors.items()
            for seed, error in enumerate(own)
        )
    )


def test_errors_of_regression_never_end_below_zero_and_r2_and_the_loss_may(regression):
    means = {row["optimizer"]: row["metrics"] for row in tables_as_json(regression.records())}
    for own in means.values():
        for name in ("rmse", "mae", "mse"):
            assert own[f"test/{name}"]["low_95"] == 0.0
            assert own[f"test/{name}"]["high_95"] > own[f"test/{name}"]["mean"]
        assert "test/accuracy" not in own
    findings = Findings(frames=read([regression]))
    lows = {name: findings.metrics[f"test/{name}"].boards["final"]["low"] for name in REGRESSION}
    assert [min(lows[name]) for name in ("rmse", "mae", "mse")] == [0.0] * 3
    assert min(lows["r2"]) < 0
    assert min(findings.metrics["val/loss"].boards["final"]["low"]) < 0


def test_a_regression_is_shown_with_its_metrics_in_every_view(regression):
    console = Console(file=io.StringIO(), width=200)
    print_tables(console, regression.records())
    head = console.file.getvalue().partition("optimizer")[2].splitlines()[0].split()
    assert all(head.count(word) == 2 for word in ("rmse", "mae", "mse", "R²"))
    assert "acc" not in head
    findings = Findings(frames=read([regression]))
    (setting,) = findings.settings.values()
    board = markdown.board(setting, setting.variants)
    page = build([regression])
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    found = {each["name"]: each for each in payload["metrics"]}
    for name in REGRESSION:
        words = metric_words(f"test/{name}")
        assert f" {words} |" in board
        assert found[f"test/{name}"]["words"] == words
        assert found[f"test/{name}"]["higher_is_better"] is (name == "r2")
        assert found[f"test/{name}"]["logarithmic"] is (name != "r2")
    # the mean test/rmse of adam
    assert "; test root mean squared error 0.6" in payload["headlines"][0]["claim"]
    assert "test R²" in payload["glossary"]
    names = [each.name for each in draw_all(findings)]
    assert "logreg-digits-validation-root-mean-squared-error" in names


@pytest.fixture
def bound(study, log):
    """Return a study of two optimizers that measures the KL divergence, which no one minimizes."""

    def rows(end):
        return [
            {"step": i * 10, "epoch": i, "samples": i * 1280, "train_seconds": i * 1.0}
            | {"val/loss": 5.0 - i * (5.0 - end) / 5}
            | {f"{split}/kl_divergence": end + 3.0 + i for split in ("val", "test")}
            for i in range(6)
        ]

    ends = (("sgd", 2.5), ("adam", 1.5))
    return study(*(log(name, seed=seed, rows=rows(end)) for name, end in ends for seed in (0, 1)))


def test_a_metric_of_which_neither_is_better_is_shown_and_not_ranked(bound):
    console = Console(file=io.StringIO(), width=120)
    print_tables(console, bound.records())
    assert console.file.getvalue().partition("optimizer")[2].count("KL nats") == 2
    findings = Findings(frames=read([bound]))
    (setting,) = findings.settings.values()
    assert "| test KL divergence, nats |" in markdown.board(setting, setting.variants)
    page = build([bound])
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    found = {each["name"]: each for each in payload["metrics"]}
    on_test = found["test/kl_divergence"]
    assert on_test["higher_is_better"] is None
    assert on_test["chosen_by"] == ""
    assert on_test["standings"]["final"][0]["board"]["mean"] == [10.5, 9.5]  # as they were run
    assert on_test["standings"]["best"][0]["board"]["mean"] == [None, None]
    assert all(each[0]["comparisons"]["a"] == [] for each in on_test["standings"].values())
    assert on_test["races"][0]["target"] is None
    assert on_test["ranks"] == {"over_settings": None, "over_seeds": [None]}
    assert on_test["tuning"][0]["responses"]["mean"] == []
    names = [each.name for each in draw_all(findings)]
    assert "logreg-digits-validation-KL-divergence" in names


@pytest.mark.parametrize(
    "units",
    [
        {"vae/digits": "nats"},
        {"image/china": ""},
        {"charlm/manual": "nats", "mlp/digits": "nats"},
        {"charlm/manual": "nats", "image/china": ""},
    ],
)
def test_a_loss_has_the_unit_of_its_task(units, study, log):
    row = {"step": 10, "epoch": 1, "samples": 1280, "train_seconds": 1.0, "val/loss": 29.254}
    store = study(*(log("adam", problem=each, rows=[row]) for each in units))
    console = Console(file=io.StringIO(), width=120)
    print_tables(console, store.records())
    assert console.file.getvalue().split().count("nats") == list(units.values()).count("nats")
    findings = Findings(frames=read([store]))
    for setting in findings.settings.values():
        unit = units[setting.problem]
        board = markdown.board(setting, setting.variants)
        assert f"| validation loss{', ' * bool(unit)}{unit} |" in board
    page = build([store])
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    shown = zip(payload["settings"], payload["metrics"][0]["units"], strict=True)
    assert {setting["problem"]: unit["sign"] for setting, unit in shown} == units
    assert {unit["decimals"] for unit in payload["metrics"][0]["units"]} == {None}
    for setting, headline in zip(payload["settings"], payload["headlines"], strict=True):
        unit = units[setting["problem"]]
        assert f": 29.25{NO_BREAK * bool(unit)}{unit} (" in headline["claim"]


def test_a_study_without_results_has_no_column_of_a_metric(study, log):
    store = study(log("adam", status="failed", reason="killed", rows=[]))
    console = Console(file=io.StringIO(), width=120)
    print_tables(console, store.records())
    head = console.file.getvalue().partition("optimizer")[2].splitlines()[0]
    assert head.split() == ["s", "step", "seeds"]


def test_a_setting_has_the_metrics_of_its_own_task_beside_one_of_another(study, log):
    """One problem measures accuracy, another decibels and R²."""

    def rows(*names):
        row = {"step": 10, "epoch": 1, "samples": 1280, "train_seconds": 1.0}
        return [row | dict.fromkeys(["val/loss", "test/loss", *names], 0.5)]

    store = study(
        log("adam", problem="logreg/digits", rows=rows("val/accuracy", "test/accuracy")),
        log("adam", problem="image/china", rows=rows("val/psnr", "test/psnr", "test/r2")),
    )
    findings = Findings(frames=read([store]))
    digits, china = findings.settings.values()
    assert digits.claim.test_metric == "test/accuracy"
    assert china.claim.test_metric == "test/psnr"
    assert "PSNR" not in markdown.board(digits, digits.variants)
    board = markdown.board(china, china.variants)
    assert "accuracy" not in board
    assert "test PSNR, dB | test R² |" in board
