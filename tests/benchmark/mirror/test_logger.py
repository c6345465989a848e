import csv
import os
import signal
import subprocess
import sys
import warnings
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch.loggers import CSVLogger
from rich.console import Console

from benchmark.__main__ import main
from benchmark.cli.terminal import Terminal
from benchmark.errors import UsageError
from benchmark.launchers import Limits, make_launcher
from benchmark.mirror.destination import WandbOptions
from benchmark.mirror.ledger import Ledger, has_left_over
from benchmark.mirror.live import LiveMirror, Patience, _Follower
from benchmark.mirror.logger import LoggerSink, parse_logger
from benchmark.planning import TrialPlan
from benchmark.store import Store
from tests.plugins import loggers
from tests.plugins.loggers import ERRORS, Bare, CometLogger, Faulty, MLFlowLogger, Recorder

pytestmark = pytest.mark.forks

CSV = "lightning.pytorch.loggers.CSVLogger"
MINE = "tests.plugins.loggers"
SHORT = Patience(silent=1.0, in_all=20.0, interrupted=0.2)
STUDY = ["--problem", "logreg/digits", "--opts", "adam", "--seeds", "2", "--epochs", "2"]
QUIET = [*STUDY, "--wandb", "disabled"]


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loggers.made.clear()
    loggers.released.clear()
    yield
    loggers.released.set()


def sink_of(store, cls=Recorder, **arguments):
    text = ":".join([f"{MINE}.{cls.__name__}", *(f"{k}={v}" for k, v in arguments.items())])
    return LoggerSink(parse_logger(text), cls, store)


def mirrored(store, *sinks):
    """Mirror records as if their trials had just been run; return what the user is told."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for sink in sinks:
            with LiveMirror(sink, store, SHORT) as mirror:
                for record in store.records():
                    mirror.begun(record.trial)
                    mirror.finished(record)
    return [str(each.message) for each in told]


def csv_rows(file):
    """Return the rows of a file of CSVLogger, as those of a log."""
    with file.open(newline="") as lines:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(lines)]


def check_csv(store, root=None):
    root = root or store.folder / "loggers" / "CSVLogger"
    for record in store.records():
        folder = root / store.study / record.trial.key
        assert csv_rows(folder / "metrics.csv") == store.metrics(record.trial)
    assert len(list(root.glob("*/*/metrics.csv"))) == len(store.records())


def check_whole(store, status="success"):
    """Check that the newest logger of each trial has all of it, once."""
    newest = {logger.version: logger for logger in loggers.made}
    for record in store.records():
        logger = newest[record.trial.key]
        assert logger.rows == store.metrics(record.trial)
        assert logger.statuses == [status]
        assert len(logger.hyperparameters) == 1


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        (":tracking_uri=http://host:5000", {"tracking_uri": "http://host:5000"}),
        (":uri=http://[::1]:5000/?a=b&c=d:x=1", {"uri": "http://[::1]:5000/?a=b&c=d", "x": 1}),
        (":uri=sqlite:////tmp/a.db:name='2026'", {"uri": "sqlite:////tmp/a.db", "name": "2026"}),
        (":tags={'a': 'b:c'}:on=True:off=none", {"tags": {"a": "b:c"}, "on": True, "off": None}),
        (":dir=s3://bucket/a:b", {"dir": "s3://bucket/a:b"}),
        (":empty=:rate=1e-3", {"empty": "", "rate": 0.001}),
        (":dir=(((", {"dir": "((("}),
    ],
)
def test_arguments_are_read_from_text(text, arguments):
    found = parse_logger(CSV + text)
    assert (found.path, found.arguments) == (CSV, arguments)


@given(st.text(st.characters(codec="utf-8", exclude_characters="=")), st.text("/.?&=x"))
def test_a_part_that_does_not_begin_with_a_name_belongs_to_the_value_before_it(value, query):
    text = f"http:{value}/?{query}"
    assert parse_logger(f"{CSV}:a={text}:b=c").arguments == {"a": text, "b": "c"}


@pytest.mark.parametrize("text", ["", "CSVLogger", "a b.c", ":a=b", f"{CSV}:logs", "a.", "..", "é"])
def test_what_is_no_import_path_is_refused(text):
    with pytest.raises(UsageError, match="expected the import path"):
        parse_logger(text)
    with pytest.raises(UsageError, match="a is given twice"):
        parse_logger(f"{CSV}:a=1:a=2")


def test_a_csv_logger_has_the_rows_of_the_files(studied):
    store = studied(opts="adam,sgd", seeds=2)
    sink = LoggerSink(parse_logger(f"{CSV}:flush_logs_every_n_steps=7"), CSVLogger, store)
    assert mirrored(store, sink) == []
    check_csv(store)


def test_a_logger_knows_its_trial_and_its_hyperparameters_apart(studied):
    store = studied(opts="sgd:lr=0.5", seeds=1)
    mirrored(store, LoggerSink(parse_logger(CSV), CSVLogger, store))
    [record] = store.records()
    folder = store.folder / "loggers" / "CSVLogger" / "study" / record.trial.key
    facts = yaml.safe_load((folder / "hparams.yaml").read_text())
    assert facts["hyperparameters"]["lr"] == 0.5
    assert (facts["study"], facts["key"]) == ("study", record.trial.key)
    assert (facts["problem"], facts["seed"]) == ("logreg/digits", 0)
    assert "lr" not in facts


def test_what_an_earlier_attempt_left_is_written_over_without_a_warning(studied):
    store = studied(opts="adam", seeds=2)
    for _ in range(2):
        assert mirrored(store, LoggerSink(parse_logger(CSV), CSVLogger, store)) == []
        [one, *_] = (store.folder / "loggers").glob("*/*/*")
        (one / "events").touch()
    (one / "events").unlink()
    assert mirrored(store, LoggerSink(parse_logger(CSV), CSVLogger, store)) == []
    check_csv(store)
    assert not list(store.folder.glob("loggers/*/*/*/events"))


def test_only_a_folder_named_after_the_trial_is_ever_removed(studied, tmp_path):
    store = studied(opts="adam", seeds=1)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    assert mirrored(store, sink_of(store, save_dir=kept)) == []
    assert (kept / "file").exists()
    check_whole(store)


def _files(store):
    return {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("save_dir", ["{root}", "{study}:name=", "{root}/x/..", "{trial}"])
def test_a_logger_into_the_study_itself_is_refused_and_removes_nothing(studied, save_dir):
    store = studied(opts="adam", seeds=2)
    record, *_ = store.records()
    folder = store.trial_folder(record.trial)
    save_dir = save_dir.format(root=store.folder.parent, study=store.folder, trial=folder)
    before = _files(store)
    sink = LoggerSink(parse_logger(f"{CSV}:save_dir={save_dir}"), CSVLogger, store)
    with pytest.raises(UsageError, match="where the suite keeps the records"):
        sink.try_first(record.trial)
    assert _files(store) == before
    with suppress(Exception):
        sink.open(record.trial, record.trial.key)
    assert {path: text for path, text in _files(store).items() if path in before} == before


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("at", ["log_hyperparams", "log_metrics", "save", "finalize"])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_that_passes_costs_nothing_and_doubles_nothing(studied, at, error, times):
    store = studied(opts="adam", seeds=1)
    told = mirrored(store, sink_of(store, Faulty, at=at, error=error, times=times))
    assert told == []
    check_whole(store)
    assert len(loggers.made) == 1


@pytest.mark.parametrize("at", ["log_hyperparams", "log_metrics", "save", "finalize"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_logger_that_always_fails_is_one_warning_and_is_completed_later(studied, at, error):
    store = studied(opts="adam", seeds=2)
    sink = sink_of(store, Faulty, at=at, error=error)
    [told] = mirrored(store, sink)
    assert told.startswith(f"Faulty: {type(ERRORS[error]).__name__}")
    assert "\n" not in told
    assert "the same `run`, or `push` with this --logger, completes them" in told
    assert has_left_over(store.folder, sink.place)
    assert not has_left_over(store.folder)  # nothing that W&B would have to complete
    loggers.made.clear()
    later = sink_of(store, Recorder)
    later.place = sink.place
    with LiveMirror(later, store, SHORT):
        pass
    check_whole(store)
    assert not has_left_over(store.folder, sink.place)


@pytest.mark.slow
def test_a_logger_that_hangs_is_one_warning(studied):
    store = studied(opts="adam", seeds=1)
    [told] = mirrored(store, sink_of(store, Faulty, at="log_metrics", error="hang"))
    assert told.startswith("Faulty: it takes long; runs that are not complete: 1")


def test_a_trial_that_crashed_has_a_failed_logger_and_a_new_one(studied):
    store = studied(opts="adam", seeds=1)
    [record] = store.records()
    with LiveMirror(sink_of(store), store, SHORT) as mirror:
        mirror.begun(record.trial)
        mirror.begun(record.trial)
        mirror.finished(record)
    check_whole(store)
    assert [logger.statuses for logger in loggers.made][:-1] in ([], [["failed"]])


@pytest.mark.parametrize("looks", [1, 2, 4])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("at", ["log_hyperparams", "log_metrics", "save", "finalize"])
def test_no_row_of_a_new_attempt_counts_as_sent_after_an_error(studied, at, times, looks):
    store = studied(opts="adam", seeds=1)
    [record] = store.records()
    log = store.trial_folder(record.trial) / "metrics.jsonl"
    rows = log.read_text()
    errors = [ERRORS["value"]] * times

    class FailsSoOften(Recorder):
        pass

    def fail(self, *_, **__):
        if errors:
            raise errors.pop()
        return getattr(Recorder, at)(self, *_, **__)

    setattr(FailsSoOften, at, fail)
    follower = _Follower(sink_of(store, FailsSoOften), store, Ledger(None))
    follower._sink.start()

    log.write_text(rows.replace('"step": 1', '"step": 7'))  # the rows of a worker that crashes
    assert log.read_text() != rows
    follower.follow(record.trial, record.trial.key)
    for _ in range(looks):
        follower._look()
    log.unlink()
    log.write_text(rows)
    follower.follow(record.trial, record.trial.key)
    follower.complete(record)
    while follower._followed:
        follower._look()
    newest = loggers.made[-1]
    assert newest.rows == store.metrics(record.trial)
    assert newest.statuses == ["success"]


def test_an_error_of_the_study_closes_open_loggers_as_failed(studied):
    store = studied(opts="adam", seeds=1)
    [record] = store.records()
    sink = sink_of(store)
    with pytest.raises(ZeroDivisionError), LiveMirror(sink, store, SHORT) as mirror:
        mirror.begun(record.trial)
        while not (loggers.made and loggers.made[0].rows):
            assert mirror._follower._thread.is_alive()
        raise ZeroDivisionError
    assert loggers.made[0].statuses == ["failed"]
    assert has_left_over(store.folder, sink.place)


def test_classes_are_told_study_and_trial_by_what_they_take(studied):
    store = studied(opts="adam", seeds=1)
    [record] = store.records()
    assert mirrored(store, *(sink_of(store, cls) for cls in (Recorder, Bare, CometLogger))) == []
    mine, bare, comet = loggers.made
    assert (mine.name, mine.version) == ("study", record.trial.key)
    assert mine.save_dir == str(store.folder / "loggers" / "Recorder")
    assert bare.rows == mine.rows
    assert (comet.name, comet.version, comet.mode) == ("study", record.trial.key, "create")
    assert comet.has_ended


def test_mlflow_writes_a_data_base_unless_a_place_is_given(studied):
    store = studied(opts="adam", seeds=1)
    [record] = store.records()
    uri = "http://host:5000"
    sinks = [sink_of(store, MLFlowLogger), sink_of(store, MLFlowLogger, tracking_uri=uri)]
    sinks.append(sink_of(store, MLFlowLogger, save_dir="runs"))
    assert mirrored(store, *sinks) == []
    folder = (store.folder / "loggers" / "MLFlowLogger").absolute()
    assert [logger.tracking_uri for logger in loggers.made] == [
        f"sqlite:///{folder}/mlflow.db",
        uri,
        None,
    ]
    assert {(logger.name, logger.version) for logger in loggers.made} == {
        ("study", record.trial.key)
    }


def run_main(capsys, *words):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        code = main([*QUIET, *words])
    return code, capsys.readouterr()


@pytest.mark.slow
def test_a_study_feeds_several_loggers_and_wandb_at_once(wandb_home, capsys):
    recorder = f"{MINE}.Recorder:tags=a:b"
    words = [*STUDY, "--wandb", "offline", "--logger", CSV, "--logger", recorder]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "CSVLogger: in results/default/loggers/CSVLogger\n" in out
    assert "Recorder: in results/default/loggers/Recorder\n" in out
    store = Store("results", "default")
    check_csv(store)
    check_whole(store)
    assert {logger.tags for logger in loggers.made} == {"a:b"}
    assert len(loggers.made) == len(list(store.folder.glob("wandb/offline-run-*"))) == 2
    assert main(words) == 0  # the same command again
    assert len(loggers.made) == 2
    check_csv(store)


SLOW = [pytest.param(at, marks=pytest.mark.slow) for at in ("log_hyperparams", "save", "finalize")]


@pytest.mark.parametrize("at", ["log_metrics", *SLOW])
def test_a_logger_that_fails_costs_one_warning_and_no_trial(capsys, at):
    code, streams = run_main(capsys, "--logger", f"{MINE}.Faulty:at={at}")
    assert code == 0
    assert "2 done" in streams.out
    [told] = [line for line in streams.err.splitlines() if "warning" in line]
    assert told.startswith("warning: Faulty: ValueError: broken by all means")


@pytest.mark.slow
def test_a_logger_that_cannot_be_built_twice_costs_one_warning(capsys):
    code, streams = run_main(capsys, "--logger", f"{MINE}.OnlyOne")
    assert code == 0
    assert streams.err.count("warning: OnlyOne: RuntimeError: only one") == 1


REFUSED = [
    ("CSVLogger", "expected the import path of a Lightning logger"),
    ("no.such.Logger", "cannot be imported"),
    ("lightning.pytorch.loggers.NoSuch", "cannot be imported"),
    ("lightning.pytorch.Trainer", "is no Lightning logger"),
    ("lightning.pytorch.loggers.Logger", "is no Lightning logger"),
    ("os.path.join", "is no Lightning logger"),
    ("lightning.pytorch.loggers.WandbLogger", "use --wandb"),
    ("no/such/file.py:Mine", "there is no file"),
    (f"{CSV}:save_dirr=x", "Did you mean 'save_dir'?"),
    (f"{CSV}:version=3", "the suite sets version for each trial"),
]
REFUSED_ONCE_BUILT = [
    (f"{MINE}.Faulty:at=init", "cannot be built (ValueError: broken by all means)"),
    (f"{MINE}.Faulty:at=init:error=exit", "cannot be built (SystemExit: 1)"),
    (f"{MINE}.TensorBoardLogger", "pip install tensorboard"),
    (f"{CSV}:save_dir=file", "cannot be written"),
    (f"{CSV}:save_dir={'x' * 300}", "cannot be written"),
    (f"{CSV}:save_dir=5", "cannot be built (TypeError"),
]


@pytest.mark.parametrize("dry", [["--dry-run"], []])
@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_logger_is_refused_before_anything_trains(capsys, text, words, dry):
    check_refused(capsys, words, text, *dry)


@pytest.mark.parametrize(("text", "words"), REFUSED_ONCE_BUILT)
def test_what_cannot_be_built_is_refused_before_anything_trains(capsys, text, words):
    check_refused(capsys, words, text)


def check_refused(capsys, words, text, *more):
    Path("file").touch()
    code, streams = run_main(capsys, "--logger", text, *more)
    [line] = streams.err.splitlines()
    assert code == 2
    assert line.startswith("Error: ")
    assert words in line
    assert len(line) < 600
    assert not list(Path.cwd().glob("results/default/*/record.json"))


@pytest.mark.slow
def test_two_loggers_are_not_one(capsys):
    code, streams = run_main(capsys, "--logger", CSV, "--logger", CSV)
    assert (code, f"{CSV} is given twice" in streams.err) == (2, True)
    other = f"{CSV}:flush_logs_every_n_steps=3"
    code, streams = run_main(capsys, "--logger", CSV, "--logger", other)
    assert (code, "give one of them another save_dir" in streams.err) == (2, True)
    code, _ = run_main(capsys, "--logger", CSV, "--logger", f"{CSV}:save_dir=logs")
    assert code == 0
    check_csv(Store("results", "default"))
    check_csv(Store("results", "default"), Path("logs"))


def test_a_dry_run_builds_no_logger(capsys, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    code, _ = run_main(capsys, "--logger", CSV, "--logger", f"{MINE}.Recorder", "--dry-run")
    assert code == 0
    assert loggers.made == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_loggers_can_stand_in_a_file_of_options(capsys):
    Path("c.toml").write_text(f'logger = ["{CSV}", "{MINE}.Recorder:tags=x,y"]\n')
    code, _ = run_main(capsys, "--config", "c.toml")
    assert code == 0
    store = Store("results", "default")
    check_csv(store)
    check_whole(store)
    assert {logger.tags for logger in loggers.made} == {"x,y"}


@pytest.mark.slow
def test_a_logger_in_a_file_by_its_path(capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    text = "from tests.plugins.loggers import Recorder\n\nclass Mine(Recorder):\n    pass\n"
    Path("my_own_logger.py").write_text(text)
    code, _ = run_main(capsys, "--logger", f"{Path.cwd()}/my_own_logger.py:Mine:name=n:tags=a:b")
    assert code == 0
    assert {(logger.name, logger.tags) for logger in loggers.made} == {("n", "a:b")}


def test_push_feeds_a_logger_after_the_fact(studied, capsys):
    store = studied(opts="adam,sgd", seeds=2)
    command = ["push", store.study, "--results", str(store.folder.parent)]
    for _ in range(2):
        assert main([*command, "--logger", CSV, "--logger", f"{MINE}.Recorder"]) == 0
        assert "CSVLogger: 4 trials fed" in capsys.readouterr().out
        check_csv(store)
        check_whole(store)
    assert main([*command, "--logger", f"{MINE}.Faulty:at=finalize", "--logger", CSV]) == 1
    streams = capsys.readouterr()
    assert streams.err == "Error: Faulty: ValueError: broken by all means; 4 trials are left\n"
    assert "CSVLogger: 4 trials fed" in streams.out
    assert main([*command, "--logger", CSV, "--wandb", "offline"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_after_an_end_in_the_middle_the_same_command_completes_the_copies(tmp_path, digits, signum):
    long = [*QUIET[:-3], "300", "--workers", "1", "--wandb", "disabled", "--logger", CSV]
    command = [sys.executable, "-m", "benchmark", *long]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list(tmp_path.glob("results/default/*/record.json")):
        assert process.poll() is None
    os.kill(process.pid, signum)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if signum == signal.SIGINT else -signum), err
    assert b"Traceback" not in err
    assert main(long) == 0
    store = Store("results", "default")
    assert len(store.records()) == 2
    check_csv(store)
    [place] = {LoggerSink(parse_logger(CSV), CSVLogger, store).place}
    assert not has_left_over(store.folder, place)


@pytest.mark.parametrize(
    ("text", "words"),
    [("lightning.pytorch.loggers.CSVLoger", "CSVLoger"), (f"{CSV}:nosuch=3", "nosuch")],
)
def test_a_logger_is_checked_although_all_trials_are_on_record(studied, text, words):
    with pytest.raises(UsageError, match=words):
        _told_of_nothing_to_run(studied, text)


def test_that_trials_on_record_are_not_fed_is_said(studied):
    told = _told_of_nothing_to_run(studied, CSV)
    assert "CSVLogger: trials on record are not fed to it; `python -m benchmark push" in told


def _told_of_nothing_to_run(studied, logger):
    store = studied(opts="adam", seeds=1)
    text = StringIO()
    console = Console(file=text, width=200)
    wandb = WandbOptions(mode="disabled", project="p", entity=None)
    launcher = make_launcher("local", Limits())
    terminal = Terminal(console, store, launcher, wandb, [parse_logger(logger)])
    terminal.planned(TrialPlan(trials=(), missing=()))
    return text.getvalue()
