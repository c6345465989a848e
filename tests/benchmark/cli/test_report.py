import sys

import pytest

from benchmark.__main__ import main
from benchmark.record import Record
from benchmark.workbench.landscape.surfaces import SURFACES


def report(store, *options):
    return main(["report", store.study, "--results", str(store.folder.parent), *options])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "pdf", "--reference", "adam"], "--reference: figures compare with nobody"),
        (["--format", "svg", "--reference", "nope"], "--reference: figures compare with nobody"),
        (["--wandb-project", "mine"], "--wandb-project and --wandb-entity say where --wandb goes"),
        (["--format", "md", "--wandb-entity", "team"], "say where --wandb goes: give it too"),
        (["--opts", "adam"], "--opts says who moves in --landscape: give it too"),
        (["--format", "md", "--landscape"], "--landscape is a part of the page"),
    ],
)
def test_an_option_that_nothing_would_come_of_is_refused(studied, options, message, capsys):
    store = studied(seeds=1)
    before = sorted(store.folder.rglob("*"))
    assert report(store, *options) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert sorted(store.folder.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.usefixtures("wandb_home")
def test_figures_go_with_a_reference_that_the_wandb_report_takes(studied, capsys):
    store = studied(seeds=1)
    assert report(store, "--format", "svg", "--wandb", "--reference", "adam") == 0
    assert (store.folder / "wandb-report.json").exists()


@pytest.mark.parametrize("kind", ["html", "md"])
def test_a_reference_without_any_result_is_no_traceback(studied, kind, capsys):
    store = studied(seeds=1)
    for record in store.records():
        if record.trial.label == "adam":
            store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    code = report(store, "--format", kind, "--reference", "adam")
    text = capsys.readouterr()
    if kind == "html":
        assert code == 2
        assert text.err.count("\n") == 1
        assert "expected an optimizer with a trial that is done or diverged" in text.err
    else:
        assert code == 0
        assert "adam has no trial here" in (store.folder / "report.md").read_text()


@pytest.fixture
def from_afar(studied, tmp_path, monkeypatch):
    """Return the results of a study whose records name a class, and where that class tells."""
    place = tmp_path / "plugins"
    place.mkdir()
    (place / "afar.py").write_text(
        "from pathlib import Path\nimport torch\n"
        "Path(__file__).with_suffix('.ran').touch()\n"
        "class Calm(torch.optim.SGD):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(place))
    one = dict(list(SURFACES.items())[:1])
    monkeypatch.setattr("benchmark.workbench.landscape.surfaces.SURFACES", one)
    monkeypatch.setattr("benchmark.cli.rates.DEFAULT_RATES", "0.1")
    store = studied("adam,afar.Calm:lr=0.1", metrics=["val/loss"])
    (place / "afar.ran").unlink()
    sys.modules.pop("afar")
    return store, place / "afar.ran"


@pytest.mark.slow
def test_a_landscape_imports_nothing_that_only_a_record_names(from_afar, capsys):
    store, ran = from_afar
    command = ["report", "study", "--results", str(store.folder.parent), "--landscape"]
    assert main(command) == 0
    assert not ran.exists()
    assert "no paths are shown of import paths that --opts does not name: afar.Calm" in (
        capsys.readouterr().err
    )
    assert main([*command, "--opts", "afar.Calm:lr=0.1"]) == 0
    assert ran.exists()
    page = (store.folder / "report.html").read_text()
    assert '"view":{"start":0,"noisy":false,"lr":"own"}' in page


@pytest.mark.parametrize(
    "text",
    ["val/loss", "val/loss=", "val/loss=low", "val/loss=nan", "val/loss=inf", "=1", ""],
)
def test_a_target_that_is_none_is_refused_with_the_metrics_there_are(studied, text, capsys):
    assert report(studied(seeds=1), "--format", "md", "--target", text) == 2
    error = capsys.readouterr().err.strip()
    assert "expected METRIC=NUMBER, such as val/loss=0.1" in error
    assert "val/accuracy" in error
    assert "\n" not in error


def test_a_target_on_an_unknown_metric_names_one_like_it(studied, capsys):
    assert report(studied(seeds=1), "--format", "md", "--target", "val/los=1") == 2
    error = capsys.readouterr().err.strip()
    assert "--target: unknown metric 'val/los'" in error
    assert "Did you mean 'val/loss'" in error
    assert "\n" not in error


@pytest.mark.slow
def test_a_target_on_a_metric_that_was_not_measured_is_refused(studied, capsys):
    store = studied(seeds=1)
    for kind in ("md", "html", "svg"):
        assert report(store, "--format", kind, "--target", "val/psnr=20") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "--target: no trial here has val/psnr. Measured: " in line
        assert "val/loss" in line


def test_each_target_has_its_table_in_markdown(studied):
    store = studied(seeds=2)
    targets = ("--target", "val/accuracy=0.5", "--target", "val/loss=0.625")
    assert report(store, "--format", "md", *targets) == 0
    text = (store.folder / "report.md").read_text()
    for words in ("validation loss of 0.625\u00a0nats (", "validation accuracy of 50.00\u00a0% ("):
        assert text.count(f"What it takes to a {words}") == 1


def test_a_target_reaches_page_and_figures(studied):
    store = studied(seeds=2, metrics=["val/loss"])
    assert report(store, "--target", "val/loss=0.625") == 0
    assert '"target":0.625,"source":"as given"' in (store.folder / "report.html").read_text()
    assert report(store, "--format", "svg", "--target", "val/loss=0.625") == 0
    [caption] = (store.folder / "figures").glob("*-target.txt")
    assert "had reached 0.625\u00a0nats (as given)" in caption.read_text()
