import io
import os
import sys

import pytest

from benchmark.cli.console import console
from benchmark.cli.streams import lasting_streams


def _print(text, file=None):
    (file or sys.stdout).write(f"{text}\n")


class Failing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def fileno(self):
        raise io.UnsupportedOperation


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r"])
def test_a_terminal_that_knows_fewer_characters_gets_readable_text(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    with lasting_streams():
        console().print("★ 0.5 ± 0.1 … 漢 \udcff │")
    text = raw.getvalue().decode(encoding)
    assert "0.5" in text
    assert "0.1" in text
    assert "?" in text
    if encoding == "ascii":
        assert text.startswith("* 0.5 +- 0.1 ... ? ?")


@pytest.mark.parametrize(
    ("error", "warnings"), [(BrokenPipeError(32, "gone"), 0), (OSError(28, "disk full"), 1)]
)
def test_output_that_cannot_be_written_is_left_out_and_said_once(
    monkeypatch, capsys, error, warnings
):
    monkeypatch.setattr(sys, "stdout", Failing(error))
    with lasting_streams():
        _print("one")
        _print("two")
    assert capsys.readouterr().err.count("output is cut short") == warnings


def test_without_any_stream_nothing_is_written_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with lasting_streams():
        _print("one")
        console().print("two")
        _print("three", file=sys.stderr)
    assert sys.stdout is None


def test_closed_descriptors_are_filled_so_that_no_file_takes_their_place(tmp_path):
    if (pid := os.fork()) == 0:
        os.close(1)
        with lasting_streams():
            found = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
        os._exit(0 if found > 2 else 1)
    assert os.waitpid(pid, 0)[1] == 0
