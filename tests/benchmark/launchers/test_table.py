"""The table of launchers, and a launcher that is none of its rows."""

import inspect
import pickle
import subprocess
import sys

import pytest

from benchmark.__main__ import main
from benchmark.complete import complete
from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.launchers import (
    LAUNCHERS,
    Launcher,
    Limits,
    Packer,
    Previewer,
    Queued,
    StepTimer,
    make_launcher,
)
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.messages import Begun, RunningLoss
from benchmark.launchers.server import start, start_method
from benchmark.request import Request
from benchmark.store import Store
from benchmark.study import Study
from optimizers.errors import UnknownNameError
from tests.plugins import launchers

pytestmark = pytest.mark.forks

METHODS = [name for name in vars(Launcher) if name == "__call__" or not name.startswith("_")]
OPTIONAL = {StepTimer: "time_steps", Packer: "packs", Previewer: "preview"}


@pytest.mark.parametrize("name", LAUNCHERS)
@pytest.mark.parametrize("method", METHODS)
def test_every_launcher_of_the_table_has_every_method_as_the_protocol_says(name, method):
    launcher = make_launcher(name, Limits(workers=3))
    own = inspect.signature(getattr(type(launcher), method))
    asked = inspect.signature(getattr(Launcher, method))
    assert list(own.parameters) == list(asked.parameters)


@pytest.mark.parametrize("name", LAUNCHERS)
@pytest.mark.parametrize(("asked", "method"), [*OPTIONAL.items(), (Queued, "here")])
def test_what_a_launcher_can_also_do_is_as_its_protocol_says(name, asked, method):
    launcher = make_launcher(name, Limits())
    assert isinstance(launcher, asked) is hasattr(launcher, method)
    if not isinstance(launcher, asked):
        return
    if asked is Queued:
        assert all(callable(getattr(launcher.here, each)) for each in METHODS)
    else:
        own, theirs = (inspect.signature(getattr(each, method)) for each in (type(launcher), asked))
        assert list(own.parameters) == list(theirs.parameters)


def test_each_protocol_beside_that_of_launchers_has_a_launcher_in_the_table():
    made = [make_launcher(name, Limits()) for name in LAUNCHERS]
    assert all(any(isinstance(each, one) for each in made) for one in (*OPTIONAL, Queued))


def test_building_a_launcher_loads_nothing_heavy():
    program = (
        "import sys\n"
        "from pkgutil import resolve_name\n"
        "from benchmark.launchers import LAUNCHERS, Limits\n"
        "heavy = {'torch', 'lightning', 'numpy', 'ray', 'polars', 'scipy'}\n"
        "for name, row in LAUNCHERS.items():\n"
        "    resolve_name(row.target)(Limits())\n"
        "    if heavy & set(sys.modules):\n"
        "        sys.exit(f'{name} loads {heavy & set(sys.modules)}')\n"
    )
    asked = [sys.executable, "-c", program]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_launcher_is_refused_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"unknown launcher 'locl'\. Did you mean 'local'"):
        make_launcher("locl", Limits())


MINE = "tests.plugins.launchers"
STUDY = ["--problem", "logreg/digits", "--opts", "adam", "--seeds", "1", "--epochs", "1"]


def command(capsys, *words):
    code = main([*STUDY, "--wandb", "disabled", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err.strip().splitlines()


def test_a_launcher_by_import_path_runs_the_trials_and_leaves_no_trace_in_their_keys(
    tmp_path, digits, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    launchers.ran.clear()
    assert command(capsys, "--study", "mine", "--launcher", f"{MINE}.Noting")[0] == 0
    [trial] = launchers.ran
    assert launchers.limits == [Limits()]
    command(capsys, "--study", "here", "--launcher", "local")
    [mine] = Store("results", "mine").records()
    [here] = Store("results", "here").records()
    assert mine.trial.key == here.trial.key == trial.key
    assert mine.weights_sha256 == here.weights_sha256 != ""


def test_a_launcher_in_a_file_of_ones_own_by_its_path(tmp_path, digits, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_launcher.py").write_text(f"from {MINE} import Noting as Mine\n")
    launchers.ran.clear()
    assert command(capsys, "--launcher", "my_launcher.py:Mine")[0] == 0
    assert len(launchers.ran) == 1


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("locl", "unknown launcher 'locl'. Did you mean 'local'?"),
        ("", "unknown launcher ''. Known: local"),
        ("nowhere.Mine", "no module 'nowhere'"),
        (f"{MINE}.Nothing", "cannot be imported: AttributeError"),
        (f"{MINE}.limits", "is no class: a launcher is a class, built with"),
        (f"{MINE}.Empty", "has no check_hyperparameters, num_at_once, prepare, rehearse, warm_up"),
        (
            f"{MINE}.FewerArguments",
            "cannot be called as num_at_once(threads, accelerator): a launch",
        ),
        (
            f"{MINE}.NotCallable",
            "cannot be called as __call__(trials, store, context, watcher): a ",
        ),
        (f"{MINE}.Refuses", "cannot be built (ValueError: broken by all means): a launcher is"),
        (f"{MINE}.Leaves", "cannot be built (SystemExit: 1"),
        (f"{MINE}.TakesNothing", "cannot be built (TypeError"),
        ("gone.py:Mine", "there is no file"),
    ],
)
def test_what_is_no_launcher_is_one_line_and_exit_code_2(
    tmp_path, monkeypatch, capsys, name, words, more
):
    monkeypatch.chdir(tmp_path)
    code, _, err = command(capsys, "--launcher", name, *more)
    assert code == 2
    [line] = err
    assert words in line
    assert not list(tmp_path.glob("results/*/*"))


@pytest.mark.parametrize(
    ("option", "start"),
    [
        ("array=0-3", "Error: --slurm array is set by the suite"),
        ("Partition=gpu", "Error: --slurm 'Partition=gpu': expected a long option of sbatch"),
    ],
)
def test_an_option_that_a_launcher_refuses_is_told_in_its_own_words(capsys, option, start):
    code, _, err = command(capsys, "--launcher", "slurm", "--slurm", option, "--dry-run")
    assert code == 2
    [line] = err
    assert line.startswith(start)


@pytest.mark.parametrize(
    ("workers", "threads", "at_once"), [(3, 1, 3), (3, 8, 3), (0, 1, 8), (0, 3, 2), (0, 100, 1)]
)
def test_as_many_run_at_once_as_there_are_cores_for(monkeypatch, workers, threads, at_once):
    monkeypatch.setattr("benchmark.launchers.devices.cpu_cores", lambda: 8)
    assert LocalLauncher(Limits(workers=workers)).num_at_once(threads) == at_once


@pytest.mark.parametrize(
    ("workers", "slots", "at_once"), [(0, 1, 2), (0, 3, 6), (0, 9, 8), (3, 2, 3), (16, 1, 2)]
)
def test_as_many_run_at_once_as_the_gpus_have_slots_for(monkeypatch, workers, slots, at_once):
    monkeypatch.setattr("benchmark.launchers.devices.cpu_cores", lambda: 8)
    monkeypatch.setattr("benchmark.launchers.devices.gpu_ids", lambda: ("0", "1"))
    launcher = LocalLauncher(Limits(workers=workers, gpu_slots=slots))
    assert launcher.num_at_once(1, "gpu") == at_once
    asked = Request(
        models=("logreg",), dataset="digits", opts="adam", seeds=24, accelerators=("gpu", "cpu")
    )
    packs = launcher.packs(asked.study("s").trials(), 24, Store("results", "s"))
    sizes = {place: [] for place in ("gpu", "cpu")}
    for pack in packs.packs:
        sizes[pack[0].accelerator].append(len(pack))
    assert {place: len(found) for place, found in sizes.items()} == {
        "gpu": at_once,
        "cpu": min(12, workers or 8),
    }


def _run_and_append(trial, store, context, path):
    from benchmark.launchers.worker import work

    def report(message):
        with path.open("ab") as file:
            pickle.dump(message, file)

    work(trial, store, context, report)


class ByFile(LocalLauncher):
    """A launcher whose workers write their messages to a file, without a pipe to anyone."""

    def __call__(self, trials, store, context, watcher):
        for trial in trials:
            path = store.folder / f"{trial.key}.messages"
            arguments = (trial, store, context, path)
            process = start_method().Process(target=_run_and_append, args=arguments)
            start(process)
            process.join()


def messages(path):
    found = []
    with path.open("rb") as file:
        while True:
            try:
                found.append(pickle.load(file))
            except EOFError:
                return found


@pytest.mark.slow
def test_a_worker_reports_to_whatever_takes_its_messages(tmp_path, trials_of, digits):
    store = Store(tmp_path, "study")
    [trial] = trials_of(log_every=2, opts="tests.plugins.optimizers.Slow:seconds=0.05")
    store.folder.mkdir()
    ByFile()([trial], store, Context(), None)
    first, *others = messages(store.folder / f"{trial.key}.messages")
    assert first == Begun()
    assert others
    assert all(isinstance(each, RunningLoss) and each.step % 2 == 0 for each in others)
    assert store.record(trial).status == "done"


@pytest.mark.slow
def test_another_launcher_gives_the_same_bits(tmp_path, trials_of, digits):
    [trial] = trials_of()
    study = Study(
        name="study",
        workloads=_workloads(),
        optimizers=(trial.optimizer,),
        seeds=(0,),
    )
    [mine] = complete(study, Store(tmp_path / "mine", "study"), ByFile())
    [local] = complete(study, Store(tmp_path / "local", "study"))
    assert mine.trial.key == local.trial.key == trial.key
    assert mine.weights_sha256 == local.weights_sha256 != ""


def _workloads():
    from dataclasses import replace

    from benchmark.problems import PROBLEMS

    return (replace(PROBLEMS["logreg/digits"].workload, epochs=1),)


def _words(flag, default):
    """Return the words that give an option another value than its default."""
    if isinstance(default, bool):
        return [flag.name]
    return [flag.name, "3" if isinstance(default, int) else "time=30"]


OPTIONS = [
    (owner, _words(flag, getattr(row.options(), name)))
    for owner, row in LAUNCHERS.items()
    if row.options is not None
    for name, flag in row.options.flags().items()
]


@pytest.mark.parametrize(("owner", "words"), OPTIONS)
@pytest.mark.parametrize("launcher", [*LAUNCHERS, f"{MINE}.Noting"])
def test_an_option_of_another_launcher_is_refused(launcher, owner, words, tmp_path, capsys):
    if launcher == owner:
        return
    asked = ["run", "--problem", "logreg/digits", "--opts", "adam", "--results", str(tmp_path)]
    assert main([*asked, "--dry-run", "--launcher", launcher, *words]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"{words[0]} is for --launcher {owner}, and the launcher is {launcher!r}" in line


@pytest.mark.parametrize(("owner", "words"), OPTIONS)
def test_a_launcher_gets_the_options_of_the_command_line(owner, words, tmp_path, monkeypatch):
    from benchmark.cli import study_options

    seen = []

    def make(name, limits):
        seen.append(limits)
        return LocalLauncher()

    monkeypatch.setattr(study_options, "make_launcher", make)
    asked = ["run", "--problem", "logreg/digits", "--opts", "adam", "--results", str(tmp_path)]
    assert main([*asked, "--dry-run", "--launcher", owner, *words]) == 0
    [limits] = seen
    [options] = limits.options
    assert type(options) is LAUNCHERS[owner].options
    assert options.given() == words[:1]
    assert limits.options_of(type(options)) is options


@pytest.mark.parametrize("kind", [row.options for row in LAUNCHERS.values() if row.options])
def test_a_launcher_by_import_path_may_take_options(kind, monkeypatch):
    own = kind()
    with pytest.raises(UsageError, match=f"{kind.__name__} is for --launcher"):
        make_launcher(f"{MINE}.Noting", Limits(options=(own,)))
    monkeypatch.setattr(launchers.Noting, "options_type", kind, raising=False)
    make_launcher(f"{MINE}.Noting", Limits(options=(own,)))
    assert launchers.limits[0].options_of(kind) is own
