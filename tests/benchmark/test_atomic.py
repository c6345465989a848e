import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmark.__main__ import main
from benchmark.atomic import replacing, write_text
from tests.grids import quick_if


@contextmanager
def no_room(limit=2000):
    """Let no file grow beyond `limit` bytes: a full disk, but for the number of the error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


WRITERS = {
    "report.html": ["report", "study", "--out"],
    "report.md": ["report", "study", "--format", "md", "--out"],
    "study.parquet": ["compact", "study", "--out"],
    "walk.html": ["landscape", "--opts", "adam", "--surfaces", "beale", "--steps", "5", "--out"],
    "walk.png": ["landscape", "--opts", "adam", "--surfaces", "beale", "--steps", "5", "--out"],
    "walk.gif": ["landscape", "--opts", "adam", "--surfaces", "beale", "--steps", "5", "--out"],
}


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "name", quick_if(lambda name: name not in ("walk.png", "walk.gif"), WRITERS)
)
def test_without_room_the_old_file_stays_and_one_line_says_why(name, studied, tmp_path, capsys):
    store = studied("adam,sgd", seeds=1, metrics=["val/loss"])
    out = tmp_path / "out"
    out.mkdir()
    target = out / name
    target.write_text("old")
    where = ["--results", str(store.folder.parent)] * (WRITERS[name][0] != "landscape")
    with no_room():
        assert main([*WRITERS[name], str(target), *where]) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line not in ("adam", name)]
    assert len(error) == 1
    assert error[0].startswith("Error: ")
    assert ".tmp" not in error[0]
    assert target.read_text() == "old"
    assert [path.name for path in out.rglob("*") if path.is_file()] == [name]


@pytest.mark.parametrize(
    "kind", ["svg", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("pdf", "png"))]
)
def test_without_room_all_figures_stay_as_they_were(kind, studied, tmp_path, capsys):
    store = studied("adam,sgd", seeds=1, metrics=["val/loss"])
    root, folder = str(store.folder.parent), tmp_path / "figures"
    command = ["report", "study", "--results", root, "--format", kind, "--out", str(folder)]
    assert main(command) == 0
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    with no_room():
        assert main(command) == 1
    assert {path: path.stat().st_ino for path in folder.iterdir()} == before
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_is_written_shows_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_raises_changes_nothing(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)
    write_text(link, "text")
    assert link.is_symlink()
    assert file.read_text() == "text"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_device_is_written_and_not_replaced():
    with pytest.raises(OSError, match="'/dev/full'") as caught:
        write_text(Path("/dev/full"), "text")
    assert caught.value.errno == errno.ENOSPC
    assert not os.path.isfile("/dev/full")  # noqa: PTH113
