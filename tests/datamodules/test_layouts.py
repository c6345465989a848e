"""The layouts that people have: each is read, and gives what the usual one gives."""

import os
import pickle
import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from datamodules.errors import DataError
from datamodules.layouts import LAYOUTS, UNREAD
from datamodules.places import download_url, why_unavailable
from datamodules.registry import DATASETS
from datamodules.sources import find_source
from tests.datamodules.fakes import (
    KINDS,
    TinyCIFAR10,
    TinyFashionMNIST,
    TinyIMDB,
    TinyMNIST,
    png,
    write_cifar10,
    write_cifar10_batches,
    write_fashion,
    write_imdb,
    write_mnist,
)


def _prepared(kind, folder, tmp_path):
    data = kind(data_dir=folder, cache_dir=tmp_path / "cache")
    data.prepare_data()
    data.setup("fit")
    return data


def _moved(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _dotted(root):
    for path in list((root / "MNIST/raw").iterdir()):
        _moved(path, root / "MNIST/raw" / path.name.replace("-idx", ".idx"))


def _folder_per_file(root):
    for path in list((root / "MNIST/raw").iterdir()):
        _moved(path, root / path.name / path.name)


def _flat(root):
    for path in list((root / "MNIST/raw").iterdir()):
        _moved(path, root / path.name)


def _dotted_in_mnist(root):
    _dotted(root)
    _moved(root / "MNIST/raw", root / "mnist")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("arrange", [_dotted, _folder_per_file, _flat, _dotted_in_mnist])
def test_mnist_is_the_same_under_all_its_names(tmp_path, suffix, arrange):
    write_mnist(tmp_path / "usual")
    write_mnist(tmp_path / "other", suffix=suffix)
    arrange(tmp_path / "other")
    expected = _prepared(TinyMNIST, tmp_path / "usual", tmp_path).checksum
    assert _prepared(TinyMNIST, tmp_path / "other", tmp_path).checksum == expected


@pytest.mark.parametrize("folder", ["FashionMNIST", "fashion-mnist", "fashion_mnist", "fashion"])
def test_fashion_lies_beside_mnist_with_the_same_names(tmp_path, folder):
    expected = _prepared(TinyFashionMNIST, write_fashion(tmp_path / "usual").parents[1], tmp_path)
    _moved(write_fashion(tmp_path / "here"), tmp_path / "other" / folder)
    write_mnist(tmp_path / "other", label=3)
    found = _prepared(TinyFashionMNIST, tmp_path / "other", tmp_path)
    assert found.checksum == expected.checksum
    assert _prepared(TinyMNIST, tmp_path / "other", tmp_path).checksum != expected.checksum


def test_files_without_a_folder_are_not_taken_for_fashion(tmp_path):
    _moved(write_mnist(tmp_path / "here"), tmp_path / "other")
    assert find_source("mnist", tmp_path / "other", tmp_path / "cache")
    assert find_source("fashion", tmp_path / "other", tmp_path / "cache") is None


def test_mnist_of_the_hub_is_that_of_the_original_files(tmp_path):
    write_mnist(tmp_path / "usual", suffix="")
    folder = tmp_path / "other/ylecun/mnist/mnist"
    folder.mkdir(parents=True)
    for part, name in (("train", "train"), ("test", "t10k")):
        content = (tmp_path / f"usual/MNIST/raw/{name}-images-idx3-ubyte").read_bytes()
        pixels = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)
        images = [{"bytes": png(each), "path": None} for each in pixels]
        table = pa.table({"image": images, "label": [9] * len(images)})
        pq.write_table(table, folder / f"{part}-00000-of-00001.parquet")
    expected = _prepared(TinyMNIST, tmp_path / "usual", tmp_path).checksum
    assert _prepared(TinyMNIST, tmp_path / "other", tmp_path).checksum == expected


SHARDED = [
    (TinyCIFAR10, write_cifar10, "cifar10"),
    (TinyIMDB, write_imdb, "imdb"),
]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("hash_", ["", "-0123456789abcdef"])
@pytest.mark.parametrize("place", ["{}/plain_text", "{}", "{hub}/plain_text"])
@pytest.mark.parametrize(("kind", "write", "name"), SHARDED)
def test_shards_lie_where_the_hub_puts_them(tmp_path, kind, write, name, place, hash_):
    expected = _prepared(kind, write(tmp_path / "usual").parent, tmp_path).checksum
    hub = {"cifar10": "uoft-cs/cifar10", "imdb": "stanfordnlp/imdb"}[name]
    target = tmp_path / "other" / place.format(name, hub=hub)
    for path in write(tmp_path / "here").iterdir():
        _moved(path, target / f"{path.stem}{hash_}.parquet")
    assert _prepared(kind, tmp_path / "other", tmp_path).checksum == expected


def test_the_hubs_own_cache_serves_without_a_network(tmp_path, monkeypatch):
    folder = tmp_path / "hub/datasets--stanfordnlp--imdb/snapshots/0123/plain_text"
    shutil.copytree(write_imdb(tmp_path / "here"), folder)
    monkeypatch.setattr("datamodules.base.reachable", lambda url: pytest.fail("it was asked"))
    assert _prepared(TinyIMDB, tmp_path / "nothing", tmp_path).num_train == 20


@pytest.mark.parametrize("column", ["img", "image"])
def test_cifar10_calls_its_images_img_or_image(tmp_path, column):
    write_cifar10(tmp_path, column=column)
    assert _prepared(TinyCIFAR10, tmp_path, tmp_path).num_train == 20


def _write_binary(root):
    """Write the binary form of the pickles that lie in `root`."""
    folder = root / "bin/cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name, path in write_cifar10_batches(root / "py").items():
        content = pickle.loads(path.read_bytes())
        if "data" in content:
            labels = np.asarray(content["labels"], np.uint8)[:, None]
            (folder / f"{name}.bin").write_bytes(np.hstack([labels, content["data"]]).tobytes())
    return root / "bin", root / "shards", content


def test_binary_batches_of_cifar10_are_those_of_the_shards(tmp_path):
    root, shards, _ = _write_binary(tmp_path)
    (shards / "cifar10").mkdir(parents=True)
    for part, prefix in (("train", "data_batch"), ("test", "test_batch")):
        paths = sorted((root / "cifar-10-batches-bin").glob(f"{prefix}*"))
        rows = np.vstack([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in paths])
        pixels = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        images = [{"bytes": png(each), "path": None} for each in pixels]
        table = pa.table({"img": images, "label": rows[:, 0]})
        pq.write_table(table, shards / f"cifar10/{part}-00000-of-00001.parquet")
    expected = _prepared(TinyCIFAR10, shards, tmp_path).checksum
    assert _prepared(TinyCIFAR10, root, tmp_path).checksum == expected


@pytest.mark.parametrize("place", ["aclImdb", "imdb/aclImdb", "imdb"])
def test_imdb_is_read_from_its_text_files(tmp_path, place):
    for part, count in (("train", 15), ("test", 5)):
        for side, word in (("neg", "bad"), ("pos", "good")):
            folder = tmp_path / place / part / side
            folder.mkdir(parents=True)
            for row in range(count):
                (folder / f"{row}_1.txt").write_text(f"film word{row} {word}")
    data = _prepared(TinyIMDB, tmp_path, tmp_path)
    assert data.num_train == 20
    assert "aclImdb" in str(data.source) or place == "imdb"


def test_imdb_as_the_hubs_library_keeps_it_serves_without_a_network(tmp_path, monkeypatch):
    expected = _prepared(TinyIMDB, write_imdb(tmp_path / "usual").parent, tmp_path).checksum
    folder = tmp_path / "cache/downloads/stanfordnlp___imdb/plain_text/0.0.0/abc"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        table = pq.read_table(tmp_path / f"usual/imdb/{part}-00000-of-00001.parquet")
        path = folder / f"imdb-{part}.arrow"
        with path.open("wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    monkeypatch.setattr("datamodules.base.reachable", lambda url: pytest.fail("it was asked"))
    monkeypatch.setattr("datamodules.places.reachable", lambda url: pytest.fail("it was asked"))
    assert not why_unavailable("imdb", tmp_path / "nothing", tmp_path / "cache")
    assert _prepared(TinyIMDB, tmp_path / "nothing", tmp_path).checksum == expected


def test_of_several_layouts_the_complete_one_counts(tmp_path):
    write_cifar10(tmp_path)
    (tmp_path / "cifar10/test-00000-of-00001.parquet").unlink()
    write_cifar10_batches(tmp_path)
    assert find_source("cifar10", tmp_path, tmp_path / "cache").layout.kind == "pickles"


def test_each_data_set_of_files_has_layouts_and_a_tiny_copy():
    of_files = {name for name, row in DATASETS.items() if not row.embedded}
    assert LAYOUTS.keys() == KINDS.keys() == of_files


@pytest.mark.parametrize(
    ("name", "pattern"), [(name, pattern) for name, some in UNREAD.items() for pattern in some]
)
def test_what_lies_there_packed_is_named_in_the_refusal(tmp_path, name, pattern):
    path = tmp_path / pattern.replace("*", "x")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=f"{re.escape(str(path))} is not read: "):
        _prepared(KINDS[name][0], tmp_path, tmp_path)


def test_the_hubs_mirror_is_asked_in_its_place(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.invalid")
    assert download_url("imdb") == "https://mirror.invalid"
    assert "mirror" not in download_url("mnist")


def test_other_files_are_other_data_and_a_copy_is_the_same(tmp_path):
    write_mnist(tmp_path / "first", label=1)
    write_mnist(tmp_path / "second", label=2)
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    sums = [
        _prepared(TinyMNIST, tmp_path / n, tmp_path).checksum for n in ("first", "second", "copy")
    ]
    assert sums[0] == sums[2] != sums[1]
    with pytest.raises(DataError, match="was prepared from .* and from .*, which differ: say with"):
        _prepared(TinyMNIST, tmp_path / "nothing", tmp_path)


def test_a_file_put_in_anothers_place_with_its_size_and_date_is_noticed(tmp_path):
    raw = write_mnist(tmp_path, suffix="", label=1)
    first = _prepared(TinyMNIST, tmp_path, tmp_path).checksum
    path = raw / "train-labels-idx1-ubyte"
    date = path.stat().st_mtime_ns
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"\x02")
    os.utime(path, ns=(date, date))
    assert _prepared(TinyMNIST, tmp_path, tmp_path).checksum != first


def test_files_that_change_under_a_study_end_it_with_one_line(tmp_path):
    write_mnist(tmp_path, label=1)
    _prepared(TinyMNIST, tmp_path, tmp_path)
    shutil.rmtree(tmp_path / "MNIST")
    write_mnist(tmp_path, label=2)
    with pytest.raises(DataError, match="is not prepared from .* changed meanwhile"):
        TinyMNIST(data_dir=tmp_path, cache_dir=tmp_path / "cache").setup("fit")


def test_a_worker_looks_at_no_source_file(tmp_path, monkeypatch):
    write_mnist(tmp_path)
    first = _prepared(TinyMNIST, tmp_path, tmp_path)
    first.setup("fit")
    monkeypatch.setattr("datamodules.base.find_place", None)
    data = TinyMNIST(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    data.use_prepared(first.prepared_folder)
    data.setup("fit")
    assert data.checksum == first.checksum
    inputs, _ = next(iter(data.val_dataloader()))
    assert torch.equal(inputs, next(iter(first.val_dataloader()))[0])


def test_grey_pictures_are_not_in_colour(tmp_path):
    folder = write_cifar10(tmp_path)
    grey = png(np.asarray(Image.new("L", (32, 32))))
    table = pa.table({"img": [{"bytes": grey, "path": None}] * 10, "label": [0] * 10})
    pq.write_table(table, folder / "test-00000-of-00001.parquet")
    with pytest.raises(DataError, match="the image of row 0 is L, not RGB"):
        _prepared(TinyCIFAR10, tmp_path, tmp_path)
