"""Copies of trials in Lightning's loggers, such as TensorBoard or MLflow: one logger per trial.

Lightning is not imported here: `benchmark.plugins.logger_class` finds the class.
"""

import ast
import hashlib
import inspect
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

from benchmark.axes import STEP
from benchmark.decode import Row
from benchmark.errors import UsageError
from benchmark.mirror.facts import facts_of
from benchmark.plain_text import error_line
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import FINISHED, Store
from optimizers.errors import SourceError
from optimizers.pick import near, shown
from optimizers.source import reachable

FOLDER = "loggers"  # in the study's folder; the default folder of loggers

_EXAMPLE = "lightning.pytorch.loggers.CSVLogger:save_dir=logs"
_NEXT_ARGUMENT = re.compile(r":(?=[^\W\d]\w*=)")  # other colons belong to a value, as in URLs
_IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_WORDS = {"true": True, "false": False, "none": None}
_LITERAL = re.compile(r"[-+.\d'\"(\[{]")  # start of a Python literal
_ONE_FOR_EACH_TRIAL = ("version", "run_id", "experiment_key")
_PACKAGES = {
    "TensorBoardLogger": "tensorboard",
    "MLFlowLogger": "mlflow",
    "CometLogger": "comet-ml",
    "LitLogger": "litlogger",
}


@dataclass(frozen=True, kw_only=True)
class LoggerSpec:
    """A logger class and its arguments, as the user gives them.

    Args:
        path: Import path of its class.
        arguments: Arguments of its constructor.
    """

    path: str
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.path.rpartition(".")[2]

    @property
    def place(self) -> str:
        """A name that tells its ledger from those of other loggers."""
        text = repr((self.path, sorted(self.arguments.items())))
        return f"{self.name}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"


class TrialLogger(Protocol):
    """The methods of a ``lightning.pytorch.loggers.Logger`` that are used here."""

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        """Take the facts about a trial, before its rows."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Take one row."""

    def save(self) -> None:
        """Write the rows so far."""

    def finalize(self, status: str) -> None:
        """Take the end of the trial: ``success`` or ``failed``."""


def parse_logger(text: str) -> LoggerSpec:
    """Parse ``import.path.Class:argument=value:…``; the class may be ``path/to/file.py:Class``.

    A part that does not begin with ``name=`` belongs to the value before it.

    Raises:
        UsageError: the text has another form, or an argument comes twice.

    >>> parse_logger("a.B:tracking_uri=http://host:5000/?x=1:synchronous=false").arguments
    {'tracking_uri': 'http://host:5000/?x=1', 'synchronous': False}
    """
    head, *parts = _NEXT_ARGUMENT.split(text)
    try:
        path = reachable(head.strip())
    except SourceError as error:
        raise UsageError(str(error)) from None
    if not _IMPORT_PATH.fullmatch(path):
        raise UsageError(
            f"{shown(head)}: expected the import path of a Lightning logger, then its arguments, "
            f"as in {_EXAMPLE}"
        )
    arguments: dict[str, Any] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name in arguments:
            raise UsageError(f"{path}: {name} is given twice")
        arguments[name] = _value(value)
    return LoggerSpec(path=path, arguments=arguments)


def _value(text: str) -> Any:
    """Parse a value: a Python literal, true, false or none; anything else is text.

    >>> [_value(text) for text in ("5", "true", "none", "{'a': 1}", "'5'", "http://a:1", "1/2")]
    [5, True, None, {'a': 1}, '5', 'http://a:1', '1/2']
    """
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _LITERAL.match(text):
        with suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(text)
    return text


class LoggerSink:
    """The loggers of a study as a `live.Sink`: one logger per trial, which is kept after an error.

    Because it is kept, no row is sent to a logger twice.

    Args:
        spec: The class and arguments that the user gave.
        cls: The class.
        store: The study; loggers that take a folder write to its ``loggers`` folder.

    Attributes:
        folder: The default folder; None if the arguments give one, or the class takes none.

    Raises:
        UsageError: the class does not take these arguments.
    """

    cure = "the same `run`, or `push` with this --logger, completes them"
    completes = True

    def __init__(self, spec: LoggerSpec, cls: Callable[..., TrialLogger], store: Store) -> None:
        self.name = spec.name
        self.place = spec.place
        self._spec = spec
        self._cls = cls
        self._store = store
        self._study = store.study
        self._folder = store.folder / FOLDER / spec.name
        self._runs: dict[str, LoggerRun] = {}
        self._thread: int | None = None
        self._check_arguments()
        texts = map(str, self._arguments("key").values())
        self.folder = self._folder if any(str(self._folder) in text for text in texts) else None

    def try_first(self, trial: Trial) -> "LoggerRun":
        """Build the logger of `trial` before its first use, and return its run.

        Raises:
            UsageError: the logger cannot be built, or its folder cannot be written.
        """
        try:
            run = self._build(trial)
            folder = run.folder()
        except (Exception, SystemExit) as error:  # a user's class may raise anything
            package = _PACKAGES.get(self.name, "")
            is_absent = isinstance(error, ImportError) and package
            cure = f": pip install {package}" if is_absent else ""
            line = error_line(error, 200)
            raise UsageError(f"--logger {self.name} cannot be built ({line}){cure}") from error
        if folder is not None:
            self._check_folder(folder, self._store.trial_folder(trial))
        self._runs[trial.key] = run
        return run

    def start(self) -> None:
        """Note the thread that uses the loggers."""
        self._thread = threading.get_ident()

    def new_id(self, trial: Trial) -> str:
        """Return the trial's key: the content of a folder of that name is overwritten."""
        return trial.key

    def may_open(self) -> bool:
        """Return True."""
        return True

    def open(self, trial: Trial, run_id: str) -> "LoggerRun":
        """Return the run of `trial`; a run that is already open ignores rows that it has."""
        if trial.key not in self._runs:
            self._runs[trial.key] = self._build(trial)
        run = self._runs[trial.key]
        run.begin()
        return run

    def forget(self, trial: Trial) -> None:
        """Close the open logger of `trial` as failed; the next attempt gets a new one."""
        run = self._runs.get(trial.key)
        if run is not None and run.has_begun:
            del self._runs[trial.key]
            with suppress(BaseException):  # it may be broken, and is not needed any more
                run.fail("")

    def start_again(self, failures: int) -> str:
        """Do nothing: every logger can go on after an error."""
        return ""

    def end(self, *, at_once: bool) -> None:
        """Close open loggers as failed, unless another thread is using them."""
        if threading.get_ident() != self._thread:
            return
        for run in list(self._runs.values()):
            if run.has_begun:
                with suppress(BaseException):
                    run.fail("")

    def _build(self, trial: Trial) -> "LoggerRun":
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)  # SQLite does not make the folder
        return LoggerRun(
            self._cls(**self._arguments(trial.key)),
            trial,
            self._study,
            records=self._store.trial_folder(trial),
            forget=lambda: self._runs.pop(trial.key, None),
        )

    def _arguments(self, key: str) -> dict[str, Any]:
        """Return the given arguments of a trial's logger, plus one that identifies the trial.

        A class with the argument ``version`` has one name for many runs; otherwise ``name`` is the
        name of a run.
        """
        takes = inspect.signature(self._cls).parameters
        ours = {
            "save_dir": str(self._folder),
            "root_dir": str(self._folder),
            "experiment_name": self._study,
            "project": self._study,
            "name": self._study if "version" in takes else key,
            "version": key,
            "run_name": key,
        }
        found = {name: value for name, value in ours.items() if name in takes}
        return found | self._special_arguments(key) | dict(self._spec.arguments)

    def _special_arguments(self, key: str) -> dict[str, Any]:
        """Return further arguments that a class needs, which its signature does not show."""
        if self.name == "CometLogger":  # otherwise all loggers share the first experiment
            return {"mode": "create", "name": key}
        if self.name == "MLFlowLogger" and not self._has_tracking_server():
            uri = f"sqlite:///{self._folder.absolute() / 'mlflow.db'}"  # MLflow 3 refuses a folder
            return {"tracking_uri": uri, "artifact_location": str(self._folder.absolute())}
        return {}

    def _has_tracking_server(self) -> bool:
        """Return whether an argument or the environment gives a location for MLflow."""
        environment = inspect.signature(self._cls).parameters["tracking_uri"].default
        return bool(environment or {"tracking_uri", "save_dir"} & set(self._spec.arguments))

    def _check_arguments(self) -> None:
        given = self._spec.arguments
        for name in _ONE_FOR_EACH_TRIAL:
            if name in given:
                raise UsageError(
                    f"--logger {self.name}: the suite sets {name} for each trial; leave it out"
                )
        signature = inspect.signature(self._cls)
        try:
            signature.bind(**self._arguments("key"))
        except TypeError as error:
            takes = [n for n in signature.parameters if n not in _ONE_FOR_EACH_TRIAL]
            odd = [name for name in given if name not in takes]
            hint = near(odd[0], dict.fromkeys(takes)) if odd else ""
            reason = error_line(error, 200).partition(": ")[2]
            raise UsageError(
                f"--logger {self.name}: {reason}.{hint} It takes: {', '.join(takes)}"
            ) from None

    def _check_folder(self, folder: Path, records: Path) -> None:
        if records.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise UsageError(
                f"--logger {self.name}: folder {shown(str(folder))} is where the suite keeps the "
                "records of the trial: give another save_dir, outside the study"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(
                f"--logger {self.name}: folder {shown(str(folder))} cannot be written: {reason}"
            ) from None


class LoggerRun:
    """The logger of one trial as a `live.Run`.

    Args:
        logger: The logger.
        trial: The trial.
        study: The study's name.
        records: Folder of the trial's own files, which is never cleared.
        forget: Function that is called once the logger is closed.
    """

    def __init__(
        self,
        logger: TrialLogger,
        trial: Trial,
        study: str,
        *,
        records: Path,
        forget: Callable[[], object],
    ) -> None:
        self.id = trial.key
        self.has_begun = False
        self._logger = logger
        self._facts = facts_of(trial, study)
        self._records = records
        self._forget = forget
        self._is_described = False
        self._num_taken = 0  # rows that the logger has
        self._next_row = 0

    def folder(self) -> Path | None:
        """Return the local folder that this logger writes to, if it has one."""
        return self._path("log_dir") or self.root()

    def root(self) -> Path | None:
        """Return the local folder that all loggers of this class share, if there is one."""
        return self._path("save_dir")

    def begin(self) -> None:
        """Send the facts about the trial, unless that was done; rows now come from the start."""
        self._next_row = 0
        if not self.has_begun:
            self._clear()
            self.has_begun = True
        if not self._is_described:
            self._logger.log_hyperparams(self._facts)
            self._is_described = True

    def log(self, row: Row) -> None:
        """Send one row, unless the logger already has it."""
        self._next_row += 1
        if self._next_row <= self._num_taken:
            return
        step = row.get(STEP)
        metrics = {name: value for name, value in row.items() if name != STEP}
        self._logger.log_metrics(metrics, step=None if step is None else int(step))
        self._num_taken = self._next_row
        self._logger.save()  # as Lightning's Trainer does

    def finish(self, record: Record) -> None:
        """Close the logger of a trial that has its record."""
        self._close("success" if record.status in FINISHED else "failed")

    def fail(self, reason: str) -> None:
        """Close the logger of a trial that gave no result."""
        self._close("failed")

    def _path(self, attribute: str) -> Path | None:
        found = getattr(self._logger, attribute, None)
        return Path(found) if found and "://" not in str(found) else None

    def _close(self, status: str) -> None:
        self._logger.finalize(status)
        if type(self._logger).__name__ == "CometLogger":  # its `finalize` does not end the run
            logger: Any = self._logger
            logger.experiment.end()
        self._forget()

    def _clear(self) -> None:
        """Remove the files of an earlier attempt from a folder named after the trial."""
        folder = self.folder()
        for path in (folder, *folder.parents) if folder else ():
            if path.name == self.id and path.resolve() != self._records.resolve():
                shutil.rmtree(path, ignore_errors=True)
                return
