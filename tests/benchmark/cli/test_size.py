"""What verbs load and read: modules and files are counted, no time is taken."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import benchmark.store
from benchmark.__main__ import main
from benchmark.estimates import Durations
from benchmark.launchers import devices
from benchmark.record import Clocks, Record
from optimizers.tunable import Tunable

HEAVY = ("torch", "lightning", "wandb", "scipy", "polars", "pyarrow", "datasets")
IDLE = (*HEAVY, "urllib.request", "multiprocessing", "concurrent.futures", "rich.live")
ON_RECORD = ["--problem", "logreg/digits", "--epochs", "1", "--study", "study"]


def loaded(arguments, cwd):
    """Return the exit code of a command in a process of its own, and the modules it loaded."""
    script = (
        "import json, sys; from benchmark.__main__ import main; code = main(sys.argv[1:]); "
        "sys.stdout.flush(); print('\\n' + json.dumps([code, list(sys.modules)]))"
    )
    command = [sys.executable, "-c", script, *arguments]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}  # for tests.plugins
    done = subprocess.run(command, cwd=cwd, env=here, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, set(modules)


@pytest.fixture(scope="module")
def tuned_by_formulas(tmp_path_factory):
    """Return the command line of a tuned study with all trials on record, and its folder."""
    folder = tmp_path_factory.mktemp("tuned")
    command = ["--problem", "logreg/digits", "--opts", "adam,sgd", "--tune", "4", "--seeds", "5"]
    command += ["--wandb", "disabled", "--launcher", "tests.plugins.formulas.Formulas"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(command) == 0
    return command, folder


@pytest.fixture
def reads(monkeypatch):
    """Return how often each file of results was read, by name."""
    counts = Counter()
    real = benchmark.store.read_file

    def read_file(path, most_bytes):
        counts[path.name] += path.is_file()
        return real(path, most_bytes)

    monkeypatch.setattr(benchmark.store, "read_file", read_file)
    return counts


def test_a_run_with_nothing_to_do_loads_no_more_than_it_prints(studied, tmp_path):
    studied("adam,sgd", seeds=1)
    arguments = [*ON_RECORD, "--opts", "adam,sgd", "--seeds", "1"]
    code, modules = loaded(arguments, tmp_path)
    assert code == 0
    assert not modules & set(IDLE)


def test_a_run_with_nothing_to_do_reads_each_record_once(studied, tmp_path, monkeypatch, reads):
    studied("adam,sgd", seeds=3)
    monkeypatch.chdir(tmp_path)
    assert main([*ON_RECORD, "--opts", "adam,sgd", "--seeds", "3"]) == 0
    assert +reads == {"record.json": 6}


@pytest.mark.slow
def test_a_tuned_run_with_nothing_to_do_loads_no_more_than_it_prints(tuned_by_formulas):
    command, folder = tuned_by_formulas
    code, modules = loaded(command, folder)
    assert code == 0
    assert not modules & set(IDLE)
    code, modules = loaded([*command, "--json"], folder)
    assert code == 0
    assert not modules & set(IDLE)


def test_a_tuned_run_with_nothing_to_do_reads_each_record_once(
    tuned_by_formulas, monkeypatch, reads
):
    command, folder = tuned_by_formulas
    monkeypatch.chdir(folder)
    assert main(command) == 0
    assert +reads == {"record.json": len(list(folder.glob("results/*/*/record.json")))}


def test_a_search_that_has_ended_is_found_once(tuned_by_formulas, monkeypatch):
    command, folder = tuned_by_formulas
    monkeypatch.chdir(folder)
    built = Counter()
    real = Tunable.point

    def point(tunable, u):
        built[tunable.label, str(tunable.space), tuple(u)] += 1
        return real(tunable, u)

    monkeypatch.setattr(Tunable, "point", point)
    main(command)
    inside = {place: count for place, count in built.items() if 0 < place[2][0] < 0.99}
    assert len(inside) >= 2
    assert set(inside.values()) == {1}


def test_a_report_reads_each_record_and_each_log_once(studied, tmp_path, monkeypatch, reads):
    studied("adam,sgd", seeds=3, metrics=["val/loss"])
    monkeypatch.chdir(tmp_path)
    assert main(["report", "study"]) == 0
    assert +reads == {"record.json": 6, "metrics.jsonl": 6}


def test_a_report_loads_no_statistics_at_its_start():
    script = "import sys, benchmark.report.page.build; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not {"scipy.stats", "scipy", "torch", "matplotlib"} & set(done.stdout.split())


@pytest.mark.slow
def test_a_run_on_the_cpu_leaves_torch_to_its_workers(tmp_path):
    arguments = [*ON_RECORD, "--opts", "adam", "--seeds", "1", "--wandb", "disabled"]
    code, modules = loaded(arguments, tmp_path)
    assert code == 0
    assert not modules & {"torch", "torch._dynamo", "lightning"}


@pytest.mark.slow
def test_a_dry_run_builds_optimizers_without_the_compiler(tmp_path):
    code, modules = loaded([*ON_RECORD, "--opts", "adam,sgd", "--dry-run"], tmp_path)
    assert code == 0
    assert "torch" in modules
    assert "torch._dynamo" not in modules


def test_a_misspelt_module_is_told_without_torch(tmp_path):
    code, modules = loaded(["compare", "nosuch.MyOpt"], tmp_path)
    assert code == 2
    assert "torch" not in modules


@pytest.mark.parametrize("opts", ["sgd:lr=-1", "adam:betas=(2,0.9)", "adam,sgd:weight_decay=-1"])
def test_values_that_a_class_refuses_are_found_before_anything_is_trained(
    opts, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    arguments = [*ON_RECORD, "--opts", opts, "--seeds", "1", "--wandb", "disabled"]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: --opts: ")
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.glob("results/*/*/trial.json"))


def test_the_cpu_is_there_without_asking_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it is an error
    assert devices.why_not("cpu", "32-true") == ""
    assert "needs a GPU" in devices.why_not("cpu", "16-mixed")


def test_durations_go_through_the_records_once(trials_of):
    trials = trials_of(seeds=3, epochs=2)
    records = iter(
        [
            Record(trial=trial, status="done", clocks=Clocks(total=2.0 * total))
            for trial, total in zip(trials, (1, 2, 30), strict=True)
        ]
    )
    durations = Durations(records)
    estimates = [durations.estimate_seconds(trial) for trial in trials]
    assert estimates == pytest.approx([4.3] * 3)  # two epochs of two seconds, and what is fixed
    [other] = trials_of("mlp/digits", epochs=2)
    assert durations.estimate_seconds(other) != pytest.approx(4.3)
