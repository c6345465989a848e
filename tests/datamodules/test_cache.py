import errno
import json
import os
import signal
from pathlib import Path

import filelock
import pytest
import torch

from benchmark.launchers import server  # it has loaded torch, once for all tests
from datamodules.cache import LAYOUT, Cache
from datamodules.errors import DataError, DataUnavailableError
from datamodules.registry import DATASETS
from tests.datamodules.fakes import TinyMNIST, write_mnist


def _tensors():
    return {"train.inputs": torch.arange(1000.0)}


def _file(folder):
    return folder / "tensors.pt"


def test_a_prepared_set_needs_its_source_no_more(mnist, tmp_path):
    checksum = mnist().checksum
    data = TinyMNIST(data_dir=tmp_path / "nothing", cache_dir=tmp_path / "cache")
    data.prepare_data()
    assert data.checksum == checksum


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-900] + b"x" * 900])
def test_a_damaged_cache_is_named_and_made_again(tmp_path, damage):
    cache = Cache(tmp_path)
    cache.prepare(_tensors)
    content = _file(tmp_path).read_bytes()
    _file(tmp_path).write_bytes(damage(content))
    with pytest.warns(UserWarning, match=str(tmp_path)):
        cache.prepare(_tensors)
    assert torch.equal(cache.load()["train.inputs"], torch.arange(1000.0))


def _without_layout(folder):
    """Write the manifest as earlier versions did, which named no layout."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest.pop("layout") == LAYOUT
    path.write_text(json.dumps(manifest))


def test_data_prepared_in_an_earlier_layout_are_named_and_made_again(tmp_path):
    cache = Cache(tmp_path)
    cache.prepare(lambda: {"train.inputs": torch.zeros(2)})
    _without_layout(tmp_path)
    with pytest.raises(DataError, match="another version of the suite: run the command again"):
        cache.load()
    with pytest.warns(UserWarning, match="of another version of the suite; made again"):
        cache.prepare(_tensors)
    assert torch.equal(cache.load()["train.inputs"], torch.arange(1000.0))


def test_an_old_cache_of_a_data_set_is_prepared_anew_and_a_worker_never_misreads_it(
    mnist, mnist_dir, tmp_path
):
    expected = mnist().checksum
    [folder] = (path.parent for path in (tmp_path / "cache").glob("*/tensors.pt"))
    _without_layout(folder)
    worker = TinyMNIST()
    worker.use_prepared(folder)
    with pytest.raises(DataError, match=str(folder)):
        worker.setup()
    with pytest.warns(UserWarning, match="made again"):
        assert mnist().checksum == expected
    worker.setup()
    assert worker.num_train == 20


def test_data_prepared_by_earlier_versions_lie_in_other_folders():
    earlier = {"mnist": 1, "cifar10": 1, "imdb": 2, "digits": 1, "reviews": 1}
    assert all(DATASETS[name].preparation > version for name, version in earlier.items())


def test_a_torn_manifest_is_made_again(tmp_path):
    cache = Cache(tmp_path)
    cache.prepare(_tensors)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.warns(UserWarning, match="made again"):
        cache.prepare(_tensors)
    assert len(cache.checksum()) == 64


def test_a_damaged_cache_without_a_source_is_an_error(mnist, tmp_path):
    mnist()
    next((tmp_path / "cache").glob("*/tensors.pt")).write_bytes(b"")
    data = TinyMNIST(data_dir=tmp_path / "nothing", cache_dir=tmp_path / "cache")
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(DataUnavailableError):
        data.prepare_data()


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Cache(tmp_path).prepare(_tensors)
    assert [path.name for path in tmp_path.iterdir()] in ([], [".lock"])


def test_a_whole_cache_is_used_where_nothing_can_be_written(tmp_path, monkeypatch):
    Cache(tmp_path).prepare(_tensors)
    (tmp_path / ".lock").unlink()

    def refuse(*arguments):
        raise PermissionError(errno.EACCES, "read-only")

    # In place of the mode of the folder, which does not stop a test that is run by root.
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    cache = Cache(tmp_path)
    cache.prepare(_tensors)
    assert torch.equal(cache.load()["train.inputs"], torch.arange(1000.0))


def _killed_while_writing(folder):
    os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
    Cache(folder).prepare(_tensors)


@pytest.mark.slow
@pytest.mark.forks
def test_what_a_killed_process_left_half_written_is_gone_with_the_next(tmp_path):
    process = server.start_method().Process(target=_killed_while_writing, args=(tmp_path,))
    server.start(process)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert any(path.suffix == ".tmp" for path in tmp_path.iterdir())
    Cache(tmp_path).prepare(_tensors)
    names = {path.name for path in tmp_path.iterdir()} - {".lock"}
    assert names == {"tensors.pt", "manifest.json"}


def _prepare(root, started, builds):
    class Counting(TinyMNIST):
        def build(self):
            with builds.get_lock():
                builds.value += 1
            return super().build()

    started.wait()
    data = Counting(data_dir=root / "data", cache_dir=root / "cache")
    data.prepare_data()
    data.setup("fit")
    assert data.num_train == 20


@pytest.mark.forks
def test_two_processes_that_prepare_at_once_build_once(tmp_path):
    write_mnist(tmp_path / "data")
    context = server.start_method()
    started, builds = context.Barrier(2), context.Value("i", 0)
    workers = [context.Process(target=_prepare, args=(tmp_path, started, builds)) for _ in range(2)]
    for worker in workers:
        server.start(worker)
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert builds.value == 1
