"""The verdicts on a paper, as a table and as JSON."""

import json
from io import StringIO

from rich.console import Console

from benchmark.paper.judgement import Evidence, judge_paper
from benchmark.report.paper.table import print_verdicts, verdicts_as_json
from tests.benchmark.paper.panels import EPOCHS, claim, panel, rules


def _verdicts(new, old, seeds=6):
    found = rules(claim(), experiment=panel(seeds=seeds))
    values = {
        "new": {s: None if new is None else new + s / 1e4 for s in range(seeds)},
        "old": dict.fromkeys(range(seeds), old),
    }
    return judge_paper(found, [Evidence(claim="faster", epochs=EPOCHS, values=values)])


def _printed(verdicts):
    console = Console(width=160, file=StringIO())
    print_verdicts(console, verdicts)
    return console.file.getvalue()


def test_a_row_has_the_quotation_the_verdict_and_the_numbers():
    text = _printed(_verdicts(0.1, 0.5))
    for words in ("faster", "“new is faster”", "holds", "new − old: -0.4 [-0.4, -0.4]", "< 0.001"):
        assert words in text


def test_a_claim_without_runs_has_no_numbers():
    text = _printed(judge_paper(rules(), []))
    assert "not testable without runs" in text
    assert text.count("–") >= 2


def test_json_has_the_same_numbers_and_none_for_what_is_unknown():
    [known] = json.loads(json.dumps(verdicts_as_json(_verdicts(0.1, 0.5)), allow_nan=False))
    assert (known["verdict"], known["contrasts"][0]["n"]) == ("holds", 6)
    assert -0.41 < known["contrasts"][0]["low"] <= known["contrasts"][0]["high"] < -0.39
    [diverged] = json.loads(json.dumps(verdicts_as_json(_verdicts(None, 0.5)), allow_nan=False))
    assert diverged["contrasts"][0]["difference"] is None
    assert diverged["contrasts"][0]["without_value"] == [6, 0]
