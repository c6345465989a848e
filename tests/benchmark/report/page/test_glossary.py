"""The glossary and the terms in the page's scripts, compared both ways without a browser."""

import re

import pytest

from benchmark.analysis.diagnostics import QUANTITIES
from benchmark.axes import AXES
from benchmark.metrics import METRICS, metric_words, names_of
from benchmark.report.page.glossary import GLOSSARY, glossary
from benchmark.report.page.modules import joined
from benchmark.report.page.page import _MAIN

TEXT = r'"([^"]+)"'
# Arguments of `term` that are not string literals, and patterns that find their values.
LISTS = {
    "Object.values(CHOICES.score)": r"score: \{(.*?)\}",
    "Object.values(CHOICES.center)": r"center: \{(.*?)\}",
}
AXIS_WORDS = {axis.words for axis in AXES.values()}  # from the payload, as are those of metrics
METRIC_WORDS = {metric_words(name) for name in names_of(lambda metric: metric.splits)}
PAYLOADS = {
    "Object.values(CHOICES.x)": AXIS_WORDS,
    "AXIS_WORDS[state.x]": AXIS_WORDS,
    "...definedMetrics()": METRIC_WORDS & GLOSSARY.keys(),
}


@pytest.fixture(scope="module")
def scripts():
    return joined(_MAIN)


@pytest.fixture(scope="module")
def first_arguments(scripts):
    """Return the first argument of every call of `term`."""
    calls = re.findall(
        r"\bterm\((\[[^\]]*(?:\[[^\]]*\][^\]]*)*\]|\"[^\"]+\"|[^,\"\[]+?\))", scripts
    )
    assert len(calls) + 1 == len(re.findall(r"\bterm\(", scripts))  # and its definition
    return calls


@pytest.fixture(scope="module")
def referred_to(scripts, first_arguments):
    found = set(re.findall(TEXT, " ".join(first_arguments)))
    for name, place in LISTS.items():
        if any(name in call for call in first_arguments):
            (inside,) = re.findall(place, scripts, flags=re.DOTALL)
            found |= set(re.findall(TEXT, inside))
    for name, words in PAYLOADS.items():
        if any(name in call for call in first_arguments):
            found |= words
    return found | {
        quantity.replace("_", " ") for quantity in QUANTITIES
    }  # definition(…) in inside.js


def test_everything_that_the_scripts_refer_to_is_defined(referred_to):
    assert referred_to - GLOSSARY.keys() == set()


def test_every_definition_can_be_reached(referred_to):
    assert GLOSSARY.keys() - referred_to == set()


def test_definitions_are_sentences():
    assert all(words[0].isupper() or words[0] in "“" for words in GLOSSARY.values())
    assert all(words.endswith(".") for words in GLOSSARY.values())


def test_definitions_name_what_was_measured():
    classified, regressed = (
        " ".join(glossary([METRICS[name].on("val") for name in names]).values())
        for names in (("loss", "accuracy"), ("loss", "rmse", "r2"))
    )
    assert "Losses and accuracies are evaluated" in classified
    assert "For accuracies it is computed on the logit scale. " in classified
    assert "By metric: log for losses, linear for accuracies." in classified
    assert "Losses, root mean squared errors and R² values are evaluated" in regressed
    assert "By metric: log for losses and root mean squared errors, linear for R² v" in regressed
    assert "accurac" not in regressed
    assert "  " not in regressed
