"""What is lost when processes die: nothing that was finished, and nothing half-written stays."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
OPTS = "adam,tests.plugins.optimizers.Slow:seconds=0.3"
COMMAND = [
    *(sys.executable, "-m", "benchmark", "--problem", "logreg/digits", "--epochs", "1"),
    *("--seeds", "2", "--wandb", "disabled", "--workers", "2"),
]


def start(tmp_path, *, opts=OPTS, study="study"):
    return subprocess.Popen(
        [*COMMAND, "--opts", opts, "--study", study, "--results", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, seconds=150):
    """Wait for the end of `process`; return its exit code and what it wrote as errors."""
    _, err = process.communicate(timeout=seconds)
    return process.returncode, err


def records(tmp_path, study="study"):
    paths = sorted((tmp_path / study).glob("*/record.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def wait_for_a_record(tmp_path, process):
    deadline = time.monotonic() + 90
    while not records(tmp_path):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes():
    """Return the fields of /proc/PID/stat from the state on, by process id."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    return found


def workers_of(process):
    """Return the processes below `process`."""
    parents = {pid: int(fields[1]) for pid, fields in processes().items()}
    found, front = set(), {process.pid}
    while front:
        front = {pid for pid, parent in parents.items() if parent in front} - found
        found |= front
    return found


def running(pids):
    """Return those of `pids` that still run: the dead stay in /proc if process 1 reaps nobody."""
    found = processes()
    return {pid for pid in pids if pid in found and found[pid][0] not in "ZX"}


def assert_all_end(pids):
    deadline = time.monotonic() + 15
    while running(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running(pids)


def digests(found):
    return {key: record["weights_sha256"] for key, record in found.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert finish(start(folder))[0] == 0
    return digests(records(folder))


def test_ctrl_c_stops_soon_and_the_same_command_goes_on(tmp_path, undisturbed):
    process = start(tmp_path)
    wait_for_a_record(tmp_path, process)
    kept = records(tmp_path)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, err = finish(process)
    assert time.monotonic() - began < 20  # 5 on a quiet machine; a busy one takes longer
    assert code == 130
    assert err.strip() == "interrupted; the same command goes on where it stopped"
    assert len(records(tmp_path)) < 4
    assert finish(start(tmp_path))[0] == 0
    found = records(tmp_path)
    assert digests(found) == undisturbed
    assert all(found[key] == record for key, record in kept.items())


def test_killed_launcher_leaves_no_worker_and_no_half_record(tmp_path, undisturbed):
    process = start(tmp_path)
    wait_for_a_record(tmp_path, process)
    below = workers_of(process)
    assert below
    process.kill()
    finish(process)
    assert_all_end(below)
    assert all(record["status"] == "done" for record in records(tmp_path).values())
    assert finish(start(tmp_path))[0] == 0
    assert digests(records(tmp_path)) == undisturbed


def test_two_studies_at_once_on_one_folder_share_the_work(tmp_path, undisturbed):
    processes = [start(tmp_path), start(tmp_path)]
    assert [finish(process)[0] for process in processes] == [0, 0]
    assert digests(records(tmp_path)) == undisturbed


def test_full_disk_gives_one_line_and_loses_nothing(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        opts = "adam,sgd,nesterov,momentum,rmsprop,adagrad,adadelta"
        code, err = finish(start(disk, opts=opts))
        assert code == 1
        assert "No space left on device" in err
        assert "Traceback" not in err
        assert all(record["status"] == "done" for record in records(disk).values())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def shell(tmp_path, words, *, opts="adam,sgd", **environment):
    """Run the command line with shell words behind it; return the finished process."""
    command = [*COMMAND, "--opts", opts, "--results", str(tmp_path), "--study", "study"]
    line = "set -o pipefail; " + " ".join(command) + " " + words
    return subprocess.run(
        ["bash", "-c", line],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        timeout=200,
    )


@pytest.mark.parametrize("words", [">&-", ">&- 2>&-", "<&- >&-", "| head -1", ">/dev/full"])
def test_what_becomes_of_the_output_changes_neither_trials_nor_exit_code(tmp_path, words):
    done = shell(tmp_path, words)
    assert done.returncode == 0, done.stderr
    assert [record["status"] for record in records(tmp_path).values()] == ["done"] * 4
    assert b"Traceback" not in done.stderr


def test_the_exit_code_tells_of_failed_trials_although_the_reader_has_gone(tmp_path):
    done = shell(tmp_path, "| head -1", opts="tests.plugins.optimizers.RaisesLater")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_utf_8_gets_its_table(tmp_path, encoding):
    done = shell(tmp_path, "", PYTHONIOENCODING=encoding, LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert b"2 done" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0, 4.0, 7.0])
def test_ctrl_c_is_answered_while_modules_load(tmp_path, seconds):
    process = start(tmp_path, opts="tests.plugins.optimizers.Slow:seconds=5")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    assert_answers_ctrl_c(process)


def test_ctrl_c_is_answered_while_data_are_prepared(tmp_path):
    command = [*COMMAND[:3], "--model", "logreg", "--dataset", "tests.plugins.ending_data.Hangs"]
    process = subprocess.Popen(
        [*command, "--opts", "sgd", "--wandb", "disabled", "--results", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_workers(process)
    assert_answers_ctrl_c(process)


def test_ctrl_c_is_answered_while_workers_ignore_sigterm(tmp_path):
    notes = [tmp_path / name for name in ("one", "two")]
    kind = "tests.plugins.leftovers.ChildThenHang"
    process = start(tmp_path / "results", opts=",".join(f"{kind}:note={note}" for note in notes))
    wait_until(lambda: any(note.exists() for note in notes), process)
    assert_answers_ctrl_c(process)


def wait_until(holds, process):
    deadline = time.monotonic() + 200  # loading takes 10 s on a quiet machine
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_workers(process):
    wait_until(lambda: len(workers_of(process)) >= 3, process)  # tracker, server and a worker


def assert_answers_ctrl_c(process):
    below = workers_of(process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, err = finish(process)
    assert time.monotonic() - began < 15  # 3 on a quiet machine
    assert code == 130
    assert err.strip() == "interrupted; the same command goes on where it stopped"
    assert_all_end(below)
