import itertools
import re
import zlib
from contextlib import ExitStack
from dataclasses import replace

import pytest
from PIL import Image

from benchmark.__main__ import main
from benchmark.analysis.frame import read
from benchmark.problems import PROBLEMS
from benchmark.record import Environment, Record
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import plain
from benchmark.report.figures.races import draw_profile
from benchmark.report.figures.write import KINDS, draw_all, save
from benchmark.report.findings import Findings
from benchmark.report.palette import style

ALL = "sgd:lr=0.001|0.01|0.1|1,momentum,nesterov,adagrad,adadelta,rmsprop,adam,lion,nadam,radam"
LONG = f"{ALL},adam@a-label-that-is-$long$-and_odd:lr=0.002"
ONE_SETTING = [
    "logreg-digits-training-loss",
    "logreg-digits-validation-loss",
    "logreg-digits-validation-accuracy",
    "logreg-digits-learning-rate",
    "logreg-digits-target",
    "overview",
]


def final(trial):
    return 0.05 + zlib.crc32(trial.label.encode()) % 100 / 100


def drawn(stores):
    return draw_all(Findings(frames=read(stores)))


@pytest.fixture(autouse=True, scope="module")
def _no_targets_in_the_table():
    with pytest.MonkeyPatch.context() as patch:
        for name, row in PROBLEMS.items():
            patch.setitem(PROBLEMS, name, replace(row, target=None))
        yield


@pytest.fixture
def store(studied):
    return studied("sgd:lr=0.1|0.01,adam", final=final)


@pytest.fixture(scope="module")
def small_store(studied_once):
    """Return the same, for tests that only read it."""
    return studied_once("sgd:lr=0.1|0.01,adam", name="small", final=final)


@pytest.fixture(scope="module")
def small(small_store):
    return drawn([small_store])


@pytest.fixture(scope="module")
def small_again(small_store):
    return drawn([small_store])


@pytest.fixture(scope="module")
def stores(studied_once):
    """Return studies of two settings with all that figures show: names, rates, divergence."""
    store = studied_once(LONG, final=final)
    for record in store.records():
        if record.trial.label == "sgd lr=1":
            gone = Record(trial=record.trial, status="diverged", reason="loss is nan in step 7")
            store.write(gone)
    return [studied_once(LONG, final=final, problem="mlp/digits")]


@pytest.fixture(scope="module")
def drawings(stores):
    return drawn(stores)


@pytest.fixture
def texts(monkeypatch):
    """Return a function that returns the words and the box of every drawn text."""
    from matplotlib.text import Text

    drawn, draw = [], Text.draw

    def note(self, renderer, *args, **kwargs):
        drawn.append((self, renderer))
        draw(self, renderer, *args, **kwargs)

    def boxes(figure):
        figure.draw_without_rendering()  # settles the layout
        drawn.clear()
        figure.draw_without_rendering()
        shown = [
            (text, renderer)
            for text, renderer in drawn
            if text.get_text().strip() and text.get_visible()
        ]
        return [(text.get_text(), text.get_window_extent(renderer)) for text, renderer in shown]

    monkeypatch.setattr(Text, "draw", note)
    return boxes


def test_one_setting_has_its_figures(small):
    assert [drawing.name for drawing in small] == ONE_SETTING


def test_without_a_grid_there_is_no_figure_of_learning_rates(studied):
    names = [drawing.name for drawing in drawn([studied(final=final)])]
    assert names == [name for name in ONE_SETTING if "learning-rate" not in name]


@pytest.mark.slow
def test_several_settings_add_ranks_and_enough_of_them_profiles(stores, drawings, monkeypatch):
    names = [drawing.name for drawing in drawings]
    assert names[-1] == "ranks"
    assert len(names) == 12
    monkeypatch.setattr("benchmark.analysis.profiles.FEWEST_SETTINGS", 2)
    monkeypatch.setattr("benchmark.analysis.profiles.FEWEST_SEEDS", 2)
    figure, caption = draw_profile(Findings(frames=read(stores)), "val/loss")
    assert figure.axes
    assert caption.startswith("Share of 2 settings")
    assert "overview" in names


@pytest.mark.slow
def test_settings_of_one_problem_have_files_of_their_own(studied):
    stores = [studied(name="one", final=final), studied(name="two", epochs=2, final=final)]
    names = [drawing.name for drawing in drawn(stores)]
    assert {"logreg-digits-target", "logreg-digits-2-target"} < set(names)
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_labels_overlap_neither_each_other_nor_the_border_nor_data(drawings, texts):
    for drawing in drawings:
        found = texts(drawing.figure)
        assert len(found) > 5
        border = drawing.figure.bbox.padded(0.5)
        for words, box in found:
            assert border.x0 <= box.x0, (drawing.name, words)
            assert box.x1 <= border.x1, (drawing.name, words)
            assert border.y0 <= box.y0, (drawing.name, words)
            assert box.y1 <= border.y1, (drawing.name, words)
        for (one, a), (other, b) in itertools.combinations(found, 2):
            assert not a.padded(-0.5).overlaps(b.padded(-0.5)), (drawing.name, one, other)
        for legend in drawing.figure.legends:
            inside = legend.get_window_extent().padded(-0.5)
            assert not inside.overlaps(drawing.figure.axes[0].get_window_extent()), drawing.name


def test_figures_are_as_wide_as_a_column(drawings):
    for drawing in drawings:
        width, height = drawing.figure.get_size_inches()
        assert width == (6.5 if drawing.name == "overview" else 3.25)
        assert 1.2 < height < 4.5


@pytest.fixture
def drawing(small):
    return small[3]


@pytest.mark.slow
def test_every_kind_has_the_size_in_inches(drawing, tmp_path):
    pdf, svg, png = (saved(drawing, kind, tmp_path) for kind in ("pdf", "svg", "png"))
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf.read_bytes()).groups()
    assert [float(side) / 72 for side in box] == pytest.approx([3.25, 2.15], abs=0.01)
    assert 'width="234pt"' in svg.read_text()
    with Image.open(png) as picture:
        assert picture.size == (975, 645)
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_fonts_are_embedded(drawing, tmp_path):
    pdf, svg = (saved(drawing, kind, tmp_path) for kind in ("pdf", "svg"))
    assert b"/FontFile2" in pdf.read_bytes()
    assert b"/Type3" not in pdf.read_bytes()
    assert "<text" not in svg.read_text()


@pytest.mark.one_in(3)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_records_give_the_same_bytes(small, small_again, tmp_path, kind):
    first, second = (saved(each[1], kind, tmp_path).read_bytes() for each in (small, small_again))
    assert first == second


def test_colours_are_those_of_the_palette(small):
    drawing = small[0]
    colors = {
        line.get_label(): line.get_color()
        for line in drawing.figure.axes[0].lines
        if not line.get_label().startswith("_")
    }
    assert colors == {"adam": style("adam").color, "sgd lr=0.1": style("sgd").color}


def test_a_curve_goes_through_the_means(small_store, small):
    drawing = small[1]
    (adam,) = [line for line in drawing.figure.axes[0].lines if line.get_label() == "adam"]
    (trial,) = [
        record.trial
        for record in small_store.records()
        if record.trial.label == "adam" and not record.trial.seed
    ]
    assert adam.get_xdata().tolist() == [0, 1, 2, 3]
    assert adam.get_ydata()[0] == 2.0
    assert adam.get_ydata()[-1] == pytest.approx(final(trial) + 0.005)


def test_diverged_rates_are_crosses_at_the_top(drawings):
    (drawing,) = [d for d in drawings if d.name == "logreg-digits-learning-rate"]
    axes = drawing.figure.axes[0]
    (cross,) = [line for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert cross.get_xdata().tolist() == [1.0]
    assert "Crosses at the top: seeds diverged." in drawing.caption


def test_captions_say_what_was_run(small):
    caption = small[1].caption
    assert caption.startswith("Mean validation loss over 2 seeds, evaluated without dropout.")
    assert "Points are single seeds, where there are fewer than 4." in caption
    assert "Setting: logreg/digits, 1 epoch of batches of 128, cpu 32-true." in caption
    assert "  sgd lr=0.1: lr = 0.1, weight_decay = 0.0; seeds: 2 done." in caption
    assert "lr=0.01" not in caption


def test_captions_say_how_hyperparameters_were_chosen_where_they_were(small, studied):
    rule = "has the hyperparameters of its lowest mean validation loss, ties by validation accuracy"
    *curves, rates, target, _ = small
    assert all(rule in drawing.caption for drawing in (*curves, target))
    assert rule not in rates.caption
    without_grid = drawn([studied("adam,sgd", name="other", final=final)])[:-1]
    assert not any(rule in drawing.caption for drawing in without_grid)


def test_captions_say_what_is_not_in_the_picture(studied):
    store = studied("sgd:lr=0.1|0.01,adam", final=final)
    for record in store.records():
        if record.trial.label == "adam":
            store.write(Record(trial=record.trial, status="diverged", reason="nan"))
    curves, *_, rates, _ = [d for d in drawn([store]) if d.name != "overview"]
    assert "adam" not in [line.get_label() for line in curves.figure.axes[0].lines]
    assert "Not drawn, since no trial is done that measured it: adam." in curves.caption
    assert "Not drawn, since fewer than two of its rates have a result: adam." in rates.caption


@pytest.mark.slow
def test_curves_of_few_seeds_have_points_and_no_bands(studied):
    for seeds, has_bands in [(1, False), (3, False), (4, True)]:
        store = studied("adam", seeds=seeds, name=f"of{seeds}", final=final)
        (drawing,) = [d for d in drawn([store]) if d.name == "logreg-digits-validation-loss"]
        axes = drawing.figure.axes[0]
        assert bool(axes.collections) == has_bands
        points = [line for line in axes.lines if line.get_marker() == "."]
        assert sum(len(line.get_xdata()) for line in points) == (12 if seeds == 3 else 0)
        assert ("Bands:" in drawing.caption) == has_bands
        assert ("Points are single seeds" in drawing.caption) == (seeds == 3)


@pytest.mark.slow
def test_versions_are_in_the_caption(store):
    record = store.records()[0]
    facts = Environment(packages={"torch": "2.14.1"}, device="cpu")
    store.write(replace(record, environment=facts))
    captions = [drawing.caption for drawing in drawn([store])]
    assert any("Made with: torch 2.14.1, device cpu." in caption for caption in captions)


def test_nothing_done_draws_nothing_and_the_verb_says_so(studied, capsys):
    store = studied(seeds=1)
    for record in store.records():
        store.write(Record(trial=record.trial, status="diverged", reason="nan"))
    assert [drawing.name for drawing in drawn([store])] == []
    assert main(["report", "study", "--results", str(store.folder.parent), "--format", "png"]) == 0
    assert capsys.readouterr().out == "nothing to draw: no trial is done\n"


def test_the_verb_writes_each_figure_and_its_caption_into_the_studys_folder(studied, capsys):
    store = studied(seeds=1, final=final)
    assert main(["report", "study", "--results", str(store.folder.parent), "--format", "png"]) == 0
    folder = store.folder / "figures"
    assert str(folder / "logreg-digits-target.png") in capsys.readouterr().out
    names = [name for name in ONE_SETTING if "learning-rate" not in name]
    written = {f"{name}.{ending}" for name in names for ending in ("png", "txt")}
    assert {path.name for path in folder.iterdir()} == written
    assert all(path.stat().st_size > 100 for path in folder.iterdir())


def saved(drawing, kind, folder):
    with ExitStack() as written:
        picture, _ = save(drawing, kind, folder, written)
    return picture


def test_all_lines_are_equally_wide(drawings):
    """A different width would look as if it had a meaning."""
    named = [
        line.get_linewidth()
        for drawing in drawings
        for axes in drawing.figure.axes
        for line in axes.get_lines()
        if drawing.name != "ranks" and not line.get_label().startswith("_")
    ]
    assert named
    assert len(set(named)) == 1


def test_a_name_is_drawn_in_letters_that_the_font_has_and_is_in_the_legend():
    assert lettering("adam lr=0.1") == "adam lr=0.1"
    assert lettering("_hidden") == " _hidden"
    assert lettering("\N{CJK UNIFIED IDEOGRAPH-4E2D}\n$x$") == "\N{REPLACEMENT CHARACTER} $x$"
    assert len(lettering("a" * 500)) == 60


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (1e-5, "1e-05"), (20.0, "20")])
def test_ticks_are_plain(value, text):
    assert plain(value) == text


def test_the_figure_of_ranks_names_every_optimizer(drawings, stores, texts):
    (drawing,) = [drawing for drawing in drawings if drawing.name == "ranks"]
    words = " ".join(text for text, _ in texts(drawing.figure))
    names = read(stores).trials["optimizer"].unique().to_list()
    assert [name for name in names if f"{name}  " not in words] == []


def test_the_overview_has_a_panel_for_each_setting_and_no_verdict(study, log):
    ends = {"adam": 1.0, "sgd": 1.2}
    store = study(
        *(
            log(name, (2.0, end + seed / 100), metric="val/loss", seed=seed, problem=problem)
            for name, end in ends.items()
            for seed in range(2)
            for problem in ("logreg/digits", "mlp/digits", "cnn/digits")
        )
    )
    (drawing,) = [each for each in drawn([store]) if each.name == "overview"]
    panels = drawing.figure.axes
    assert [axes.get_title() for axes in panels] == ["logreg/digits", "mlp/digits", "cnn/digits"]
    said = [text.get_text() for axes in panels for text in axes.texts]
    assert said == ["reference", "+20 %"] * 3
    assert drawing.figure.legends == []
    assert {line.get_color() for axes in panels for line in axes.lines} == {"#333333", "#999999"}
    assert drawing.figure.get_size_inches()[0] == 6.5
    assert "nothing is a verdict" in drawing.caption
