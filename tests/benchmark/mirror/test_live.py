import json
import threading
import warnings
from contextlib import ExitStack

import pytest

from benchmark.mirror.ledger import has_left_over
from benchmark.mirror.live import LiveMirror, Patience
from benchmark.record import Record
from benchmark.store import Store

SHORT = Patience(silent=1.0, in_all=20.0, interrupted=0.2)
ERRORS = [
    RuntimeError("broken\nby all means"),
    SystemExit(1),
    KeyboardInterrupt(),
    OSError(28, "x"),
]


class Memory:
    """A sink that keeps what it gets, and fails where it is told to.

    Args:
        error: What is raised; None hangs until `released`.
        at: The method that fails.
        times: How often it does.
    """

    name, cure, completes, place = "memory", "another command does", True, ""

    def __init__(self, at="", error=None, times=1_000):
        self.at, self.error, self.times = at, error, times
        self.runs, self.events = {}, []
        self.instead = {}  # other ids, for those that are refused
        self.released = threading.Event()

    def _do(self, what):
        self.events.append(what)
        if what == self.at and self.times > 0:
            self.times -= 1
            if self.error is None:
                self.released.wait(60)
            else:
                raise self.error

    def start(self):
        self._do("start")

    def new_id(self, trial):
        return f"id-{trial.seed}"

    def may_open(self):
        return True

    def open(self, trial, run_id):
        self._do("open")
        run_id = self.instead.get(run_id, run_id)
        self.runs[run_id] = Kept(self, run_id)
        return self.runs[run_id]

    def forget(self, trial):
        self._do("forget")

    def start_again(self, failures):
        self._do("start_again")
        return "another way is taken" if failures > 1 else ""

    def end(self, *, at_once):
        self._do("end at once" if at_once else "end")


class Kept:
    def __init__(self, sink, run_id):
        self._sink, self.id, self.rows, self.status = sink, run_id, [], None

    def log(self, row):
        self._sink._do("log")
        self.rows.append(row)

    def finish(self, record):
        self._sink._do("finish")
        self.status = record.status

    def fail(self, reason):
        self._sink._do("fail")
        self.status = "failed"


def mirrored(sink, store, records=None):
    """Mirror records as if their trials had just been run; return what the user is told."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with LiveMirror(sink, store, SHORT) as mirror:
            for record in records or store.records():
                mirror.started(record.trial)
                mirror.begun(record.trial)
                mirror.progressed(record.trial, 10, 0.5)
                mirror.finished(record)
        sink.released.set()
    return [str(each.message) for each in told]


def check_whole(sink, store):
    for record in store.records():
        run = sink.runs[f"id-{record.trial.seed}"]
        assert run.rows == store.metrics(record.trial)
        assert run.status == record.status
    assert not has_left_over(store.folder)


def test_runs_hold_the_rows_of_the_files(studied):
    store, sink = studied(opts="adam", seeds=3), Memory()
    assert mirrored(sink, store) == []
    check_whole(sink, store)
    assert sink.events[-1] == "end"


def test_rows_come_while_the_trial_runs(trials_of, tmp_path):
    store, sink = Store(tmp_path, "study"), Memory()
    [trial] = trials_of()
    store.begin(trial)
    path = store.trial_folder(trial) / "metrics.jsonl"
    came = threading.Event()
    with LiveMirror(sink, store, SHORT) as mirror:
        sink._do = lambda what: came.set() if what == "log" else None
        mirror.begun(trial)
        path.write_text(json.dumps({"step": 1}) + "\n")
        assert came.wait(30)  # though there is no record
        store.write(Record(trial=trial, status="done"))
        mirror.finished(store.record(trial))
    check_whole(sink, store)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("at", ["start", "open", "log", "finish"])
def test_an_error_is_made_good_from_the_files(studied, at, error):
    store, sink = studied(opts="adam", seeds=2), Memory(at, error, times=1)
    assert mirrored(sink, store) == []
    check_whole(sink, store)


@pytest.mark.parametrize("at", ["open", "log", "finish"])
def test_the_user_is_told_once_of_another_way_that_works(studied, at):
    store, sink = studied(opts="adam", seeds=2), Memory(at, RuntimeError("no\nserver"), times=2)
    assert mirrored(sink, store) == ["memory: RuntimeError: no server; another way is taken"]
    check_whole(sink, store)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("at", ["start", "open", "log", "finish", "start_again"])
def test_what_cannot_be_made_good_is_one_warning_and_is_completed_later(studied, at, error):
    store, sink = studied(opts="adam", seeds=2), Memory(at, error)
    if at in ("start", "start_again"):
        sink._do = lambda what: _raise(error)
    [told] = mirrored(sink, store)
    assert told.startswith(f"memory: {type(error).__name__}")
    assert "\n" not in told
    assert "another command does" in told
    assert has_left_over(store.folder)
    later = Memory()
    with LiveMirror(later, store, SHORT):
        pass
    check_whole(later, store)


def test_a_run_under_another_id_is_completed_under_that(studied):
    store, sink = studied(opts="adam", seeds=1), Memory("finish", ValueError("no"))
    sink.instead = {"id-0": "another"}
    mirrored(sink, store)
    later = Memory()
    with LiveMirror(later, store, SHORT):
        pass
    assert list(later.runs) == ["another"]


def _raise(error):
    raise error


@pytest.mark.one_in(4)
@pytest.mark.parametrize("at", ["start", "open", "log", "finish"])
def test_a_hang_is_one_warning_and_is_ended(studied, at):
    store, sink = studied(opts="adam", seeds=2), Memory(at)
    [told] = mirrored(sink, store)
    assert told == "memory: it takes long; runs that are not complete: 2, another command does"
    assert "end at once" in sink.events


def test_a_trial_that_cannot_be_mirrored_costs_no_other_one(studied):
    store, sink = studied(opts="adam", seeds=3), Memory()
    open_run = sink.open
    sink.open = lambda trial, run: (
        _raise(ValueError("odd")) if trial.seed == 1 else open_run(trial, run)
    )
    # Another way is taken as well if the odd one fails twice before another run is complete.
    [told] = [each for each in mirrored(sink, store) if "another way" not in each]
    assert told == "memory: ValueError: odd; runs that are not complete: 1, another command does"
    assert {run: kept.status for run, kept in sink.runs.items()} == {"id-0": "done", "id-2": "done"}


def test_a_crashed_trial_is_mirrored_from_its_start_again(studied):
    store, sink = studied(opts="adam", seeds=1), Memory()
    [record] = store.records()
    with LiveMirror(sink, store, SHORT) as mirror:
        mirror.begun(record.trial)
        mirror.begun(record.trial)
        mirror.finished(record)
    check_whole(sink, store)


def test_a_trial_that_another_process_has_run_is_left_to_it(studied):
    store, sink = studied(opts="adam", seeds=1), Memory()
    [record] = store.records()
    with LiveMirror(sink, store, SHORT) as mirror:
        mirror.started(record.trial)
        mirror.finished(record)
    assert sink.runs == {}


def test_an_error_of_the_study_passes_through_at_once_and_is_not_commented(studied):
    store, sink = studied(opts="adam", seeds=1), Memory("finish")
    [record] = store.records()
    with pytest.raises(ZeroDivisionError), LiveMirror(sink, store, SHORT) as mirror:
        mirror.begun(record.trial)
        mirror.finished(record)
        raise ZeroDivisionError
    sink.released.set()
    assert has_left_over(store.folder)


def test_a_damaged_log_costs_its_curves_alone(studied):
    store, sink = studied(opts="adam", seeds=1), Memory()
    [record] = store.records()
    (store.trial_folder(record.trial) / "metrics.jsonl").write_text("{\n")
    assert mirrored(sink, store, [record]) == []
    assert sink.runs["id-0"].status == "done"


def test_a_folder_that_cannot_be_written_is_one_warning(studied, tmp_path, monkeypatch):
    store, sink = studied(opts="adam", seeds=1), Memory()
    [record] = store.records()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with ExitStack() as stack:
        stack.enter_context(monkeypatch.context()).setattr("pathlib.Path.rename", full)
        [told] = mirrored(sink, store, [record])
    assert "No space left on device" in told
