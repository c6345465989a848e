import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, suppress

import pytest

from benchmark.context import Context
from benchmark.launchers import LAUNCHERS, Limits, Packer, make_launcher
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.pool import Devices, Pool
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.store import Store
from tests.benchmark.launchers.test_local import Watcher as Seen

pytestmark = pytest.mark.forks

SIX = "adam,sgd:lr=0.1,rmsprop,nesterov:lr=0.1,adamw,lion:lr=1e-3"
OTHERS = "torch.optim.NAdam,sgd@wild:lr=1e30"
MEMBER = "tests.plugins.members.Member"


class Watcher(Seen):
    def __init__(self):
        super().__init__()
        self.words = []

    def said(self, text):
        self.words.append(text)


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def launch(tmp_path):
    """Return a function that launches trials and returns their records and the watcher."""

    def run(trials, *, stack="auto", study="study", **limits):
        store, watcher = Store(tmp_path, study), Watcher()
        launcher = LocalLauncher(Limits(**({"workers": 1} | limits)))
        launcher(trials, store, Context(stack=stack), watcher)
        return [store.record(trial) for trial in trials], watcher

    return run


def result(record):
    """Everything in a record that is not a duration."""
    found = record.to_json()
    del found["seconds"], found["metrics"]["train_seconds"]
    found["environment"].pop("stacked", None)
    return found


def without_seconds(rows):
    return [{k: v for k, v in row.items() if k != "train_seconds"} for row in rows]


@pytest.mark.parametrize(
    ("rules", "rates", "stack", "sizes"),
    [
        ("adam,sgd:lr=0.1", "0.1|0.05", 4, {4: 8, 2: 4}),
        pytest.param(SIX, "0.1|0.05|0.02|0.01", "auto", {8: 24}, marks=pytest.mark.slow),
    ],
)
def test_a_stacked_study_equals_one_without_stacks_record_by_record(
    trials_of, launch, tmp_path, rules, rates, stack, sizes
):
    trials = trials_of(opts=f"{rules},{OTHERS},{MEMBER}@mine:lr={rates}", seeds=2)
    stacked, watcher = launch(trials, stack=stack, workers=2)
    single, _ = launch(trials, stack="off", study="other", workers=2)
    assert Counter(record.environment.stacked for record in stacked) == sizes
    assert [record.environment.stacked for record in single] == [None] * len(trials)
    assert list(map(result, stacked)) == list(map(result, single))
    assert [record.status for record in stacked].count("diverged") == 2
    stores = Store(tmp_path, "study"), Store(tmp_path, "other")
    for trial in trials:
        assert without_seconds(stores[0].metrics(trial)) == without_seconds(
            stores[1].metrics(trial)
        )
    assert watcher.words == []
    assert sorted(watcher.handed_out) == sorted(trial.key for trial in trials)
    assert len(watcher.records) == len(trials)


@pytest.mark.slow
def test_a_trial_left_over_from_packs_is_that_of_no_packs(trials_of, launch):
    trials = trials_of("mlp/digits", "adam:lr=0.1|0.05|0.02", epochs=1)
    stacked, _ = launch(trials, stack=2)
    single, _ = launch(trials, stack="off", study="other")
    assert [record.environment.stacked for record in stacked] == [None, 2, 2]
    assert result(stacked[0]) == result(single[0])


def test_a_pack_whose_member_raises_is_halved_until_that_fails_alone(trials_of, launch):
    rates = "0.1|0.2|0.3|0.4|0.5|0.6|0.7"
    trials = trials_of(opts=f"{MEMBER}@bad:fault=raise,{MEMBER}@good:lr={rates}")
    (bad, *good), watcher = launch(trials)
    assert bad.status == "failed"
    assert bad.reason.startswith("ArithmeticError: a step that went wrong (traceback in ")
    assert [record.status for record in good] == ["done"] * 7
    assert [record.environment.stacked for record in good] == [None, 2, 2, 4, 4, 4, 4]
    assert watcher.words[0] == (
        "NOTICE: a pack of 8 trials of logreg/digits failed, because ArithmeticError: a step that "
        "went wrong; tried again as 4 and 4"
    )
    assert len(watcher.words) == 3


def test_each_trial_of_a_pack_has_its_output_and_keeps_it_when_another_runs_again(
    trials_of, launch, tmp_path
):
    trials = trials_of(opts=f"{MEMBER}:fault=print:lr=0.1|0.2|0.3")
    launch(trials, stack=3)
    folders = [Store(tmp_path, "study").trial_folder(trial) for trial in trials]
    said = [(folder / "log.txt").read_text() for folder in folders]
    assert said == ["".join(f"lr is {lr}\n" for lr in (0.1, 0.2, 0.3))] * 3
    (folders[0] / "record.json").unlink()
    launch(trials, stack="off")
    assert [(folder / "log.txt").read_text() for folder in folders] == ["lr is 0.1\n", *said[1:]]
    store = Store(tmp_path, "study")
    record = store.record(trials[1])
    (folders[1] / "record.json").unlink()
    with store.claim(trials[1]):
        assert store.put(record, [], b"from another node")
    assert [(folder / "log.txt").read_text() for folder in folders[1:]] == [
        "from another node",
        said[2],
    ]


@pytest.mark.slow
def test_a_pack_whose_process_dies_is_halved(trials_of, launch):
    trials = trials_of(opts=f"{MEMBER}@bad:fault=kill,{MEMBER}@good:lr=0.1|0.2")
    records, watcher = launch(trials, stack=3)
    assert [record.status for record in records] == ["failed", "done", "done"]
    assert "killed by signal 9, and again when tried once more" in records[0].reason
    assert "its process was killed by signal 9; tried again as 2 and 1" in watcher.words[0]


@pytest.mark.slow
def test_a_pack_has_the_time_of_its_trials_together(trials_of, launch):
    trials = trials_of(opts=f"{MEMBER}@bad:fault=sleep,{MEMBER}@good")
    records, watcher = launch(trials, stack=2, timeout_seconds=4.0)
    assert "longer than 8 s, --timeout for each of its trials" in watcher.words[0]
    assert "took longer than the 4 s of --timeout" in records[0].reason
    assert records[1].status == "done"


def test_users_optimizers_share_no_process_with_others(trials_of, launch):
    records, _ = launch(trials_of(opts=f"{MEMBER}:lr=0.1|0.2,adam,torch.optim.SGD"), stack=64)
    assert [record.environment.stacked for record in records] == [2] * 4


@pytest.mark.slow
def test_an_optimizer_that_needs_single_steps_is_trained_alone(trials_of, launch):
    records, watcher = launch(trials_of(opts="torch.optim.LBFGS,adam"), stack=2)
    assert {record.status for record in records} <= {"done", "diverged"}
    assert [record.environment.stacked for record in records] == [None, None]
    assert "LBFGS does not evaluate its closure just once" in watcher.words[0]


def test_a_trial_that_another_process_has_is_left_to_it(trials_of, tmp_path):
    trials = trials_of(opts="adam,sgd,rmsprop")
    store, watcher = Store(tmp_path, "study"), Watcher()
    with ExitStack() as claim:

        def released(record):
            watcher.records.append(record)
            claim.close()

        watcher.finished = released
        claim.enter_context(store.claim(trials[0]))
        Pool(store, Context(), Devices(workers=1), watcher).run([], [trials])
    stacked = {r.trial.label: r.environment.stacked for r in watcher.records}
    assert stacked == {"adam": None, "sgd": 2, "rmsprop": 2}


def test_a_finished_member_keeps_its_record(trials_of, launch):
    trials = trials_of(opts=SIX, seeds=2)
    [first], _ = launch(trials[:1])
    records, _ = launch(trials, stack=64)
    assert records[0] == first
    assert [record.environment.stacked for record in records[1:]] == [11] * 11


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_pack_leaves_no_record_and_is_resumed(tmp_path, signum):
    opts = f"{MEMBER}@slow:fault=sleep:marker={tmp_path / 'mark'},{MEMBER}:lr=1|2|3|4|5|6|7"
    words = ["run", "--problem", "logreg/digits", "--epochs", "1", "--seeds", "1", "--opts", opts]
    words += [
        "--results",
        str(tmp_path / "results"),
        "--wandb",
        "disabled",
        "--study",
        "s",
        "--workers",
        "1",
    ]
    command = [sys.executable, "-m", "benchmark", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        while not (tmp_path / "mark").exists() and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        process.send_signal(signum)
        process.communicate(timeout=60)
    assert process.returncode == (130 if signum == signal.SIGINT else -9)
    store = Store(tmp_path / "results", "s")
    assert store.records() == []
    assert len(list(store.folder.glob("*/trial.json"))) == 8
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [record.environment.stacked for record in store.records()] == [8] * 8


@pytest.mark.parametrize(("each", "sizes"), [(32, [32]), (20, [16, 16]), (8, [8] * 4), (7, [])])
def test_packs_of_slurm_are_within_tasks(trials_of, tmp_path, each, sizes):
    trials = trials_of(opts="sgd:lr=0.1,adam", seeds=16)
    launcher = make_launcher("slurm", Limits(options=(SlurmOptions(trials_per_job=each),)))
    packs = launcher.packs(trials, "auto", Store(tmp_path, "study"))
    assert [len(pack) for pack in packs.packs] == sizes
    assert len(packs.alone) == sum(packs.reasons.values()) == 32 - sum(sizes)


@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_launcher_makes_packs(name):
    assert isinstance(make_launcher(name, Limits()), Packer)
