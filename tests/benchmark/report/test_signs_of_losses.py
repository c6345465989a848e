"""Reports on a task whose loss may be negative, and which measures no accuracy."""

import io
import json
import re

import pytest
from rich.console import Console

from benchmark.analysis.frame import read
from benchmark.report import markdown
from benchmark.report.figures.write import draw_all
from benchmark.report.findings import Findings
from benchmark.report.page.build import build
from benchmark.report.table import print_tables


@pytest.fixture(params=[2.0, 0.0, -3.0])
def lowest(request):
    return request.param


@pytest.fixture
def store(study, log, lowest):
    """Return a study of two rates whose best loss ends at `lowest`."""
    ends = {0.1: lowest, 0.01: lowest + 1.0}

    def rows(end):
        return [
            {"step": i * 10, "epoch": float(i), "samples": i * 1280, "train_seconds": i * 1.0}
            | {"val/loss": end + 5.0 - i}
            for i in range(6)
        ]

    return study(*(log("sgd", lr=lr, rows=rows(end)) for lr, end in ends.items()))


def test_charts_are_logarithmic_only_where_every_value_is_positive(store, lowest):
    findings = Findings(frames=read([store]))
    assert findings.metrics["val/loss"].is_logarithmic == (lowest > 0)
    page = build([store])
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    found = {each["name"]: each["logarithmic"] for each in payload["metrics"]}
    assert found["val/loss"] == (lowest > 0)
    scales = {drawing.figure.axes[0].get_yscale() for drawing in draw_all(findings)}
    assert ("log" in scales) <= (lowest > 0)


def test_no_text_names_ties_by_what_was_not_measured(store):
    findings = Findings(frames=read([store]))
    console = Console(file=io.StringIO(), width=120)
    print_tables(console, store.records())
    texts = [console.file.getvalue(), markdown.how_to_read(findings), build([store])]
    texts += [drawing.caption for drawing in draw_all(findings)]
    assert any("lowest mean validation loss" in text for text in texts)
    assert not any("ties by" in text for text in texts)


def test_what_lies_within_a_share_is_said_only_of_positive_losses(store, lowest):
    [setting] = Findings(frames=read([store])).settings.values()
    text = markdown.sensitivity(setting)
    assert ("not defined" in text) == (lowest <= 0)
    assert ("…" in text.split("\n")[-1]) == (lowest > 0)
