"""The page in a browser; `open_page` checks that it logs no errors and sends no requests."""

import csv
import io
import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmark.metrics import METRICS, Metric, Unit
from benchmark.plain_text import plain
from benchmark.report.markdown_text import as_text
from benchmark.report.page.modules import joined
from benchmark.report.page.page import _MAIN
from benchmark.report.page.section import Section
from tests.benchmark.report.page.conftest import EVIL
from tests.grids import quick_if

pytestmark = pytest.mark.browser
MODULES = _MAIN.parent


@pytest.fixture
def page(open_page, whole):
    return open_page(whole)


def hash_of(page):
    return page.evaluate("decodeURIComponent(location.hash.replaceAll('+', ' '))")


def curves(page):
    return page.locator("#curves-chart svg").evaluate("svg => svg.innerHTML")


def labels(page):
    cells = page.locator("#leaderboard-table tbody td:first-child .name")
    return cells.all_inner_texts()


def labels_row(page):
    return page.locator("#leaderboard-table tbody tr").first.inner_text()


def expose(page, module, *names):
    """Make the functions that a module exports callable from tests."""
    text = joined(MODULES / module)
    last = re.findall(r"^const (module_\d+) =", text, re.MULTILINE)[-1]
    text += f"\nObject.assign(globalThis, {{ {', '.join(f'{n}: {last}.{n}' for n in names)} }});"
    page.add_script_tag(content=text, type="module")
    page.wait_for_function(f"typeof {names[0]} !== 'undefined'")


def choose(page, name, value):
    page.locator(f"#choose-{name}").select_option(value)


def test_the_page_says_whose_loss_is_lowest_and_ranks_them(page):
    assert "adam lr=0.001 reached the lowest" in page.locator(".claim").first.inner_text()
    assert labels(page) == ["adam lr=0.001", "nesterov lr=0.1", "sgd lr=0.1"]
    first = page.locator("#leaderboard-table tbody tr").first
    assert "0.2000" in first.inner_text()
    assert page.locator("#curves-chart path.line").count() == 3
    assert hash_of(page) == ""


@pytest.mark.slow
def test_what_an_axis_shows_stands_beside_it(page):
    for name, value, words in (
        ("x", {"value": "train_seconds"}, "training seconds"),
        ("x", {"value": "samples"}, "samples"),
        ("x", {"value": "epoch"}, ">epoch<"),
        ("logx", {"value": "1"}, "epoch, log"),
        ("logy", {"value": "0"}, ">validation loss, nats<"),
        ("metric", {"label": "validation accuracy"}, "validation accuracy, %"),
    ):
        assert words not in curves(page)
        page.locator(f"#choose-{name}").select_option(**value)
        assert words in curves(page)
        assert f"{name}=" in hash_of(page) or value == {"value": "epoch"}  # which is the default


@pytest.mark.slow
def test_line_band_and_smoothing_change_the_curves(open_page, file_of, curve):
    logs = [curve("adam", 0.1 + seed**2 / 9, seed=seed, points=9) for seed in range(6)]
    page = open_page(file_of(*logs), "#seeds=1")
    for name, value in (("center", "median"), ("band", "none"), ("band", "iqr"), ("smooth", "5")):
        before = curves(page)
        choose(page, name, value)
        assert curves(page) != before


@pytest.mark.slow
def test_smoothing_is_said_and_off_at_first(page):
    note = page.locator("#curves-note")
    assert "smoothed by" not in note.inner_text()
    choose(page, "smooth", "5")
    assert "smoothed by a centred moving average over 5 points" in note.inner_text()


@pytest.mark.slow
def test_individual_seeds_come_and_go(page):
    seeds = page.locator("#curves-chart path.faint")
    assert seeds.count() == 0
    page.locator("#choose-seeds").check()
    assert seeds.count() == 15
    page.locator("#choose-seeds").uncheck()
    assert seeds.count() == 0


def test_all_hyperparameters_show_the_diverged_too(page):
    assert page.locator("#curves-chart path.cross").count() == 0
    choose(page, "variants", "all")
    assert len(labels(page)) == 5
    assert page.locator("#curves-chart path.cross").count() == 4
    assert "1, 4 diverged" in page.locator("#leaderboard-table").inner_text()


def test_hiding_an_optimizer_hides_it_everywhere(page):
    page.locator(".chip", has_text="nesterov").click()
    assert labels(page) == ["adam lr=0.001", "sgd lr=0.1"]
    assert page.locator("#curves-chart path.line").count() == 2
    for part in ("#rates-chart", "#reaching-chart", "#cost-body", "#win-matrix"):
        assert "nesterov" not in page.locator(part).inner_text()
    page.locator(".chip", has_text="show all").click()
    assert len(labels(page)) == 3


def test_another_problem_changes_the_numbers(page):
    before = page.locator("#leaderboard-table").inner_text()
    choose(page, "metric", "1")
    assert page.locator("#leaderboard-table").inner_text() != before
    before = page.locator("#leaderboard-table").inner_text()
    choose(page, "problem", "1")
    assert page.locator("#leaderboard-table").inner_text() != before
    assert "mlp/digits" in page.locator("#setting").inner_text()


@pytest.mark.slow
def test_only_metrics_that_a_problem_has_can_be_chosen(open_page, file_of, log):
    bits, accuracy = "test/bits_per_character", "test/accuracy"
    page = open_page(
        file_of(
            log(
                "adam",
                [5.0, 0.5],
                problem="logreg/digits",
                metrics={"val/loss": 0.5, accuracy: 0.9},
            ),
            log("adam", [5.0, 0.5], problem="charlm/manual", metrics={"val/loss": 0.5, bits: 3.0}),
        )
    )

    def offered():
        options = page.locator("#choose-metric option:not([disabled])")
        return options.evaluate_all("options => options.map((each) => each.textContent)")

    assert offered() == ["validation loss", "test accuracy"]
    assert "Data: scikit-learn's 1,797" in page.locator("#setting").inner_text()
    page.locator("#choose-metric").select_option(label="test accuracy")
    page.locator("#choose-problem").select_option(label="charlm/manual")
    assert offered() == ["validation loss", "test bits per character"]
    assert page.locator("#choose-metric").evaluate("list => list.value") == "0"
    assert "a trigram model: 2.62 bits" in page.locator("#setting").inner_text()


def test_another_reference_turns_the_comparison_round(page):
    choose(page, "against", "sgd")
    rows = page.locator("#leaderboard-table tbody tr")
    assert "5 of 5" in rows.nth(0).inner_text()
    assert "reference" in rows.nth(2).inner_text()
    choose(page, "against", "")
    assert "0 of 5" in rows.nth(2).inner_text()


@pytest.mark.slow
def test_another_score_gives_other_numbers(page):
    before = page.locator("#leaderboard-table").inner_text()
    choose(page, "score", "area")
    assert page.locator("#leaderboard-table").inner_text() != before


@pytest.mark.slow
def test_what_chose_is_said_beside_a_test_metric(page):
    words = page.locator("#sensitivity-body > p").first
    assert "chosen by" not in words.inner_text()
    page.locator("#choose-metric").select_option(label="test accuracy")
    assert "chosen by the validation accuracy" in words.inner_text()


@pytest.mark.slow
def test_a_metric_of_another_task_has_its_unit_and_its_scale(open_page, file_of, log, monkeypatch):
    kelvin = Unit(sign="K", words="kelvin", factor=10.0, decimals=1)
    row = Metric(name="rmse", words="{split} error", heading="rmse", better="lower", unit=kelvin)
    monkeypatch.setitem(METRICS, "rmse", row)
    page = open_page(file_of(log("adam", [5.0, 0.5, 0.25], metric="val/rmse")))
    assert page.locator("#choose-metric").inner_text() == "validation error"
    assert "2.5" in labels_row(page)
    assert (
        "All values in kelvin. Lower is better." in page.locator("#leaderboard-table").inner_text()
    )
    assert ">validation error, K<" in curves(page)  # and linear, without ", log"
    assert "of 2.5\u00a0K or less" in page.locator("#targets-body").inner_text()


@pytest.mark.slow
def test_the_loss_of_each_problem_has_the_unit_of_its_task(open_page, file_of, log):
    page = open_page(
        file_of(
            log("adam", [5.0, 0.5, 0.25], problem="charlm/manual"),
            log("adam", [5.0, 0.5, 0.25], problem="image/china"),
        )
    )
    for problem, axis, note, target in (
        ("charlm/manual", ">validation loss, nats, log<", "All values in nats. ", "nats or less"),
        ("image/china", ">validation loss, log<", "", "or less"),
    ):
        page.locator("#choose-problem").select_option(label=problem)
        assert axis in curves(page)
        said = page.locator("#leaderboard-table").inner_text()
        assert f"{note}Lower is better." in said
        assert ("nats" in said) is bool(note)
        targets = page.locator("#targets-body").inner_text().replace("\u00a0", " ")
        assert re.search(rf"validation loss of [\d.]+ {target}", targets)


@pytest.mark.slow
def test_a_metric_of_which_neither_is_better_says_so(open_page, file_of, log):
    page = open_page(file_of(log("adam", [5.0, 7.0, 6.0], metric="val/kl_divergence")))
    assert page.locator("#choose-metric").inner_text() == "validation KL divergence"
    words = "Neither lower nor higher values of validation KL divergence are better by themselves."
    for section in ("#leaderboard-table", "#targets-body", "#sensitivity-body"):
        assert words in page.locator(section).inner_text()
    assert "6.00" in page.locator("#leaderboard-table tbody").inner_text()


def test_the_address_restores_the_view(page, open_page):
    choose(page, "problem", "1")
    choose(page, "x", "train_seconds")
    page.locator("#choose-seeds").check()
    page.locator(".chip", has_text="sgd").click()
    shared = page.evaluate("location.hash")
    path = page.evaluate("decodeURIComponent(location.pathname)")
    again = open_page(path, shared)
    assert curves(again) == curves(page)
    assert labels(again) == labels(page)
    assert again.locator("#choose-x").input_value() == "train_seconds"


@pytest.mark.slow
def test_an_address_of_another_page_is_no_trouble(open_page, file_of, curve):
    page = open_page(file_of(curve()), "#problem=gone&x=constructor&off=[1&band=&metric=&l.step=3")
    assert page.locator("#choose-x").input_value() == "epoch"
    assert page.locator("#curves-chart path.line").count() == 1


def test_a_table_is_sorted_and_copied_as_it_stands(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("sort by optimizer").first.click()
    page.get_by_label("sort by optimizer").first.click()
    assert labels(page) == ["sgd lr=0.1", "nesterov lr=0.1", "adam lr=0.001"]
    copies = page.locator("#leaderboard-table .copies")
    copies.get_by_text("CSV").click()
    rows = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    assert [row["optimizer"] for row in rows] == ["sgd lr=0.1", "nesterov lr=0.1", "adam lr=0.001"]
    assert [float(row["mean"]) for row in rows] == pytest.approx([0.4, 0.3, 0.2])
    assert [row["wins"] + " of " + row["pairs"] for row in rows] == ["0 of 5", "0 of 5", " of "]
    copies.get_by_text("Markdown").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("| optimizer | mean |")
    copies.get_by_text("LaTeX").click()
    assert "\\toprule" in page.evaluate("navigator.clipboard.readText()")


@pytest.mark.slow
def test_a_table_stays_sorted_when_a_control_changes(page):
    page.get_by_label("sort by optimizer").first.click()
    page.get_by_label("sort by optimizer").first.click()
    choose(page, "metric", "1")
    choose(page, "problem", "1")
    assert labels(page) == ["sgd lr=0.1", "nesterov lr=0.1", "adam lr=0.001"]
    assert page.locator("#leaderboard-table [aria-sort=descending]").count() == 1


@pytest.mark.slow
def test_a_section_that_is_jumped_to_begins_below_the_bar(page):
    page.emulate_media(reduced_motion="reduce")
    page.locator("#nav a", has_text="Cost").click()
    bar, title = (page.locator(f"#{name}").bounding_box() for name in ("controls", "cost-title"))
    assert bar["y"] == 0
    assert title["y"] >= bar["height"]


@pytest.mark.slow
def test_a_finger_reads_charts_and_what_is_behind_words(open_page, whole):
    page = open_page(whole, width=390, touch=True)
    box, tip = page.locator("#curves-chart .readout"), page.locator("#tip")
    page.locator("#curves-chart svg").tap()
    assert "adam" in box.inner_text()
    page.locator("#curves-note").tap()
    assert box.is_hidden()
    for place, words in {
        "#leaderboard-table .name": '"lr": 0.001',
        "#leaderboard-table tbody tr:nth-child(2) td:nth-child(6) .term": "95 % interval",
        "#win-matrix td .term": "wins ",
        "#win-matrix th .term": "sgd lr=0.1",
        "#cost-body .meter .term": "quartiles ",
    }.items():
        page.locator(place).first.tap()
        assert words in tip.inner_text()
    page.locator("#curves-note").tap()
    assert tip.is_hidden()


def csv_of(page, place):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(place).get_by_text("CSV").first.click()
    return list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))


@pytest.mark.slow
def test_a_csv_has_numbers_in_the_metrics_own_unit_each_under_its_name(page):
    page.locator("#choose-metric").select_option(label="validation accuracy")
    adam = csv_of(page, "#leaderboard-table")[0]
    assert float(adam["mean"]) == pytest.approx(0.932)
    assert float(adam["low"]) < 0.932 < float(adam["high"]) < 1
    assert "95 % interval" not in adam
    sgd = {row["optimizer"]: row for row in csv_of(page, "#sensitivity-body")}["sgd"]
    assert (sgd["basin low"], sgd["basin high"]) == ("0.1", "0.1")
    assert (sgd["rates in it"], sgd["rates tried"]) == ("1", "3")
    reached = csv_of(page, "#targets-body")[0]
    assert (reached["reached"], reached["seeds"]) == ("5", "5")


def test_every_control_and_every_column_has_a_definition(page):
    choose(page, "variants", "all")
    bare = "all => all.filter(each => !each.querySelector('.term')).map(each => each.textContent)"
    fields = page.locator(".bar .field label, .bar .check")
    assert fields.count() > 10
    assert fields.evaluate_all(bare) == []
    heads = page.locator("thead th[scope=col]:not(.matrix th)")
    assert heads.count() > 25
    assert set(heads.evaluate_all(bare)) == {"reason"}


def test_one_word_may_have_the_definitions_of_all_its_choices(page):
    page.locator(".bar .term", has_text="Score").hover()
    words = page.locator("#tip").inner_text().split("\n")
    assert [line.partition(":")[0] for line in words] == [
        "final value", "optimum on the way", "area under the curve",
    ]  # fmt: skip


@pytest.mark.slow
def test_equals_share_the_headline(open_page, file_of, curve):
    logs = [curve(name, 0.2, seed=seed) for name in ("adam", "rmsprop") for seed in range(3)]
    page = open_page(file_of(*logs, curve("sgd", 0.4)))
    assert page.locator(".claim .swatch").count() == 2
    note = page.locator("#leaderboard-table > p").inner_text()
    assert "Rows rest on 1 to 3 seeds: their means may differ" in note


@pytest.mark.slow
def test_on_paper_all_is_open_and_what_is_shown_is_said(open_page, file_of, curve):
    gone = [
        curve("sgd", lr=i + 1, status="diverged", reason=f"loss is nan in step {i}")
        for i in range(40)
    ]
    page = open_page(file_of(curve("adam"), *gone))
    choose(page, "score", "area")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for name in ("metric", "score", "x", "band"):
        assert page.locator(f"#choose-{name}").is_visible()
    assert page.get_by_text("loss is nan in step 39", exact=True).is_visible()
    assert not page.locator("nav").is_visible()
    assert not page.locator(".copies").first.is_visible()


@pytest.mark.slow
def test_long_names_leave_room_for_the_verdict(open_page, file_of, curve):
    long = "torch.optim.RMSprop lr=0.001 momentum=0.9"
    logs = [curve(name, label=name, seed=i) for name in (long, f"{long}5") for i in range(3)]
    file = file_of(*logs)
    for width in (1200, 1280):
        scroll = open_page(file, width=width).locator("#leaderboard-table .scroll")
        assert scroll.evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.slow
def test_definitions_are_one_hover_or_focus_away(page):
    term = page.locator("#leaderboard-table .term", has_text="Verdicts").first
    term.hover()
    assert "p is at most 5 %" in page.locator("#tip").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    term.focus()
    assert page.locator("#tip").is_visible()


def test_the_keyboard_reads_a_chart(page):
    page.locator("#curves-chart svg").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    box = page.locator("#curves-chart .readout")
    assert box.inner_text().startswith("epoch 1\n")
    assert box.inner_text().index("adam") < box.inner_text().index("sgd")
    assert "epoch 1" in page.locator("#said").inner_text()


def test_names_stay_text(open_page, file_of, curve):
    trouble = curve("sgd", label=f"sgd {EVIL}", status="diverged", reason=EVIL)
    page = open_page(file_of(curve("adam", label=EVIL), trouble))
    assert labels(page)[0] == EVIL
    assert EVIL in page.locator("#trouble-body").inner_text()
    assert page.locator("script:not([type='application/json'])").count() == 1


@pytest.mark.slow
def test_a_page_with_one_trial_works(open_page, file_of, curve):
    file = file_of(curve("adam"))
    for width in (390, 1280):
        page = open_page(file, width=width, dark=True)
        assert labels(page) == ["adam lr=0.1"]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert "The only trial is done" in page.locator("#trouble-body").inner_text()


@pytest.mark.slow
def test_a_page_where_all_diverged_works(open_page, file_of, curve):
    gone = [curve(name, status="diverged", reason="loss is nan") for name in ("adam", "sgd")]
    page = open_page(file_of(*gone))
    assert "no trial is done" in page.locator(".claim").inner_text()
    assert page.locator("#curves-chart path.cross").count() == 2
    assert page.locator("#curves-chart path.faint").count() == 2
    assert page.locator("#curves-note").inner_text().startswith("A cross marks")
    assert "2 diverged of 2 trials" in page.locator("#trouble-body").inner_text()


def test_a_page_without_any_trial_works(open_page, file_of):
    page = open_page(file_of())
    assert "There is no record yet" in page.locator("#headline-body").inner_text()
    assert page.locator("#controls").is_hidden()
    assert page.locator("#nav a").all_inner_texts() == ["Diverged and failed", "Provenance"]
    for link in page.locator("#nav a").all():
        link.click()


def boxes(page, texts):
    return page.locator(texts).evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().toJSON())"
    )


@pytest.mark.slow
def test_names_in_a_rank_diagram_are_whole_on_a_phone(open_page, file_of, curve):
    names = [f"package.of.{name}.LongOptimizer" for name in ("one", "two", "three")]
    found = [curve(name, 0.1 + i, seed=seed) for i, name in enumerate(names) for seed in range(3)]
    page = open_page(file_of(*found), width=390)
    frame = page.locator("#rank-diagrams").bounding_box()
    shown = boxes(page, "#rank-diagrams text.label")
    assert len(shown) == 3
    for box in shown:
        assert frame["x"] <= box["left"] < box["right"] <= frame["x"] + frame["width"]


@pytest.mark.slow
def test_labels_stand_at_their_lines_and_apart_and_crosses_in_the_frame(open_page, file_of, curve):
    found = [
        curve(name, loss, lr=lr, status=status)
        for name in ("rmsprop", "torch.optim.RMSprop", "adam")
        for lr, loss, status in ((0.1, 0.4, "done"), (1.0, 0.5, "done"), (1e9, 1e30, "diverged"))
    ]
    page = open_page(file_of(*found), "#variants=all")
    expose(page, "format.js", "compact")
    assert page.evaluate("[1e15, 1.5e9, 2e6].map(compact)") == ["1e15", "1.5e9", "2M"]
    shown = sorted(boxes(page, "#rates-chart text.end"), key=lambda box: box["top"])
    assert len(shown) == 3
    assert all(one["bottom"] <= other["top"] + 3 for one, other in itertools.pairwise(shown))
    frame = page.locator("#rates-chart svg").bounding_box()
    assert max(box["right"] for box in shown) < frame["x"] + frame["width"] / 2
    frame = page.locator("#curves-chart svg").bounding_box()
    crosses = boxes(page, "#curves-chart path.cross")
    assert len(crosses) == 3
    assert all(box["top"] >= frame["y"] for box in crosses)


@pytest.mark.slow
def test_a_section_made_elsewhere_has_names_of_its_own_and_what_the_page_has(
    open_page, file_of, curve, tmp_path
):
    script = tmp_path / "own.js"
    scale = Path(os.path.relpath(MODULES / "scale.js", tmp_path)).as_posix()
    script.write_text(
        f'import {{ ticks }} from "{scale}";\n'
        'const payload = document.getElementById("own");\n'
        "const state = ticks(0, 4, 4);\n"
        'payload.textContent = state.join(" ");\n'
    )
    own = Section(html='<section id="own"></section>', style="", script=script)
    page = open_page(file_of(curve("adam"), extra=own))
    assert page.locator("#own").inner_text() == "0 1 2 3 4"
    assert labels(page) == ["adam lr=0.1"]


@pytest.mark.slow
def test_with_all_optimizers_off_charts_say_that_none_is_shown(page):
    for chip in page.locator(".chip[data-optimizer]").all():
        chip.click()
    for chart in ("curves", "reaching", "profile", "rates", "search"):
        assert "No optimizer is shown" in page.locator(f"#{chart}-chart").inner_text()


@pytest.mark.slow
def test_what_was_recorded_inside_optimizers_is_shown_where_there_is_any(
    open_page, file_of, log, page
):
    assert page.locator("#inside").is_hidden()
    rows = [
        {
            "step": i,
            "epoch": i / 2,
            "samples": i * 8,
            "train_seconds": i * 0.5,
            "val/loss": 0.001 / (i + 1),
        }
        | {"inside/1.weights/cosine": 1 - i / 10, "inside/all/update_ratio": 10.0**-i}
        for i in range(4)
    ]
    inside = open_page(file_of(log("adam", rows=rows)))
    chart = inside.locator("#inside-chart")
    assert "update ratio, log" in chart.inner_html()
    choose(inside, "look", "cosine")
    assert "No trial" in chart.inner_text()
    choose(inside, "group", "1.weights")
    assert ">cosine<" in chart.inner_html()
    assert "look=cosine&group=1.weights" in hash_of(inside)


@pytest.mark.slow
@pytest.mark.parametrize("width", quick_if((390).__eq__, [390, 1280]))
def test_the_words_beside_an_axis_stand_clear_of_its_numbers(open_page, whole, width):
    page = open_page(whole, width=width)
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll(".chart svg")].flatMap((svg) => {
          const words = svg.querySelector("text.words[transform]").getBoundingClientRect();
          const numbers = [...svg.querySelectorAll("text.number")];
          return numbers.map((each) => each.getBoundingClientRect())
            .filter((box) => box.left < words.right && box.right > words.left)
            .filter((box) => box.top < words.bottom && box.bottom > words.top);
        }).length"""
    )
    assert page.locator(".chart svg").count() >= 3
    assert overlaps == 0


@pytest.mark.slow
def test_a_table_that_is_cut_shows_a_shadow_until_its_end(open_page, whole):
    page = open_page(whole, width=390)
    scroll = page.locator("#leaderboard .scroll")
    width, seen = scroll.evaluate("each => [each.scrollWidth, each.clientWidth]")
    assert width > seen

    def darkest_at_the_right():
        picture = Image.open(io.BytesIO(scroll.screenshot())).convert("L")
        column = [picture.getpixel((picture.width - 2, y)) for y in range(picture.height)]
        return sorted(column)[len(column) // 2]

    assert darkest_at_the_right() < 235
    scroll.evaluate("each => { each.scrollLeft = each.scrollWidth; }")
    assert darkest_at_the_right() == 255


@pytest.mark.slow
def test_around_a_single_rate_there_is_nothing_to_show(open_page, file_of, curve):
    heads = "#sensitivity table thead th"
    once = [curve("adam", 0.2, lr=0.1, seed=0), curve("sgd", 0.4, lr=0.1, seed=0)]
    assert "basin" not in " ".join(open_page(file_of(*once)).locator(heads).all_inner_texts())
    page = open_page(file_of(*once, curve("sgd", 0.5, lr=0.01, seed=0)))
    assert "basin" in " ".join(page.locator(heads).all_inner_texts())
    row = page.locator("#sensitivity tbody tr", has_text="adam").inner_text().split("\t")
    assert row[3:6] == ["–", "–", "–"]


@pytest.mark.slow
def test_copies_say_what_the_labels_say(open_page, whole):
    page = open_page(whole)
    expose(page, "table.js", "asCsv", "markdownText")
    texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.text(
        "`*_[]<>#+-.!|~$=:&@\\/\"', 1a", max_size=12
    )

    @settings(max_examples=15, deadline=None)
    @given(st.lists(texts, min_size=20, max_size=60))
    @example(["".join(each) for n in (1, 2, 3) for each in itertools.product("=-+ a", repeat=n)])
    def check(labels):
        labels = [plain(label) for label in labels]
        copy = "labels => asCsv([{name: 'a', key: row => row.a}], labels.map(a => ({a})))"
        rows = list(csv.reader(io.StringIO(page.evaluate(copy, labels), newline="")))[1:]
        assert [(row or [""])[0].removeprefix("'") for row in rows] == [
            label.removeprefix("'") for label in labels
        ]
        assert not any(
            row[0].lstrip()[:1] in ("=", "+", "-", "@") for row in rows if row and row[0]
        )
        assert page.evaluate("labels => labels.map(markdownText)", labels) == list(
            map(as_text, labels)
        )

    check()
