import re
from dataclasses import replace

import pytest

from benchmark.analysis.frame import read
from benchmark.record import Record
from benchmark.report import markdown
from benchmark.report.claims import Claim, Spread
from benchmark.report.findings import Findings
from benchmark.report.markdown_text import as_text
from benchmark.report.page.headline import headlines
from benchmark.report.untuned import claim_sentence
from benchmark.report.words import PICKED

OPTS = "sgd:lr=0.1|0.01,adam"


def one_is_best(studied):
    return studied(OPTS, final=lambda trial: 0.1 if trial.label == "adam" else 0.4)


def all_are_equal(studied):
    return studied(OPTS)


def one_would_be_best_but_diverged(studied):
    store = one_is_best(studied)
    end(store, "diverged", lambda trial: (trial.label, trial.seed) == ("adam", 0))
    return store


def every_optimizer_diverged_once(studied):
    store = studied(OPTS)
    end(store, "diverged", lambda trial: trial.seed == 0)
    return store


def nothing_is_done(studied):
    store = studied(OPTS)
    end(store, "failed", lambda trial: True)
    return store


def two_settings_of_one_problem(studied):
    studied(OPTS)
    return studied(OPTS, epochs=2)


def names_that_are_markup(studied):
    return studied("sgd@*a*|b<i>,adam@_x_")


STUDIES = [
    one_is_best,
    all_are_equal,
    one_would_be_best_but_diverged,
    every_optimizer_diverged_once,
    nothing_is_done,
    two_settings_of_one_problem,
    names_that_are_markup,
]


def end(store, status, which):
    for record in store.records():
        if which(record.trial):
            store.write(Record(trial=record.trial, status=status, reason="nan"))


def seen_on_test_data(make):
    def made(studied):
        store = make(studied)
        for record in store.records():
            if record.status == "done":
                metrics = {**record.metrics, "test/accuracy": 0.5}
                store.write(replace(record, metrics=metrics))
        return store

    return made


def without_spread(claim):
    return re.sub(r": ([^ ]+) \([^)]*\)", r": \1", claim).replace(";", ",")


@pytest.mark.parametrize("has_test", [False, True])
@pytest.mark.parametrize("make", STUDIES)
def test_page_and_document_claim_the_same(studied, make, has_test):
    store = (seen_on_test_data(make) if has_test else make)(studied)
    findings = Findings(frames=read([store]))
    for setting, shown in zip(findings.settings.values(), headlines(findings), strict=True):
        names = [*setting.claim.names, setting.claim.title]
        claim = without_spread(shown.claim)
        for name in names:
            claim = claim.replace(name, as_text(name))
        text = markdown.headline(setting)
        assert text.startswith(claim)
        for passed in setting.claim.passed:
            sentence = f"{passed.label} reached 0.11\u00a0nats in 1 seed, but diverged in 1."
            assert sentence in text
            assert sentence in shown.evidence


def test_where_seeds_diverged_everywhere_both_say_so(studied):
    findings = Findings(frames=read([every_optimizer_diverged_once(studied)]))
    (setting,) = findings.settings.values()
    said = "On logreg/digits, every optimizer has a seed that diverged: no mean is compared."
    assert markdown.headline(setting) == headlines(findings)[0].claim == said


CLAIM = Claim(
    title="mlp/mnist",
    metric="val/loss",
    names=("adam", "sgd"),
    value=0.125,
    test_metric="test/loss",
    test_values=(0.25, 0.5),
)
SURE = Spread(seeds=5, low=0.1, high=0.15)


@pytest.mark.parametrize(
    ("spreads", "words"),
    [
        ((), ""),
        ((SURE,), " (95\u00a0% interval 0.1 to 0.15, 5 seeds, " + PICKED + ")"),
        ((Spread(seeds=1, low=None, high=None),), " (1 seed)"),
        ((SURE, Spread(seeds=4, low=0.1, high=0.15)), ""),
    ],
)
def test_a_spread_is_said_where_all_of_the_best_have_the_same(spreads, words):
    claim = replace(CLAIM, spreads=spreads)
    assert claim_sentence(claim, has_spread=True) == (
        "adam and sgd share the lowest validation loss on mlp/mnist: "
        f"0.125{words}; test loss 0.25 and 0.5."
    )
    assert claim_sentence(claim, has_spread=False).endswith(": 0.125, test loss 0.25 and 0.5.")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("test/accuracy", "test accuracy 25.00\u00a0% and 50.00\u00a0%."),
        ("test/psnr", "test PSNR 0.25\u00a0dB and 0.50\u00a0dB."),
        ("test/rmse", "test root mean squared error 0.25 and 0.5."),
        ("test/r2", "test R² 0.25 and 0.5."),
    ],
)
def test_a_result_on_test_data_has_its_name_and_its_unit(metric, words):
    claim = replace(CLAIM, test_metric=metric)
    assert claim_sentence(claim, has_spread=False) == (
        f"adam and sgd share the lowest validation loss on mlp/mnist: 0.125, {words}"
    )
