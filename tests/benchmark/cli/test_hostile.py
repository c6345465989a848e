"""Command lines that nobody should write: each gets one short line, exit code 2, and soon."""

import os
import random
import time
from pathlib import Path

import pytest

import datamodules.places
from benchmark.__main__ import main

DIGITS = "9" * 300
HOSTILE = [
    "",
    " ",
    ",",
    ",,,",
    ":",
    "@",
    "=",
    "|",
    "-1",
    "0",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e-400",
    DIGITS,
    f"-{DIGITS}",
    f"0.{DIGITS}",
    "9" * 5_000,
    "0x10",
    "1_000",
    "٣",  # a digit, but not one of ASCII
    "true",
    "none",
    "1,2,3",
    "a b",
    "a" * 10_000,
    "é" * 500,
    "\x1b[31mred",
    "a\nb",
    "\udcff",  # what Python makes of a byte that is not UTF-8
    "../../etc/passwd",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    "fifo",
    "folder",
    "file.txt",
    "no/such/folder/file",
    "x" * 300,
    "/".join(["deep"] * 2_000),
    "(" * 2_000 + ")" * 2_000,
    "((((",
    "))))",
    "..",
    ".a",
    "a.",
    "a..b",
    "no.such.Thing",
    "os.system",
    "os.path",
    "builtins.exit",
    "file.py:Thing",
    "no.py:Thing",
    ".py:Thing",
    "torch.optim.Adam:lr=-1",
    "{}",
    "[1]",
    "%s%n",
    "$(id)",
    "`id`",
    "'",
    '"',
    "--",
    "--help-me",
]
RUN = ["run", "--problem", "logreg/digits", "--opts", "sgd", "--dry-run"]
RUN_OPTIONS = [
    *("--model", "--problem", "--opts", "--seeds", "--epochs", "--batch-size", "--l2"),
    *("--accelerator", "--precision", "--threads", "--log-every", "--study", "--workers"),
    *(
        "--gpu-slots",
        "--timeout",
        "--wandb",
        "--logger",
        "--config",
        "--data-dir",
        "--no-such-option",
        "--lr",
    ),
]
IN_OPTS = [
    "adam:{}",
    "adam:lr={}",
    "adam:betas=({},0.9)",
    "adam:betas={}/{}",
    "adam@{}:lr=x",
    "{}:lr=1",
    "adam:{}=1",
    "adam:schedule={}",
    "adam:warmup=-{}",
    "adam:lr=1|{}",
    "torch.optim.{}",
    "torch.optim.SGD:momentum={}",
    "sgd:lr=0.1,{}",
]
IN_LOGGER = [
    "lightning.pytorch.loggers.{}",
    "lightning.pytorch.loggers.CSVLogger:{}",
    "lightning.pytorch.loggers.CSVLogger:{}=1",
    "lightning.pytorch.loggers.CSVLogger:save_dir={}",
    "{}:save_dir=logs",
]
VERBS = [
    ["show"],
    ["report"],
    ["compact"],
    ["restore"],
    ["push"],
    ["list"],
    ["completion"],
    ["check"],
    ["report", "s", "--format"],
    ["report", "s", "--out"],
    ["report", "s", "--reference"],
    ["show", "s", "--results"],
    ["show", "s", "--reference"],
    ["landscape", "--opts"],
    ["landscape", "--seconds"],
    ["landscape", "--surface"],
    ["landscape", "--no-such-option"],
    ["bench-step", "--opts"],
    ["bench-step", "--threads"],
]
TOML = [
    'study = "{}"',
    "seeds = {}",
    "epochs = {}",
    "timeout = {}",
    'opts = "{}"',
    'opts = ["{}"]',
    'config = "{}"',
    '"{}" = 1',
    "{} = 1",
    'results = "{}"',
    'model = "{}"',
    'logger = "{}"',
    "logger = {}",
]
TOML_VALUES = [
    "nan",
    "inf",
    "-1",
    "0",
    "true",
    "1979-05-27",
    "a\\u0000b",
    "a\\u001Bb",
    "a\\nb",
    "[" * 3_000 + "]" * 3_000,
    "{a={a={a=1}}}",
    "9" * 400,
    "0x" + "f" * 4_000,
    "x" * 1_000_001,
    "x" * 5_000,
    "1, 2",
    "[]",
    "[1, 2]",
    "[[1]]",
    "'",
]


def _cases():
    for option in RUN_OPTIONS:
        yield from ([*RUN, option, value] for value in HOSTILE)
        yield [*RUN, option]
    for form in IN_OPTS:
        yield from ([*RUN, "--opts", form.replace("{}", value)] for value in HOSTILE)
    for form in IN_LOGGER:
        yield from ([*RUN, "--logger", form.replace("{}", value)] for value in HOSTILE)
    for words in VERBS:
        yield from ([*words, value] for value in HOSTILE)
    for form in TOML:
        yield from ([*RUN, "--config", form.replace("{}", value)] for value in TOML_VALUES)
    yield from ([value] for value in HOSTILE)


CASES = list(_cases())
FEW = random.Random(0).sample(CASES, 150)


@pytest.fixture
def odd_files(tmp_path, monkeypatch):
    """An empty folder with a pipe that nobody writes to, and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCHMARK_DATA_DIR", raising=False)
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: False)
    os.mkfifo("fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").write_text("text\n")
    (tmp_path / "file.py").write_text("Thing = 1\n")
    return tmp_path


def _try(words, capsys):
    if "--config" in words and ("=" in words[-1] or "\n" in words[-1]):
        Path("c.toml").write_text(words[-1], encoding="utf-8")
        words = [*words[:-1], "c.toml"]
    started = time.process_time()
    try:
        code = main(words)
    except SystemExit as error:
        code = error.code
    seconds = time.process_time() - started
    streams = capsys.readouterr()
    return code, streams, seconds


def _complaint(words, capsys):
    """Return what is wrong with the answer to `words`, "" if nothing is."""
    try:
        code, streams, seconds = _try(words, capsys)
    except Exception as error:
        capsys.readouterr()
        return f"{type(error).__name__}: {error}"[:300]
    lines = [line for line in streams.err.splitlines() if not line.startswith("warning: ")]
    if code not in (0, 2, 3):
        return f"exit code {code}: {streams.err[:300]}"
    if code and not (len(lines) == 1 and lines[0].startswith("Error: ")):
        return f"not one line: {streams.err[:300]}"
    if len(streams.err) > 1_100 or "finished trials" in streams.err:
        return f"a line of {len(streams.err)} characters: {streams.err[:300]}"
    return f"{seconds:.0f} seconds" if seconds > 10 else ""


def _complaints(cases, capsys):
    return [(str(words)[:200], found) for words in cases if (found := _complaint(words, capsys))]


def test_command_lines_that_nobody_should_write_get_one_short_line(odd_files, capsys):
    assert _complaints(FEW, capsys) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_command_lines_that_nobody_should_write_get_one_short_line(odd_files, capsys):
    assert _complaints(CASES, capsys) == []
