import json
import threading
from contextlib import ExitStack, contextmanager

import pytest

from benchmark.context import Context
from benchmark.launchers import Limits
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.prepare import prepare
from benchmark.prepared import Preparation
from benchmark.record import Environment, Record
from benchmark.store import Store
from datamodules.errors import DataIncompleteError
from tests.plugins.attempts import attempts

pytestmark = pytest.mark.forks


class Watcher:
    def __init__(self):
        self.handed_out, self.losses, self.records = [], [], []

    def started(self, trial):
        self.handed_out.append(trial.key)

    def begun(self, trial):
        pass

    def progressed(self, trial, step, loss):
        self.losses.append((step, loss))

    def finished(self, record):
        self.records.append(record)


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def launch(tmp_path):
    """Return a function that runs trials and returns their records and the watcher."""

    def run(trials, *, workers=2, timeout=None, study="study"):
        store, watcher = Store(tmp_path, study), Watcher()
        context = Context(environment=Environment(suite="test"))
        limits = Limits(workers=workers, timeout_seconds=timeout)
        LocalLauncher(limits)(trials, store, context, watcher)
        return [store.record(trial) for trial in trials], watcher

    return run


def test_every_trial_has_its_record_and_the_number_of_workers_changes_no_bit(trials_of, launch):
    trials = trials_of(opts="adam,sgd:lr=0.1", seeds=2)
    two, watcher = launch(trials, workers=2)
    one, _ = launch(trials[:2], workers=1, study="other")
    assert [record.status for record in two] == ["done"] * 4
    assert [r.weights_sha256 for r in two[:2]] == [r.weights_sha256 for r in one]
    assert len(set(watcher.handed_out)) == len(watcher.records) == 4
    assert two[0].environment.suite == "test"


def test_each_trial_starts_once(trials_of, launch, tmp_path):
    note = tmp_path / "note"
    trials = trials_of(opts=f"tests.plugins.attempts.Notes:note={note}", seeds=4)
    records, _ = launch(trials)
    assert [record.status for record in records] == ["done"] * 4
    assert sorted(attempts(note).values()) == [1] * 4


def test_a_crashed_trial_is_tried_once_more(trials_of, launch, tmp_path):
    marker = tmp_path / "killed"
    opts = f"tests.plugins.optimizers.KilledOnce:marker={marker}"
    trials = trials_of(opts=opts)
    marker.unlink(missing_ok=True)
    [record], watcher = launch(trials)
    assert marker.exists()
    assert record.status == "done"
    assert len(watcher.handed_out) == 2


def test_a_trial_that_crashes_twice_has_failed_and_takes_no_other_with_it(trials_of, launch):
    trials = trials_of(opts="tests.plugins.optimizers.KilledAlways,adam")
    (crashed, other), watcher = launch(trials)
    assert crashed.status == "failed"
    assert "killed by signal 9" in crashed.reason
    assert other.status == "done"
    assert watcher.handed_out.count(trials[0].key) == 2


def test_an_exception_of_the_trial_fails_it_in_one_line_with_its_traceback_kept(
    trials_of, launch, tmp_path
):
    trials = trials_of(opts="tests.plugins.optimizers.Raises")
    [record], watcher = launch(trials)
    assert record.status == "failed"
    assert record.reason.startswith(
        "ArithmeticError: a step that went wrong with more lines (traceback in "
    )
    assert "\n" not in record.reason
    assert "Traceback" in (tmp_path / "study" / trials[0].key / "log.txt").read_text()
    assert len(watcher.handed_out) == 1


def test_a_trial_over_its_time_is_stopped(trials_of, launch):
    trials = trials_of(opts="tests.plugins.optimizers.Slow:seconds=30")
    [record], _ = launch(trials, timeout=1.0)
    assert record.status == "failed"
    assert "took longer than the 1 s of --timeout" in record.reason


def test_a_trial_waits_for_another_process_that_has_it(trials_of, launch, tmp_path):
    [trial] = trials_of()
    store = Store(tmp_path, "study")
    with ExitStack() as stack:
        stack.enter_context(store.claim(trial))
        timer = threading.Timer(1.0, stack.close)
        timer.start()
        [record], _ = launch([trial], timeout=60)
    timer.join()
    assert record.status == "done"


def test_running_losses_are_passed_on(trials_of, launch):
    trials = trials_of(opts="tests.plugins.optimizers.Slow:seconds=0.05", log_every=2)
    _, watcher = launch(trials)
    assert watcher.losses
    assert all(loss > 0 and step in (2, 4, 6, 8, 10) for step, loss in watcher.losses)


def test_a_trial_that_someone_else_has_finished_is_not_run_again(trials_of, launch, tmp_path):
    [trial] = trials_of()
    Store(tmp_path, "study").write(Record(trial=trial, status="done", reason="by someone else"))
    [record], _ = launch([trial])
    assert record.reason == "by someone else"


def test_the_log_of_whoever_finished_a_trial_stays(trials_of, launch, tmp_path):
    [trial] = trials_of()
    store = Store(tmp_path, "study")
    store.write(Record(trial=trial, status="done"))
    log = store.trial_folder(trial) / "log.txt"
    log.write_text("a warning of someone else's run")
    launch([trial])
    assert log.read_text() == "a warning of someone else's run"


class WatchfulStore(Store):
    """Notes what lies in a trial's folder when its claim is about to be released."""

    @contextmanager
    def claim(self, trial, *, wait=True):
        with super().claim(trial, wait=wait) as folder:
            yield folder
            names = sorted(path.name for path in folder.iterdir())
            (self.folder / "at-release.json").write_text(json.dumps(names))


@pytest.mark.slow
def test_an_empty_log_is_dropped_while_the_trial_is_still_claimed(trials_of, tmp_path):
    trials, store = trials_of(), WatchfulStore(tmp_path, "study")
    LocalLauncher(Limits(workers=1))(trials, store, Context(), Watcher())
    names = json.loads((tmp_path / "study" / "at-release.json").read_text())
    assert names == [".claim", "metrics.jsonl", "record.json", "trial.json"]


def test_a_disk_that_cannot_be_written_ends_the_launch(trials_of, tmp_path):
    (tmp_path / "study").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="study"):
        LocalLauncher(Limits(workers=1))(
            trials_of(), Store(tmp_path, "study"), Context(), Watcher()
        )


def test_errors_of_the_data_come_back_from_the_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA_DIR", str(tmp_path))
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").touch()
    prepare([Preparation(dataset="digits", model="logreg", dropout=False)], Context())
    with pytest.raises(DataIncompleteError, match="has no train-images-idx3-ubyte.gz"):
        prepare(
            [Preparation(dataset="mnist", model="logreg", dropout=False)],
            Context(data_dir=tmp_path, cache_dir=tmp_path / "cache"),
        )


def test_a_loud_trial_leaves_a_short_log_and_a_short_reason(trials_of, launch, tmp_path):
    (trial,) = trials_of(opts="tests.plugins.optimizers.Loud")
    [record], _ = launch([trial])
    assert record.status == "failed"
    assert len(record.reason) <= 300
    assert record.reason.isprintable()
    assert "RuntimeError: �[31m�yyy" in record.reason
    assert record.reason.endswith("log.txt)")
    log = (Store(tmp_path, "study").trial_folder(trial) / "log.txt").read_text()
    assert len(log) <= 10_000_000
    assert log.startswith("first words")
    assert "RuntimeError" in log[-10_000:]
