import os
import subprocess
import sys

import pytest

from benchmark.launchers.log import MOST_BYTES, bound_log, share_log


@pytest.mark.parametrize("size", [0, 1, MOST_BYTES])
def test_a_log_that_is_short_enough_stays_as_it_is(tmp_path, size):
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * size)
    bound_log(path)
    assert path.read_bytes() == b"x" * size


def test_a_long_log_keeps_its_first_and_its_last_words(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"first words" + b"x" * 2 * MOST_BYTES)
    with path.open("ab") as log:
        for _ in range(3):
            bound_log(path)
            log.write(b"y" * MOST_BYTES + b"last words")
            log.flush()
        bound_log(path)
    text = path.read_bytes()
    assert len(text) <= MOST_BYTES
    assert text.startswith(b"first words")
    assert text.endswith(b"last words")
    assert text.count(b"the middle of this log is left out") == 1


def test_output_can_go_to_a_device_which_stays(tmp_path):
    path = tmp_path / "link"
    path.symlink_to(os.devnull)
    code = (
        "import sys; from pathlib import Path; from benchmark.launchers.log import redirect_output;"
        "redirect_output(Path(sys.argv[1])); sys.stdout.write('words')"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.is_symlink()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_log_is_shared_with_and_without_links(tmp_path, monkeypatch, has_links):
    def refuse(*_):
        raise PermissionError("no links here")

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "log.txt"
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    share_log(path, folders)
    assert not any((folder / "log.txt").exists() for folder in folders)
    path.write_text("words")
    share_log(path, folders)
    assert [(folder / "log.txt").read_text() for folder in folders] == ["words"] * 2
    assert (path.stat().st_nlink == 3) is has_links
