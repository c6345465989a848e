import json
import re
import sys
from dataclasses import replace

import pytest

from benchmark.__main__ import main
from benchmark.analysis.frame import read
from benchmark.errors import UsageError
from benchmark.mirror.wandb_private import report_spec
from benchmark.record import Record
from benchmark.report.findings import Findings
from benchmark.report.page.build import build
from benchmark.report.wandb_publish import publish
from benchmark.report.wandb_report import Project, build_report

pytestmark = pytest.mark.usefixtures("wandb_home")
FINALS = {"adam": 0.2, "sgd": 0.6, "sgd lr=0.01": 0.9, "momentum": 0.4}
METRICS = ["val/loss", "val/accuracy"]  # a report on fewer metrics is made faster


@pytest.fixture
def store(studied):
    opts = "adam,sgd,sgd:lr=0.01,momentum"
    return studied(opts, final=lambda trial: FINALS[trial.label], metrics=METRICS)


def blocks_of(stores):
    report = build_report(Findings(frames=read(stores)), Project(name="suite"))
    return report_spec(report)["blocks"]


@pytest.fixture
def blocks(store):
    return blocks_of([store])


def headings(blocks):
    return [b["children"][0]["text"] for b in blocks if b["type"] == "heading"]


def texts(blocks):
    return "\n".join(b["content"] for b in blocks if b["type"] == "markdown-block")


def grids(blocks):
    return [b["metadata"] for b in blocks if b["type"] == "panel-grid"]


def panels(grid):
    return [panel["config"] for panel in grid["panelBankSectionConfig"]["panels"]]


@pytest.fixture
def everything(studied):
    """Return a study that fills every section: two settings, a grid, diagnostics, a failure."""
    opts = "adam,sgd,sgd:lr=0.01"
    options = {"final": lambda trial: FINALS[trial.label], "metrics": METRICS}
    store = studied(opts, problem="mlp/digits", **options)
    studied(opts, **options)
    for place, record in enumerate(store.records()):
        look(store, record, place)
    failed = store.records()[0]
    store.write(Record(trial=failed.trial, status="failed", reason="took too long"))
    return store


def look(store, record, place):
    seen = {"inside/all/update_norm": 0.1 + place, "inside/1.weights/update_norm": 0.1}
    row = {"step": 5, "epoch": 0.5, "samples": 640, "train_seconds": 0.1} | seen
    with (store.trial_folder(record.trial) / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    store.write(replace(record, metrics={**record.metrics, **seen}))


def test_sections_are_those_of_the_page(everything):
    blocks = report_spec(build_report(Findings(frames=read([everything])), Project(name="suite")))[
        "blocks"
    ]
    of_page = re.findall(r"<h2[^>]*>(.*?)</h2>", build([everything]))
    # The first two are sentences here, and tuning belongs to studies that were tuned.
    verdicts, in_short, *sections = dict.fromkeys(each for each in of_page if "tuning" not in each)
    assert (verdicts, in_short) == ("Verdicts", "In short")
    settings = ("logreg/digits, ", "mlp/digits, ")
    titles = [title for title in headings(blocks) if not title.startswith(settings)]
    # The page has profiles beside the times to target; here those are of one setting each.
    assert sorted(set(titles)) == sorted({*sections, "Performance profiles"})


def test_a_section_without_anything_in_it_is_left_out(blocks):
    (setting, *rest) = headings(blocks)
    assert setting.startswith("logreg/digits, 1 epoch of")
    assert rest == [
        "Leaderboard",
        "Curves",
        "Time to target",
        "Learning rate",
        "Cost",
        "Where this comes from",
    ]


def test_what_was_recorded_inside_is_drawn_of_all_parameters_together(everything):
    blocks = report_spec(build_report(Findings(frames=read([everything])), Project(name="suite")))[
        "blocks"
    ]
    found = [panel for grid in grids(blocks) for panel in panels(grid)]
    drawn = [(*panel.get("metrics", ()), panel["xAxis"]) for panel in found]
    inside = [each for each in drawn if each[0].startswith("inside/")]
    assert inside == [("inside/all/update_norm", "step")] * 2  # one of each setting


def test_the_numbers_of_the_page_are_there(everything):
    text = texts(blocks_of([everything]))
    assert "| optimizer | reached | steps | samples | training seconds |" in text
    assert "| optimizer | by steps |" not in text  # two settings are too few for profiles
    # The mean of the two variants' means, 0.605 and 0.905; and the better one.
    assert "| sgd | 0.755 | 0.605 |" in text


def test_run_sets_are_grouped_by_optimizer_and_hold_what_is_done(blocks, store):
    # W&B draws all run sets of a grid together, so the curves of all variants have their own grid.
    (best,), (everything,) = (grid["runSets"] for grid in grids(blocks)[:2])
    groups = [(key["section"], key["name"]) for key in best["grouping"]]
    assert groups == [("config", "optimizer.value"), ("config", "label.value")]
    filters = {f["key"]["name"]: f["value"] for f in everything["filters"]["filters"]}
    assert filters["status"] == "done"
    assert filters["study"] == "study"
    assert sorted(filters["key"]) == sorted(record.trial.key for record in store.records())
    chosen = {f["key"]["name"]: f["value"] for f in best["filters"]["filters"]}["key"]
    assert len(chosen) == 6  # of two seeds each: adam, momentum, and the better sgd
    assert set(chosen) < set(filters["key"])


def test_each_study_has_run_sets_of_its_own(studied):
    blocks = blocks_of([studied(name=name, metrics=METRICS) for name in ("one", "two")])
    names = [run_set["name"].partition(": ")[0] for run_set in grids(blocks)[0]["runSets"]]
    assert names == ["one", "two"]
    assert len(grids(blocks)) == 1  # every variant is a best one


def test_curves_have_bands_on_the_axes_that_they_are_logged_with(blocks):
    found = panels(grids(blocks)[0])
    assert [(p["metrics"], p["xAxis"]) for p in found] == [
        (["val/loss"], "epoch"),
        (["val/accuracy"], "epoch"),
        (["val/loss"], "train_seconds"),
    ]
    assert {(p["groupAgg"], p["groupArea"], p["groupBy"]) for p in found} == {
        ("mean", "minmax", "label.value")
    }
    assert {p["smoothingType"] for p in found} == {"none"}


def test_learning_rates_are_a_scatter_of_all_runs(blocks):
    (scatter,) = panels(grids(blocks)[2])
    assert (scatter["xAxis"], scatter["yAxis"]) == ("config:lr.value", "summary:final/val/loss")
    assert scatter["xAxisLogScale"] is True


def test_without_a_grid_there_is_no_scatter(studied):
    blocks = report_spec(build_report(Findings(frames=read([studied()])), Project(name="suite")))[
        "blocks"
    ]
    assert "Learning rate" not in headings(blocks)
    assert len(grids(blocks)) == 1


def test_the_leaderboard_has_our_statistics(blocks):
    text = texts(blocks)
    # Two seeds, 0.2 and 0.21: Student's quantile 12.706 × 0.00707 / √2 = 0.0635.
    assert "| adam | 0.2050 ± 0.0635 |" in text
    assert "| 2 done | reference |" in text
    assert re.search(r"\| 2 done \| [^|]*\\\[[^|]*\\\] \|", text)


def test_text_from_a_study_stays_text(studied):
    store = studied("adam@a|b<script>", seeds=1)
    text = texts(blocks_of([store]))
    assert r"a\|b&lt;script&gt;" in text


def test_what_failed_is_listed_with_its_reason(store):
    record = store.records()[0]
    store.write(Record(trial=record.trial, status="diverged", reason="loss is nan in step 7"))
    blocks = blocks_of([store])
    assert "Diverged and failed" in headings(blocks)
    assert "loss is nan in step 7" in texts(blocks)


def test_without_an_account_the_spec_is_written_and_told_what_to_do(store, capsys):
    arguments = ["report", "study", "--wandb", "--results", str(store.folder.parent)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    path = store.folder / "wandb-report.json"
    assert str(path) in out
    assert "wandb login" in out
    assert "python -m benchmark push study" in out
    assert headings(json.loads(path.read_text())["spec"]["blocks"])[1] == "Leaderboard"


def test_the_server_gets_the_report_and_its_url_is_printed(store, wandb_server, capfd):
    arguments = ["study", "--results", str(store.folder.parent)]
    assert main(["push", *arguments]) == 0
    capfd.readouterr()
    assert main(["report", *arguments, "--wandb"]) == 0
    ((name, saved),) = wandb_server.reports.items()
    out, err = capfd.readouterr()
    assert out.startswith(f"W&B report: {wandb_server.url}/team/optimizer-benchmark/reports/")
    assert out.strip().endswith(f"--{name}")
    assert err == ""
    spec = json.loads(saved["spec"])
    assert headings(spec["blocks"])[1] == "Leaderboard"
    (project,) = {json.dumps(r["project"]) for g in grids(spec["blocks"]) for r in g["runSets"]}
    assert json.loads(project)["name"] == "optimizer-benchmark"


@pytest.mark.slow
def test_saving_twice_leaves_one_report(store, wandb_server):
    arguments = ["study", "--results", str(store.folder.parent)]
    main(["push", *arguments])
    for _ in range(2):
        assert main(["report", *arguments, "--wandb"]) == 0
    assert len(wandb_server.reports) == 1


def test_a_project_without_runs_says_to_push(store, wandb_server):
    with pytest.raises(
        UsageError, match=r"no project team/suite: `python -m benchmark push study`"
    ):
        publish([store], Project(name="suite"))
    assert wandb_server.reports == {}


def test_without_the_package_one_line_says_how_to_get_it(store, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    assert main(["report", "study", "--wandb", "--results", str(store.folder.parent)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install wandb-workspaces" in error


def test_an_unknown_reference_lists_those_that_there_are(store, capsys):
    arguments = ["report", "study", "--wandb", "--results", str(store.folder.parent)]
    assert main([*arguments, "--reference", "lion"]) == 2
    error = capsys.readouterr().err
    assert "no trials of reference 'lion'. Known: " in error
    assert "sgd lr=0.01" in error


@pytest.mark.slow
def test_a_server_that_refuses_the_report_is_one_line(store, wandb_server, monkeypatch, capsys):
    arguments = ["study", "--results", str(store.folder.parent)]
    main(["push", *arguments])

    def refuse(_):
        raise RuntimeError("view not\nfound")

    monkeypatch.setattr("wandb_workspaces.reports.v2.Report.save", refuse)
    capsys.readouterr()
    assert main(["report", *arguments, "--wandb"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: W&B: RuntimeError: view not found; if the report was deleted")
    assert str(store.folder / "wandb-report.json") in error
