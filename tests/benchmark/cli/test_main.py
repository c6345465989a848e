import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import datamodules.places
from benchmark.__main__ import main
from benchmark.launchers.local import LocalLauncher
from benchmark.problems import PROBLEMS
from benchmark.record import Record
from benchmark.store import Store
from datamodules.errors import DataUnavailableError
from optimizers.registry import OPTIMIZERS

pytestmark = pytest.mark.forks


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """Work in an empty folder, without data and without a network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCHMARK_DATA_DIR", raising=False)
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: False)


QUICK = ["--problem", "logreg/digits", "--epochs", "1", "--wandb", "disabled"]
UNTRAINED = [*QUICK, "--launcher", "tests.plugins.formulas.Formulas"]


def test_a_run_prints_plan_progress_table_and_where_the_files_are(capsys):
    assert main([*QUICK, "--opts", "adam,sgd:lr=0.1", "--seeds", "2"]) == 0
    out = capsys.readouterr().out
    assert "trials      4 with 2 seeds, 4 to run" in out
    assert "[4/4]" in out
    assert "★" in out
    assert "sgd lr=0.1" in out
    assert "2 done" in out
    assert "files: results/default   again: python -m benchmark show default" in out


def test_the_same_command_again_only_prints_and_more_seeds_add_only_the_missing(capsys):
    main([*UNTRAINED, "--opts", "adam", "--seeds", "1"])
    first = capsys.readouterr().out
    assert main([*UNTRAINED, "--opts", "adam", "--seeds", "1"]) == 0
    again = capsys.readouterr().out
    assert "to run" not in again
    assert "all trials were on record" in again
    assert (
        again.split("\nfiles")[0].splitlines()[:6]
        == first[first.index("\nlogreg") :].splitlines()[:6]
    )
    main([*UNTRAINED, "--opts", "adam", "--seeds", "3"])
    assert "3 with 3 seeds, 2 to run" in capsys.readouterr().out


def test_json_goes_to_stdout_alone_and_show_adds_only_comparisons(capsys):
    main([*QUICK, "--opts", "adam", "--seeds", "2", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert main(["show", "default", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [{**row, "comparison": None} for row in rows] == shown  # one optimizer, no comparison
    assert rows[0]["dataset"] == "digits"
    assert rows[0]["seeds"] == {"done": 2}
    assert rows[0]["hyperparameters"]["betas"] == [0.9, 0.999]
    assert 0 < rows[0]["metrics"]["test/accuracy"]["mean"] < 1


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("words", "steps"),
    [(["--diagnostics"], [1]), (["--diagnostics", "4"], [1, 5, 9]), ([], [])],
)
def test_diagnostics_are_recorded_if_asked_for_and_how_often_can_be_said(tmp_path, words, steps):
    assert main([*QUICK, *words, "--opts", "sgd", "--seeds", "1"]) == 0
    (log,) = tmp_path.glob("results/default/*/metrics.jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["step"] for row in rows if "inside/all/cosine" in row] == steps


def test_diagnostics_can_stand_in_a_config_file(tmp_path):
    (tmp_path / "c.toml").write_text("diagnostics = 6\n")
    assert main([*UNTRAINED, "--config", "c.toml", "--opts", "sgd", "--seeds", "1"]) == 0
    (trial,) = tmp_path.glob("results/default/*/trial.json")
    assert json.loads(trial.read_text())["diagnostics_every"] == 6


def test_a_failed_trial_gives_exit_code_1_and_its_reason(capsys):
    opts = "tests.plugins.optimizers.RaisesLater"
    assert main([*QUICK, "--opts", opts, "--seeds", "1"]) == 1
    assert "ArithmeticError: a step that went wrong" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opts", "words"),
    [
        ("Raises", "ArithmeticError: a step that went wrong"),
        ("KilledAlways", "killed by signal 9"),
        ("Slow:seconds=60", "took longer than 3 s"),
    ],
)
def test_what_fails_in_its_first_steps_is_one_line_and_nothing_is_trained(
    capsys, tmp_path, opts, words
):
    arguments = ["--opts", f"adam,tests.plugins.optimizers.{opts}", "--seeds", "1"]
    assert main([*QUICK, *arguments, "--timeout", "3"]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("results/*/*/record.json"))


def test_diagnostics_every_no_steps_are_refused(capsys):
    assert main([*QUICK, "--diagnostics", "0"]) == 2
    assert "expected a whole number from 1" in capsys.readouterr().err


def test_an_absent_accelerator_is_skipped_with_its_reason(capsys):
    pytest.importorskip("torch")
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has an Apple GPU")
    arguments = ["--opts", "adam", "--seeds", "1", "--accelerator", "cpu,mps"]
    assert main([*QUICK, *arguments]) == 0
    out = capsys.readouterr().out
    assert "1 skip" in out
    assert "torch finds no Apple GPU" in out
    assert "1 done" in out


@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_an_absent_accelerator_alone_is_one_line_and_exit_code_2(
    capsys, tmp_path, monkeypatch, more
):
    monkeypatch.setattr("benchmark.launchers.devices.gpu_ids", lambda: ())
    arguments = ["--opts", "adam", "--seeds", "1", "--accelerator", "gpu", *more]
    assert main([*QUICK, *arguments]) == 2
    err = capsys.readouterr().err
    assert "no trial can run here: --accelerator gpu: no CUDA or ROCm device is visible" in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("results/*/*/record.json"))


def test_what_cannot_run_here_leaves_the_result_that_another_machine_wrote(
    capsys, monkeypatch, tmp_path
):
    words = [*QUICK, "--opts", "sgd", "--seeds", "1"]
    assert main(words) == 0
    (path,) = tmp_path.glob("results/default/*/record.json")
    record = path.read_bytes()
    seen = []
    real = Store.record

    def too_early(self, trial):  # as if the other machine wrote its result after this plan
        seen.append(trial)
        return None if len(seen) == 1 else real(self, trial)

    monkeypatch.setattr(Store, "record", too_early)
    monkeypatch.setattr("benchmark.launchers.devices.why_not", lambda *_: "not on this machine")
    assert main(words) == 0
    assert path.read_bytes() == record


def test_data_that_cannot_be_had_are_replaced_with_a_notice_and_labelled(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv(
        "BENCHMARK_CACHE_DIR", str(tmp_path / "cache")
    )  # where MNIST is not prepared
    arguments = ["--model", "logreg", "--opts", "adam", "--seeds", "1", "--epochs", "1"]
    assert main([*arguments, "--wandb", "disabled", "--json"]) == 0
    streams = capsys.readouterr()
    assert streams.err.count("NOTICE: logreg/mnist becomes logreg/digits") == 1
    assert "MNIST/raw/*-ubyte.gz" in streams.err
    assert json.loads(streams.out)[0]["problem"] == "logreg/digits"


@pytest.mark.slow
def test_a_download_that_fails_later_repeats_no_notice(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))  # where IMDB is not prepared
    real = LocalLauncher.prepare

    def prepare(self, wanted, context):
        if wanted[0].dataset == "mnist":
            raise DataUnavailableError("the download of mnist broke off")
        return real(self, wanted, context)

    monkeypatch.setattr(LocalLauncher, "prepare", prepare)
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: "huggingface" not in url)
    wish = ["--problem", "logreg/imdb,logreg/mnist", "--opts", "adam", "--seeds", "1"]
    assert main([*wish, "--epochs", "1", "--wandb", "disabled"]) == 0
    out = capsys.readouterr().out
    assert out.count("NOTICE: logreg/imdb becomes logreg/reviews") == 1
    assert out.count("logreg/mnist becomes logreg/digits: the download of mnist broke off") == 1


@pytest.mark.parametrize("arguments", [["--dataset", "mnist"], [], ["--dry-run"]])
def test_trials_on_record_need_no_data_and_no_network(capsys, trials_of, monkeypatch, arguments):
    def ask(url):
        raise AssertionError(f"asked for {url}")

    monkeypatch.setattr(datamodules.places, "reachable", ask)
    [trial] = trials_of("logreg/mnist", epochs=PROBLEMS["logreg/mnist"].workload.epochs)
    Store("results", "default").write(Record(trial=trial, status="diverged"))
    wish = ["--model", "logreg", "--opts", "adam", "--seeds", "1", "--wandb", "disabled"]
    assert main([*wish, *arguments]) == 0
    out = capsys.readouterr().out
    assert "logreg/mnist" in out
    assert "logreg/digits" not in out


def test_data_of_problems_on_record_are_not_prepared_for_the_sake_of_others(capsys, trials_of):
    [trial] = trials_of("logreg/mnist")
    Store("results", "default").write(Record(trial=trial, status="diverged"))
    wish = ["--problem", "logreg/mnist,logreg/digits", "--epochs", "1", "--opts", "adam"]
    assert main([*wish, "--seeds", "1", "--wandb", "disabled"]) == 0
    streams = capsys.readouterr()
    assert "2 with 1 seed, 1 to run" in streams.out
    assert "NOTICE" not in streams.out + streams.err


def test_data_asked_for_by_name_are_not_replaced(capsys):
    assert main(["--model", "logreg", "--dataset", "mnist", "--opts", "adam"]) == 3
    err = capsys.readouterr().err
    assert "MNIST/raw/*-ubyte.gz" in err
    assert "--data-dir" in err


@pytest.mark.parametrize(
    ("model", "dataset", "words"),
    [
        ("logreg", "tests.plugins.data.RaisesWhenPrepared", "ConnectionError: the server is gone"),
        ("logreg", "tests.plugins.data.TooFewClasses", "with num_classes 2"),
        ("logreg", "tests.plugins.data.Squars", "Did you mean 'Squares'?"),
        ("tests.plugins.networks.RaisesWhenBuilt", "digits", "ImportError: no compiler"),
    ],
)
def test_errors_in_anyones_network_or_data_are_one_line_and_bad_usage(
    capsys, model, dataset, words
):
    arguments = ["--model", model, "--dataset", dataset, "--opts", "adam", "--wandb", "disabled"]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert "is a LightningDataModule class" in err or "is a torch.nn.Module class" in err
    assert len(err.strip().splitlines()) == 1


def test_corrupt_data_are_named_with_their_cure(capsys, tmp_path):
    folder = tmp_path / "data" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{name}-ubyte.gz").write_bytes(b"\x1f\x8b\x08 this is no gzip")
    where = ["--data-dir", str(tmp_path / "data"), "--cache-dir", str(tmp_path / "cache")]
    assert main(["--model", "logreg", "--opts", "adam", "--wandb", "disabled", *where]) == 3
    err = capsys.readouterr().err
    assert "train-images-idx3-ubyte.gz is corrupt" in err
    assert "delete it and fetch it again" in err


def test_dry_run_runs_nothing_and_says_what_would(capsys, tmp_path):
    assert main([*QUICK, "--opts", "all", "--dry-run"]) == 0
    count = 5 * len(OPTIMIZERS)
    assert f"{count} with 5 seeds, {count} to run, about" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dataset", ["digits", "tests.plugins.data.Squares"])
def test_a_plan_says_where_its_duration_is_a_guess(dataset, capsys):
    asked = ["--model", "logreg", "--dataset", dataset, "--opts", "adam", "--epochs", "1"]
    assert main([*asked, "--dry-run"]) == 0
    guess = f"the time is a guess: logreg/{dataset} at 10 s an epoch; the first trial that is done"
    assert (guess in capsys.readouterr().out) == (dataset != "digits")
    assert main([*asked, "--dry-run", "--json"]) == 0
    guessed = json.loads(capsys.readouterr().out)["guessed"]
    assert guessed == [f"logreg/{dataset}"] * (dataset != "digits")


def test_config_file_gives_defaults_that_the_command_line_overrides(capsys, tmp_path):
    config = tmp_path / "study.toml"
    config.write_text('problem = ["logreg/digits"]\nopts = "adam"\nseeds = 7\nepochs = 2\n')
    assert main(["--config", str(config), "--seeds", "4", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["trials"] == 4
    assert plan["problems"] == ["logreg/digits (2 epochs)"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "mpl"], "unknown model 'mpl'. Did you mean 'mlp'?"),
        (["--model", "mlp", "--opts", "adm"], "Did you mean 'adam'"),
        (["--model", "mlp", "--opts", "adam:lr=-1"], "expected lr"),
        (["--model", "mlp", "--opts", "adam:beta1=0.9"], "has no hyperparameter 'beta1'"),
        (["--model", "mlp", "--opts", "json.JSONDecoder"], "torch.optim.Optimizer"),
        (["--model", "mlp", "--dataset", "minst"], "Did you mean 'mnist'?"),
        (
            ["--model", "mlp", "--dataset", "imdb"],
            "takes dense inputs and 'imdb' is a bag of words",
        ),
        (["--model", "cnn", "--dataset", "imdb"], "for 'imdb' use --model logreg"),
        (["--model", "cnn", "--dataset", "diabetes"], "takes images and 'diabetes' is rows of 10"),
        (["--model", "mlp", "--epochs", "-3"], "--epochs"),
        (["--model", "mlp", "--seeds", "0"], "--seeds"),
        (["--model", "mlp", "--timeout", "0"], "--timeout"),
        (["--model", "mlp", "--workers", "none"], "whole number from 1 to 1,024 or 'auto'"),
        (["--model", "mlp", "--study", "../up"], "study name"),
        (["--model", "mlp", "--data-dir", "nowhere"], "does not exist"),
        (["--model", "mlp", "--accelerator", "tpu"], "unknown accelerator 'tpu'"),
        (["--model", "mlp", "--precision", "8"], "unknown precision '8'"),
        (["--model", "mlp", "--wandb", "on"], "--wandb"),
        (["--model", "mlp", "--problem", "mlp/digits"], "leave --model"),
        (["--opts", "adam"], "nothing to run"),
        (["--modl", "mlp"], "Did you mean"),
        (["show", "nothing"], "no study 'nothing'"),
        (["list", "things"], "things"),
        (["shwo"], "shwo"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(capsys, arguments, words):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_unknown_config_keys_are_refused_with_a_suggestion(capsys, tmp_path):
    (tmp_path / "bad.toml").write_text("epoch = 3\n")
    assert main(["--config", "bad.toml"]) == 2
    assert "unknown key 'epoch'. Did you mean 'epochs'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("seeds = 2.5", "expected how many seeds (5 means seeds 0 to 4) or which ones"),
        ("seeds = true", "expected how many seeds"),
        ("workers = 0", "or 'auto', got 0"),
        ("opts = {a = 1}", "expected printable text, or a list of such texts"),
        ("study = 3", "expected printable text, or a list of such texts"),
        ("dropout = 1", "expected true or false"),
        ("l2 = nan", "expected a number >= 0, got nan"),
    ],
)
def test_config_values_of_the_wrong_kind_are_refused(capsys, tmp_path, line, words):
    (tmp_path / "c.toml").write_text(line)
    assert main(["--model", "mlp", "--config", "c.toml"]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list", "opt"], ["optimizers"]),
        (["run", "--opts", "adam,sg"], ["adam,sgd"]),
        (["--mod"], ["--model"]),
        (["--model", "logreg,ml"], ["logreg,mlp"]),
        (["sh"], ["show"]),
    ],
)
def test_a_shell_completes_verbs_options_and_the_last_name_of_a_list(
    capsys, monkeypatch, words, expected
):
    line = ["optimizer-benchmark", *words]
    monkeypatch.setenv("_OPTIMIZER_BENCHMARK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(line))
    monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
    with pytest.raises(SystemExit):
        main([])
    found = [row.partition(",")[2] for row in capsys.readouterr().out.splitlines()]
    assert found == expected


def test_a_mistyped_verb_and_no_verb_say_what_there_is(capsys):
    assert main(["shwo"]) == 2
    assert "unknown verb 'shwo'. Did you mean 'show'?" in capsys.readouterr().err
    assert main([]) == 2
    assert "Verbs:" in capsys.readouterr().out


def test_a_results_folder_that_cannot_be_made_is_refused_before_anything_starts(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main([*QUICK, "--opts", "sgd", "--results", str(tmp_path / "file" / "deeper")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_labels_that_look_like_markup_stay_text(capsys):
    assert main([*UNTRAINED, "--opts", "sgd@[/x]:lr=0.1", "--seeds", "1"]) == 0
    assert "[/x]" in capsys.readouterr().out


def test_show_keeps_the_order_of_numbers(capsys):
    main([*UNTRAINED, "--opts", "sgd:lr=1|0.01|0.1,adam", "--seeds", "1"])
    capsys.readouterr()
    main(["show", "default", "--json"])
    labels = [row["optimizer"] for row in json.loads(capsys.readouterr().out)]
    assert labels == ["sgd lr=0.01", "sgd lr=0.1", "sgd lr=1", "adam"]


@pytest.mark.parametrize("kind", ["optimizers", "models", "datasets", "problems"])
def test_list_names_every_row(capsys, kind):
    assert main(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [row["name"] for row in rows]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_the_shell(capsys, shell):
    assert main(["completion", shell]) == 0
    assert "_OPTIMIZER_BENCHMARK_COMPLETE" in capsys.readouterr().out


def test_help_and_list_load_nothing_heavy():
    code = (
        "import sys\n"
        "from benchmark.__main__ import main\n"
        "for words in ('--help', 'list optimizers', 'run --help', 'landscape --help'):\n"
        "    assert main(words.split()) == 0, words\n"
        "    heavy = {'torch', 'lightning', 'wandb', 'numpy', 'scipy', 'matplotlib'}\n"
        "    if heavy & set(sys.modules):\n"
        "        sys.exit(f'{words} loads {heavy & set(sys.modules)}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_python_without_the_libraries_says_how_to_set_up():
    words = [sys.executable, "-S", "-m", "benchmark", "list", "problems"]  # -S: no site-packages
    root = Path(__file__).parents[3]
    done = subprocess.run(words, capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: click is not installed in ")
    assert done.stderr.endswith("run make setup, and then source .venv/bin/activate\n")
    assert done.stderr.count("\n") == 1


def test_an_edited_optimizer_runs_again(capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    text = "import torch\n\nclass Opt(torch.optim.SGD):\n    pass\n"
    (tmp_path / "edited_between_runs.py").write_text(text)
    command = [*UNTRAINED, "--opts", "edited_between_runs.Opt:lr=0.1", "--seeds", "1", "--dry-run"]
    main([argument for argument in command if argument != "--dry-run"])
    capsys.readouterr()
    main(command)
    assert "1 with 1 seed, 0 to run" in capsys.readouterr().out
    (tmp_path / "edited_between_runs.py").write_text(text + "\n")
    main(command)
    assert "1 with 1 seed, 1 to run" in capsys.readouterr().out


@pytest.mark.slow
def test_report_writes_a_page_and_says_where(capsys, tmp_path):
    assert main([*QUICK, "--opts", "sgd", "--seeds", "1"]) == 0
    assert "as a page: python -m benchmark report default" in capsys.readouterr().out
    assert main(["report", "default"]) == 0
    out = capsys.readouterr().out
    assert "wrote results/default/report.html" in out
    assert f"file://{tmp_path}/results/default/report.html" in out
    assert (tmp_path / "results/default/report.html").read_text().startswith("<!doctype html>")


def test_report_of_an_unknown_study_is_one_line(capsys):
    assert main(["report", "gone"]) == 2
    assert capsys.readouterr().err == "Error: no study 'gone' in results. There are none yet\n"


@pytest.fixture
def unwritable(tmp_path):
    """Return a folder in which nobody can make a file."""
    folder = Path("/proc")  # not even root
    if os.geteuid() != 0:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    elif not folder.is_dir():
        pytest.skip("root can write anywhere here")
    return folder


@pytest.mark.parametrize("option", ["--results", "--cache-dir"])
@pytest.mark.parametrize("below", ["", "new", "new/deeper"])
@pytest.mark.parametrize("words", [["--dry-run"], ["--dry-run", "--json"], []])
def test_folders_that_cannot_be_written_are_refused_by_a_dry_run_too(
    capsys, unwritable, option, below, words
):
    folder = unwritable / below
    assert main([*QUICK, "--opts", "adam", "--seeds", "1", option, str(folder), *words]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert len(streams.err.strip().splitlines()) == 1
    assert streams.err.startswith(f"Error: folder {folder}")
    assert "cannot be made: " in streams.err or "cannot be written: " in streams.err
