"""The launcher of Slurm, on a real one: its daemons and a node of two CPUs on this machine."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.store import Store
from tests import clusters, slurm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(slurm.why_not()), reason=slurm.why_not()),
]
SLURM = ("--launcher", "slurm")


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return what the study gives on this machine without Slurm."""
    results = tmp_path_factory.mktemp("local")
    assert clusters.complete(results).returncode == 1  # one optimizer raises an error
    return clusters.bits(results)


@pytest.fixture(scope="module")
def daemons(tmp_path_factory):
    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


@pytest.fixture
def ask(daemons, monkeypatch):
    """Return a function that runs a command of Slurm; the cluster is empty at first."""
    monkeypatch.setenv("SLURM_CONF", daemons["SLURM_CONF"])

    def run(*words):
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.strip()

    yield run
    clusters.end_started()
    run("scancel", "-u", "root")
    clusters.wait_until(lambda: not run("squeue", "-h"))


def _running(ask):
    """Return the ids of running tasks, such as 7_1."""
    return ask("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%i").split()


def _workers(results):
    """Return the process ids of Slurm's tasks that run trials in `results`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"worker" in words and str(results).encode() in words:
                found.append(int(path.parent.name))
    return found


def _has_records(results, number):
    return lambda: len(clusters.records(results)) >= number


def test_a_study_gives_the_bits_of_one_machine(ask, tmp_path, local):
    results = tmp_path / "a folder, 100%a #1"
    results.mkdir()
    with clusters.counted():
        done = clusters.complete(results, *SLURM, "--workers", "2")
    assert done.returncode == 1, done.stderr
    assert clusters.bits(results) == local
    assert "Traceback" not in done.stderr
    assert len(list((results / "default" / "slurm").glob("*.log"))) == 2


def test_forty_trials_in_packs_and_in_more_tasks_than_an_array_may_have(ask, tmp_path):
    words = ("--opts", "adam,sgd")
    assert clusters.complete(tmp_path / "local", *words, "--stack", "off", seeds=20).returncode == 0
    options = (*SLURM, "--trials-per-job", "8", *words)
    done = clusters.complete(tmp_path / "slurm", *options, seeds=20)
    assert done.returncode == 0, done.stderr
    found = clusters.bits(tmp_path / "slurm")
    assert len(found) == 40
    stacked = [each.environment.stacked for each in clusters.records(tmp_path / "slurm").values()]
    assert stacked == [8] * 40
    assert found == clusters.bits(tmp_path / "local")
    arrays = list((tmp_path / "slurm" / "default" / "slurm").glob("*.sh"))
    assert len(arrays) == 2  # of 4 tasks and 1


def test_a_comparison_chooses_and_finds_what_one_machine_does(ask, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    assert clusters.compare(here).returncode == 0
    done = clusters.compare(there, *SLURM, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert clusters.bits(there) == clusters.bits(here)
    assert clusters.chosen(there) == clusters.chosen(here)
    assert len(clusters.chosen(there)) == 2
    assert done.stdout.count("Slurm job") >= 3  # a stage each


def test_a_cancelled_and_a_killed_task_lose_and_double_no_record(ask, tmp_path, local):
    process = clusters.start(tmp_path, *SLURM, "--workers", "2")
    clusters.wait_until(_has_records(tmp_path, 2))
    ask("scancel", _running(ask)[0])
    clusters.wait_until(_has_records(tmp_path, 5))
    clusters.wait_until(lambda: _workers(tmp_path))
    os.kill(_workers(tmp_path)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    assert clusters.bits(tmp_path) == local
    assert "Traceback" not in output


def test_a_preempted_task_goes_on(ask, tmp_path, local):
    process = clusters.start(tmp_path, *SLURM, "--workers", "2", "--slurm", "partition=low")
    clusters.wait_until(_has_records(tmp_path, 2))
    ask("sbatch", "-p", "high", "-n", "2", "-o", "/dev/null", "--wrap", "sleep 1000")
    clusters.wait_until(lambda: ask("squeue", "-h", "-p", "high", "-t", "RUNNING"))
    preempted = ask("squeue", "-h", "-r", "-p", "low", "-t", "PENDING", "-o", "%i").split()
    assert preempted
    ask("scancel", "-p", "high")
    for task in preempted:  # otherwise Slurm waits two minutes
        ask("scontrol", "update", f"jobid={task}", "StartTime=now")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    assert clusters.bits(tmp_path) == local


def test_a_requeued_task_goes_on(ask, tmp_path, local):
    process = clusters.start(tmp_path, *SLURM, "--workers", "2")
    clusters.wait_until(_has_records(tmp_path, 2))
    task = _running(ask)[0]
    ask("scontrol", "requeue", task)
    clusters.wait_until(lambda: ask("scontrol", "update", f"jobid={task}", "StartTime=now") == "")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    restarts = ask("scontrol", "-o", "show", "job", task)
    assert "Restarts=1" in restarts
    assert clusters.bits(tmp_path) == local


def test_a_task_over_its_time_limit_fails_with_the_reason(ask, tmp_path):
    words = ("--opts", "tests.plugins.optimizers.Slow:seconds=20", "--slurm", "time=1")
    done = clusters.complete(tmp_path, *SLURM, *words, seeds=1)
    assert done.returncode == 1, done.stderr
    (record,) = clusters.records(tmp_path).values()
    assert record.status == "failed"
    assert "twice without a record: it reached its time limit of 00:01:00 on" in record.reason


def test_a_killed_launcher_leaves_its_jobs_to_the_same_command(ask, tmp_path, local):
    process = clusters.start(tmp_path, *SLURM, "--workers", "2")
    clusters.wait_until(_has_records(tmp_path, 3))
    jobs = _running(ask)
    for job in jobs:  # so that they are there when the second command looks
        ask("scontrol", "suspend", job)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert jobs
    assert len(clusters.records(tmp_path)) < len(local)
    _watch_earlier_jobs(tmp_path, lambda: [ask("scontrol", "resume", job) for job in jobs])
    assert clusters.bits(tmp_path) == local


def _watch_earlier_jobs(results, let_them_run):
    """Start the command again, and once it watches the jobs, let them run to the end."""
    process = clusters.start(results, *SLURM, "--workers", "2")
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "which were submitted earlier" in line:
            break
    let_them_run()
    output, _ = process.communicate(timeout=600)
    assert "which were submitted earlier" in seen[-1], "".join(seen)
    assert process.returncode == 1, output
    assert "Slurm job" not in output  # nothing was submitted again


def test_an_interrupted_launcher_cancels_its_jobs_and_goes_on(ask, tmp_path, local):
    process = clusters.start(tmp_path, *SLURM, "--workers", "2")
    clusters.wait_until(_has_records(tmp_path, 3))
    output = clusters.press_ctrl_c(process)
    assert process.returncode == 130
    assert "Cancelled Slurm jobs" in output
    clusters.wait_until(lambda: not ask("squeue", "-h"))
    kept = clusters.records(tmp_path)
    assert len(kept) < len(local)
    done = clusters.complete(tmp_path, *SLURM, "--workers", "2")
    assert done.returncode == 1, done.stderr
    assert clusters.bits(tmp_path) == local
    now = clusters.records(tmp_path)
    assert all(now[key] == record for key, record in kept.items() if record.status == "done")


def test_a_detached_study_is_watched_later(ask, tmp_path, local):
    done = clusters.complete(tmp_path, *SLURM, "--workers", "2", "--detach", "--slurm", "hold")
    assert done.returncode == 1
    assert "same command again, without --detach" in " ".join(done.stdout.split())
    (job,) = set(ask("squeue", "-h", "-o", "%F").split())
    _watch_earlier_jobs(tmp_path, lambda: ask("scontrol", "release", job))
    assert clusters.bits(tmp_path) == local


def test_a_job_that_slurm_refuses_is_one_line(ask, tmp_path):
    done = clusters.complete(tmp_path, *SLURM, "--slurm", "partition=nope")
    assert done.returncode == 2
    assert "Error: Slurm refuses the job: invalid partition specified: nope" in done.stderr
    assert not clusters.records(tmp_path)
    assert not list((Store(tmp_path, "default").folder / "slurm").iterdir())
