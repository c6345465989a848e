"""A study that the tests of clusters run, and what it gives on one machine."""

import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

from benchmark.__main__ import main
from benchmark.declaration import read_declaration
from benchmark.store import Store
from tests.plugins.attempts import attempts

_NOTE = Path(mkdtemp(prefix="attempts-")) / "note"  # one for all studies: it is part of their keys
NOTES = f"tests.plugins.attempts.Notes:note={_NOTE}"
# Three optimizers that finish, two of which note each attempt, one of these slowly; one that
# diverges and one that raises an error.
OPTS = f"adam,sgd:lr=1e9,{NOTES},{NOTES}:seconds=0.02,tests.plugins.optimizers.RaisesLater"
_NOTED = 8  # trials of four seeds
_started = []
STUDY = ("--problem", "logreg/digits", "--opts", OPTS, "--epochs", "2", "--wandb", "disabled")


def complete(results, *words, seeds=4):
    """Complete the study by a command in this process; return its exit code and output."""
    return _run(_asked(results, words, seeds))


@contextmanager
def counted(trials=_NOTED, again=0):
    """Check that each of the trials that note their attempts begins once in the block.

    Args:
        trials: Their number.
        again: Attempts at most that the test ends, so that the trial begins again.
    """
    _NOTE.unlink(missing_ok=True)
    yield
    found = attempts(_NOTE)
    assert len(found) == trials
    assert found.total() - trials <= again, found


def compare(results, *words):
    """Tune and compare two optimizers by a command in this process; return as `complete`."""
    asked = ("compare", "momentum", "--against", "sgd", "--on", "logreg/digits", "--budget", "2")
    more = ("--seeds", "2", "--epochs", "1", "--no-reuse-baselines", "--wandb", "disabled")
    return _run([*asked, *more, "--study", "default", "--results", str(results), *words])


def chosen(results):
    """Return what the searches of `compare` have chosen."""
    return read_declaration(Store(results, "default").folder).chosen


def start(results, *words, seeds=4):
    """Start to complete the study in a process group of its own, which `end_started` ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *_asked(results, words, seeds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=_environment(),
    )
    _started.append(process)
    return process


def end_started():
    """End the processes that `start` returned and that still run, as after a failed test.

    What nobody has read of their output is printed, so that the report of the failure shows it.
    """
    while _started:
        process = _started.pop()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if not process.stdout.closed:
            sys.stdout.write(process.communicate(timeout=60)[0])


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
    """Wait until `is_true()`, at most `seconds`, and not once a command of `start` has ended.

    A command counts until its output was read.
    """
    deadline = time.monotonic() + seconds
    while True:
        ended = [each for each in _started if each.poll() is not None and not each.stdout.closed]
        if is_true():
            return
        assert not ended, ended[0].communicate(timeout=60)[0]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _run(words):
    out, errors = StringIO(), StringIO()
    with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(errors):
        warnings.simplefilter("default")  # of Ray and Lightning, as outside pytest
        code = main(words)
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=errors.getvalue())


def _asked(results, words, seeds):
    return [*STUDY, "--seeds", str(seeds), "--results", str(results), *words]


def _environment():
    # As on a node of a cluster: whatever is set for the tests' own process has to be passed on.
    return {**os.environ, "OMP_NUM_THREADS": "1"}
