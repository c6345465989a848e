"""The first screen: verdicts of a tuned study, and the line in place of them otherwise."""

import json
import re
from dataclasses import replace
from functools import partial
from io import StringIO

import pytest
from rich.console import Console

from benchmark.analysis.summary import summarize
from benchmark.report.document import write_document
from benchmark.report.evidence import gather
from benchmark.report.kept import verdicts_in
from benchmark.report.page.build import build
from benchmark.report.table import print_tables
from tests.benchmark.tuned_studies import OWN, RATES


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """Leave out the pictures of documents, which take seconds."""
    monkeypatch.setattr("benchmark.report.document.draw_all", lambda *_: [])


@pytest.fixture
def tuned(tuned):
    return partial(tuned, metrics=["val/loss"])


@pytest.fixture
def page_of(open_page, tmp_path):
    """Return a function that opens the page of a study, the same one at every call."""

    def make(*stores, **options):
        path = tmp_path / "tuned.html"
        if not path.exists():
            path.write_text(build(stores), encoding="utf-8")
        return open_page(path, **options)

    return make


def data_of(*stores):
    found = re.search(r'id="payload">(.*?)</script>', build(stores), re.DOTALL)
    return json.loads(found[1])


def words_of(panel):
    return {cell["label"]: cell["word"] for cell in panel["cells"]}


def test_each_problem_has_a_word_for_each_optimizer_the_readers_own_first(tuned):
    data = data_of(tuned(own=-0.1, momentum={"logreg/digits": 0.1, "mlp/digits": 0.0}))
    [study] = data["verdicts"]
    assert [panel["title"] for panel in study["panels"]] == ["logreg/digits", "mlp/digits"]
    first, second = map(words_of, study["panels"])
    assert first == {OWN: "better", "momentum": "worse", "adam": "reference"}
    assert second == {OWN: "better", "momentum": "equivalent", "adam": "reference"}
    assert [each["label"] for each in study["overall"]] == [OWN, "momentum"]
    assert [each["word"] for each in study["overall"]] == ["better", "worse"]
    assert study["sentences"][0]["words"].startswith(OWN)
    assert data["optimizers"][0]["label"] == OWN
    assert data["no_verdict"] == ""
    assert data["headlines"] == [None, None]


@pytest.mark.slow
def test_differences_and_margin_are_shares_of_the_reference(tuned):
    [study] = data_of(tuned(own=-0.1))["verdicts"]
    cell = study["panels"][0]["cells"][0]
    assert cell["low"] <= cell["relative"] <= cell["high"]
    assert cell["relative"] == pytest.approx(-0.1, abs=0.01)
    assert study["panels"][0]["margin"] == pytest.approx(0.01, rel=0.05)


def test_every_row_says_what_was_tried_tuned_and_seeded_and_the_edge(tuned):
    store = tuned(own=-0.1, changes={OWN: {"edge": "high"}})
    for panel in data_of(store)["verdicts"][0]["panels"]:
        for cell in panel["cells"]:
            assert "tuned over lr, 8 points" in cell["tuned"]
            assert cell["seeds"] == 10
        own = panel["cells"][0]
        assert own["word"] == "untuned"
        assert "highest" in own["edge"]
        assert own["edge"] in own["reason"]


CLAIMS = re.compile(r"significan|\bbest\b|\bahead\b|\blead\b|[▲▼★]", re.IGNORECASE)


@pytest.mark.one_in(2)
@pytest.mark.browser
@pytest.mark.parametrize("seeds", [2, 6])
def test_a_study_as_given_says_that_nothing_is_a_verdict_and_claims_nothing(
    page_of, study, curve, seeds
):
    names = ("adam", "sgd", "rmsprop")
    logs = [
        curve(name, 0.1 * (i + 1), seed=seed)
        for i, name in enumerate(names)
        for seed in range(seeds)
    ]
    page = page_of(study(*logs))
    line = page.locator("#no-verdict").inner_text()
    assert line.startswith("Nothing here is a verdict: ")
    assert "untuned" in line
    assert "--tune 16" in line
    assert ("fewer than 5 seeds" in line) == (seeds < 5)
    assert CLAIMS.findall(page.locator("body").inner_text()) == []


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("rates", "seeds", "reasons"),
    [
        ({"adam": [1, 2], "sgd": [1]}, 5, ["unequal numbers of settings were tried"]),
        (
            {"adam": [1, 2], "sgd": [1, 2]},
            5,
            ["chosen on the seeds that are reported", "at an edge"],
        ),
        ({"adam": [1], "sgd": [1]}, 4, ["fewer than 5 seeds"]),
        ({"adam": [1], "sgd": [1]}, 5, ["untuned"]),
    ],
)
def test_the_line_says_what_is_unlike(study, curve, rates, seeds, reasons):
    logs = [
        curve(name, 0.1 * lr, lr=float(lr), seed=seed)
        for name, own in rates.items()
        for lr in own
        for seed in range(seeds)
    ]
    line = data_of(study(*logs))["no_verdict"]
    assert [reason for reason in reasons if reason not in line] == []


@pytest.mark.browser
def test_the_first_screen_is_a_picture_and_a_click_leads_to_the_problem(page_of, tuned):
    page = page_of(tuned(own=-0.1, momentum=0.1))
    rows = [row.inner_text().split() for row in page.locator(".overall .contest").all()]
    assert [row[:2] for row in rows] == [[OWN, "better"], ["momentum", "worse"]]
    fields = page.locator(".overall td.better .forest, .overall td.worse .forest").all()
    assert len(fields) == 4
    for place in [field.bounding_box() for field in fields]:
        assert (place["width"] > 60, place["y"] + place["height"] <= 900) == (True, True)
    assert page.locator("#headline").is_hidden()
    fields[3].click()
    assert "mlp/digits" in page.locator("#setting").inner_text()
    page.locator(".overall").get_by_role("button", name="logreg/digits").click()
    assert "logreg/digits" in page.locator("#setting").inner_text()
    page.locator(".panels").get_by_role("button", name="mlp/digits").click()
    assert "mlp/digits" in page.locator("#setting").inner_text()
    assert page.evaluate("document.activeElement.id") == "leaderboard-title"
    page.locator(".panels .forest").nth(1).click()
    assert "logreg/digits" in page.locator("#setting").inner_text()


@pytest.mark.slow
@pytest.mark.browser
def test_on_a_phone_the_verdict_comes_first_and_nothing_overflows(page_of, tuned):
    store = tuned(own=-0.1)
    for dark in (False, True):
        page = page_of(store, width=390, dark=dark)
        word = page.locator(".overall .word").first.bounding_box()
        assert word["y"] < 500
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for element in page.locator("#verdicts .contest, #verdicts .panel, #verdicts li").all():
            assert element.evaluate("each => each.scrollWidth <= each.clientWidth + 1")


@pytest.mark.slow
@pytest.mark.browser
def test_words_differ_in_shape_and_not_in_colour_alone(page_of, tuned):
    page = page_of(
        tuned(own={"logreg/digits": -0.1, "mlp/digits": 0.1}, changes={"momentum": {"tried": 4}})
    )
    shapes = {
        chip.inner_text(): chip.locator("path").get_attribute("d")
        for chip in page.locator("#verdicts .word").all()
    }
    assert {"better", "worse", "mixed", "no verdict", "reference"} <= shapes.keys()
    assert len(set(shapes.values())) == len(shapes)


@pytest.mark.slow
@pytest.mark.browser
def test_the_search_shows_points_the_chosen_one_and_those_that_diverged(page_of, tuned):
    page = page_of(tuned())
    assert page.locator("#points-chart path.dot").count() == 3
    assert page.locator("#points-chart path.cross").count() == 3
    assert page.locator("#points-chart path.ring").count() == 3
    assert "tuning seed 10000" in page.locator("#search-body > p").first.inner_text()
    assert page.locator("#budget-chart path.line").count() == 3
    assert page.locator("#search-table tbody tr").first.inner_text().startswith(OWN)


@pytest.mark.slow
@pytest.mark.browser
def test_a_study_without_tuning_has_no_section_on_it(page_of, study, curve):
    assert page_of(study(curve("adam"))).locator("#search").is_hidden()


@pytest.mark.slow
@pytest.mark.browser
def test_the_readers_own_optimizer_is_first_in_lists_and_drawn_last(page_of, tuned):
    page = page_of(tuned())
    assert page.locator("#controls .chip").first.inner_text() == OWN
    options = page.locator("#choose-against option").all_inner_texts()
    assert len(options) == 1  # the declared reference
    assert OWN not in options
    lines = page.locator("#budget-chart path.line").all()
    assert [line.get_attribute("data-line") for line in lines][-1] == OWN


def test_beside_a_tuned_study_the_line_speaks_of_the_others(tuned, study, curve):
    data = data_of(tuned(), study(curve("adam"), curve("sgd")))
    assert len(data["verdicts"]) == 1
    assert data["no_verdict"].startswith("Other studies: no verdict: ")


@pytest.mark.one_in(2)
@pytest.mark.parametrize("seeds", [tuple(range(10)), tuple(range(100, 106))])
def test_the_page_counts_tuning_apart_and_gives_the_command_of_compare(tuned, seeds):
    data = data_of(tuned(seeds=seeds))
    assert data["trials"] == 2 * 3 * len(seeds)
    assert data["tuning_trials"] == 2 * 3 * len(RATES)
    [command] = data["commands"]
    assert command.startswith(f"python -m benchmark compare {OWN} --on logreg/digits,mlp/digits")
    assert " --against adam,momentum --budget 8 " in command
    assert (" --seeds 10 " if seeds[0] == 0 else " --seeds 100-105 ") in command


@pytest.mark.slow
def test_everything_is_compared_with_the_declared_reference(tuned):
    store = tuned(own=-0.1, momentum=-0.2)  # the reference is the worst
    assert data_of(store)["reference"] == "adam"
    evidence = gather(store)
    assert evidence.reference == "adam"
    assert {one.reference for one in evidence.comparisons.values()} == evidence.references
    assert all(difference in ("ref.", "") for difference in map(evidence.difference, _adams(store)))


def _adams(store):
    [*tables] = summarize(store.records()).values()
    return [row for rows in tables for row in rows if row.trial.label.startswith("adam")]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("busy", [0, 3])
def test_a_busy_machine_is_said_in_the_same_words_everywhere(tuned, tmp_path, busy):
    store = tuned()
    done = [each for each in store.records() if each.trial.purpose == "evaluation"]
    for place, record in enumerate(done):
        load = 0.5 if place < busy else 0.99
        clocks = replace(record.clocks, load=load)
        where = replace(record.environment, device="cpu")
        store.write(replace(record, clocks=clocks, environment=where))
    words = f"The machine was busy during 3 of {len(done)} trials: their seconds are too long."
    [document, *_] = write_document([store], tmp_path / "out.md", None)
    console = Console(file=StringIO(), width=200)
    print_tables(console, store.records(), gather(store))
    assert data_of(store)["busy"] == (words if busy else "")
    for text in (document.read_text(), console.file.getvalue()):
        assert (words in text) == bool(busy)
        assert busy or "busy" not in text


def test_all_pairs_are_the_same_on_the_page_in_markdown_and_in_json(tuned, tmp_path):
    store = tuned(own=-0.1, momentum=0.1)
    [study] = data_of(store)["verdicts"]
    assert len(study["pairs"]) == 3 * 2  # pairs, problems
    write_document([store], tmp_path / "report.md", None)
    text = (tmp_path / "report.md").read_text().replace("\\", "")
    assert "### All pairs" in text
    as_json = verdicts_in(store, store.records).as_json["pairs"]
    for row, pair in zip(study["pairs"], as_json, strict=True):
        cells = [row[name] for name in ("problem", "pair", "difference", "word")]
        assert f"| {' | '.join(cells)} |".replace("\u00a0", " ") in text
        assert row["pair"] == f"{pair['optimizer']} − {pair['other']}"
        assert row["word"].startswith(pair["word"])
        assert row["p_value"] == pair["p"]
    words = {row["pair"]: row["word"] for row in study["pairs"]}
    assert words[f"momentum − {OWN}"] == "worse (exploratory)"
    assert words[f"{OWN} − adam"] == "better (verdict)"
    assert study["pairs_note"].replace("\xa0", " ") in text.replace("\xa0", " ")


@pytest.mark.slow
@pytest.mark.browser
def test_a_fold_shows_all_pairs(page_of, tuned):
    page = page_of(tuned(own=-0.1, momentum=0.1))
    fold = page.locator("#verdicts details.pairs")
    assert not fold.locator("table").is_visible()
    fold.locator("summary").click()
    assert fold.locator("tbody tr").count() == 6
    assert "exploratory" in fold.inner_text()


def test_margins_and_signs_are_said_on_the_page(tuned):
    [study] = data_of(tuned(own=-0.1, momentum=0.1))["verdicts"]
    assert "optimizer − reference" in study["convention"]
    for panel in study["panels"]:
        assert panel["margin_words"].startswith("±0.01")
        for cell in panel["cells"]:
            if cell["relative"] is not None:
                assert cell["difference"].startswith("−") == (cell["relative"] < 0)
            assert cell["how"] == "tuned, 8 points"


@pytest.mark.one_in(2)
@pytest.mark.parametrize("own", [0.0, 0.1])
def test_a_tuned_table_says_that_tuning_seeds_chose(tuned, own):
    store = tuned(own=own)
    console = Console(file=StringIO(), width=200)
    verdicts = verdicts_in(store, store.records)
    print_tables(console, store.records(), gather(store), verdicts)
    text = console.file.getvalue()
    assert "picked on these seeds" not in text
    assert "tuning seeds chose each row's hyperparameters" in text


@pytest.mark.slow
def test_a_document_shows_the_points_that_were_tried(tuned, tmp_path):
    [document, *_] = write_document([tuned()], tmp_path / "out.md", None)
    text = document.read_text()
    assert text.count("tuning seeds, from 10,000 on, which are never compared") == 2
    assert text.count(f"| {OWN} | {len(RATES)} | 1 | 0.01 … 1 |") == 2
    assert "python -m benchmark compare" in text
