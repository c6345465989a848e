"""A study that the tests of clusters run, and what it gives on one machine."""

import os
import signal
import subprocess
import sys
import time

from benchmark.store import Store

# Three optimizers that finish, one of them slowly, one that diverges and one that raises an error.
OPTS = (
    "adam,sgd:lr=0.1|1e9,tests.plugins.optimizers.Slow:seconds=0.02,"
    "tests.plugins.optimizers.RaisesLater"
)
STUDY = ("--problem", "logreg/digits", "--opts", OPTS, "--epochs", "2", "--wandb", "disabled")


def command(results, *words, seeds=4):
    """Return the command that completes the study in `results`."""
    asked = (*STUDY, "--seeds", str(seeds), "--results", str(results))
    return [sys.executable, "-m", "benchmark", *asked, *words]


def complete(results, *words, seeds=4, timeout=800):
    """Complete the study, and return the ended process with its output."""
    return subprocess.run(
        command(results, *words, seeds=seeds),
        capture_output=True,
        text=True,
        timeout=timeout,
        env=_environment(),
    )


def start(results, *words, seeds=4):
    """Start to complete the study in a process group of its own."""
    return subprocess.Popen(
        command(results, *words, seeds=seeds),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=_environment(),
    )


def press_ctrl_c(process):
    """Press Ctrl-C in the terminal of a process that `start` returned; return its output."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=400)[0]


def records(results):
    """Return the records of the study by key."""
    return {record.trial.key: record for record in Store(results, "default").records()}


def bits(results):
    """Return what must not depend on where a trial ran: status, digest of the weights, metrics."""
    return {
        key: (record.status, record.weights_sha256, record.metrics)
        for key, record in records(results).items()
    }


def wait_until(is_true, seconds=400):
    """Wait until `is_true()`, at most `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _environment():
    # As on a node of a cluster: whatever is set for the tests' own process has to be passed on.
    return {**os.environ, "OMP_NUM_THREADS": "1"}
