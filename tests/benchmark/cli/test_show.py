import json
import subprocess
import sys

import pytest

from benchmark.__main__ import main


def show(store, *options):
    return main(["show", store.study, "--results", str(store.folder.parent), *options])


def test_show_prints_curves_and_comparisons(studied, capsys):
    assert show(studied(seeds=1)) == 0
    out = capsys.readouterr().out
    assert "vs ★" in out
    assert "█▇▅▁" in out


def test_show_compares_with_a_reference(studied, capsys):
    assert show(studied(seeds=1), "--reference", "sgd", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["optimizer"] for row in rows if row["comparison"] is None] == ["sgd"]


@pytest.mark.parametrize("asked", [[], ["--reference", "momentum"]])
def test_json_with_verdicts_has_no_other_comparison_unless_it_is_asked_for(tuned, capsys, asked):
    assert show(tuned(own=0.1), "--json", *asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdicts"]["confirmatory"]
    assert all(("comparison" in row) == bool(asked) for row in found["tables"])


def test_another_reference_than_that_of_the_verdicts_is_refused(tuned, capsys):
    store = tuned(own=0.1)
    (declared,) = {one["reference"] for one in in_json(store, capsys)["verdicts"]["confirmatory"]}
    (other,) = {"adam", "momentum"} - {declared}
    compared = {r.trial for r in store.records() if r.trial.purpose == "evaluation"}
    (label,) = {each.label for each in compared if each.optimizer.name == declared}
    for same in (declared, label):
        assert show(store, "--reference", same) == 0
        capsys.readouterr()
    assert show(store, "--reference", other) == 2
    out, error = capsys.readouterr()
    assert not out
    assert f"--reference {other}" in error
    assert f"declared {declared}" in error
    assert f"report {store.study} --reference {other}" in error
    assert error.count("\n") == 1


def in_json(store, capsys):
    assert show(store, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_an_unknown_reference_is_one_line(studied, capsys):
    assert show(studied(seeds=1), "--reference", "lion") == 2
    error = capsys.readouterr().err
    known = error.removeprefix("Error: no trials of reference 'lion'. Known: ").strip()
    assert sorted(known.split(", ")) == ["adam", "sgd"]


@pytest.mark.parametrize("verb", ["show", "report", "compact"])
def test_an_empty_folder_is_no_study(verb, studied, capsys):
    store = studied(seeds=1)
    (store.folder.parent / "empty").mkdir()
    assert main([verb, "empty", "--results", str(store.folder.parent)]) == 2
    assert capsys.readouterr().err.endswith(f"Known: {store.study}\n")


def test_a_study_without_records_says_so(studied, capsys):
    store = studied(seeds=1)
    for record in store.records():
        (store.trial_folder(record.trial) / "record.json").unlink()
    assert show(store) == 0
    assert "has no records yet" in capsys.readouterr().out


@pytest.fixture
def offline_run(studied):
    store = studied(seeds=1)
    folder = store.folder / "wandb" / "offline-run-20200101_000000-abc"
    folder.mkdir(parents=True)
    (folder / "run-abc.wandb").touch()
    return store


def test_tui_opens_the_viewer_on_the_studys_runs(offline_run, monkeypatch):
    called = []

    def run(command, **_):
        called.append(command)
        return subprocess.CompletedProcess(command, 7)

    monkeypatch.setattr("benchmark.cli.show.subprocess.run", run)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert show(offline_run, "--tui") == 7
    runs = str(offline_run.folder / "wandb")
    assert called == [[sys.executable, "-m", "wandb", "leet", runs]]


def test_tui_without_runs_says_how_to_write_them(studied, capsys):
    assert show(studied(seeds=1), "--tui") == 2
    assert "python -m benchmark push study --wandb offline" in capsys.readouterr().err


def test_tui_needs_a_terminal(offline_run, capsys):
    assert show(offline_run, "--tui") == 2
    assert "--tui needs a terminal" in capsys.readouterr().err
