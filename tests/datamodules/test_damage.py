"""Damaged and odd files: each gives data, or one line that names a file; never anything else."""

import shutil
import tempfile
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torchvision import datasets

from datamodules.errors import DataCorruptError, DataError, DataWarning
from datamodules.labels import class_labels
from tests.datamodules.fakes import (
    KINDS,
    TinyCIFAR10,
    TinyFashionMNIST,
    TinyIMDB,
    TinyMNIST,
    write_cifar10,
    write_idx,
    write_imdb,
    write_mnist,
)


def _prepare(kind, root):
    data = kind(data_dir=root, cache_dir=root / "cache")
    data.prepare_data()
    data.setup("fit")
    return data


def _outcome(call):
    """Return what `call` returns, or the words of its DataError."""
    try:
        return call()
    except DataError as error:
        return str(error)


def _refusal(kind, root):
    with pytest.raises(DataError) as caught:
        _prepare(kind, root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


WHOLE = [pa.bool_(), pa.int8(), pa.uint16(), pa.int64(), pa.uint64(), pa.float32(), pa.float64()]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("kind", [*WHOLE, pa.decimal128(12, 2)], ids=str)
def test_labels_of_any_type_are_converted_if_they_are_whole(tmp_path, kind):
    path = write_imdb(tmp_path) / "test-00000-of-00001.parquet"
    expected = _prepare(TinyIMDB, tmp_path).checksum
    table = pq.read_table(path)
    labels = table["label"].cast(pa.int32()).cast(kind)
    pq.write_table(table.set_column(1, "label", labels), path)
    assert _prepare(TinyIMDB, tmp_path).checksum == expected


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0.0, 0.5], "the label of row 1 is 0.5, not whole"),
        ([0.0, float("nan")], "the label of row 1 is nan, not whole"),
        ([float("inf"), 0.0], "the label of row 0 is inf, not whole"),
        ([1, None], "the label of row 1 is null"),
        (["0", "1"], "the label of row 0 is of type str, not a number"),
        ([[0], [1]], "the label of row 0 is of type list, not a number"),
        ([0, 2], "labels outside 0 to 1"),
        ([0, -1], "labels outside 0 to 1"),
        ([2**63, 0], "labels outside 0 to 1"),
        ([2**64, 0], "labels outside 0 to 1"),
        ([Decimal("0.5")], "the label of row 0 is 0.5, not whole"),
    ],
)
def test_labels_that_are_no_classes_are_refused_with_their_row(labels, words):
    with pytest.raises(DataCorruptError) as caught:
        class_labels(Path("file"), labels, 2)
    assert f"file is corrupt ({words})" in str(caught.value)


_CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3)
)


@given(st.lists(_CELLS, max_size=6))
def test_a_list_of_labels_gives_classes_or_one_error(labels):
    found = _outcome(lambda: class_labels(Path("file"), labels, 2))
    if isinstance(found, str):
        assert found.startswith("file is corrupt (")
    else:
        assert found.dtype == torch.int64
        assert found.tolist() == labels


@pytest.mark.parametrize(
    ("review", "words"),
    [
        (None, "is null"),
        ("", "is empty"),
        (" \n", "is empty"),
        (7, "is int"),
        (b"film", "is bytes"),
    ],
)
def test_a_review_that_is_no_text_is_refused_with_its_row(tmp_path, review, words):
    path = write_imdb(tmp_path) / "train-00000-of-00001.parquet"
    like = "film" if review is None or isinstance(review, str) else review
    texts = [like] * 30
    texts[5 if like == "film" else 0] = review
    pq.write_table(pa.table({"text": texts, "label": [0, 1] * 15}), path)
    row = 5 if like == "film" else 0
    assert f"{path} is corrupt (the review of row {row} {words}, not text)" in _refusal(
        TinyIMDB, tmp_path
    )


def test_a_text_file_that_is_not_utf8_is_named(tmp_path):
    for part in ("train/neg", "train/pos", "test/neg", "test/pos"):
        folder = tmp_path / "aclImdb" / part
        folder.mkdir(parents=True)
        (folder / "0_1.txt").write_bytes(b"film \xff")
    path = tmp_path / "aclImdb/train/neg/0_1.txt"
    assert _refusal(TinyIMDB, tmp_path).startswith(f"{path} is corrupt (")


@pytest.mark.parametrize("image", [None, {"bytes": None, "path": "a.png"}, [1, 2]])
def test_an_image_that_is_no_file_is_refused_with_its_row(tmp_path, image):
    path = write_cifar10(tmp_path) / "test-00000-of-00001.parquet"
    rows = [image] * 10 if image is not None else pa.nulls(10, pa.binary())
    pq.write_table(pa.table({"img": rows, "label": [0] * 10}), path)
    assert f"{path} is corrupt (the image of row 0 is " in _refusal(TinyCIFAR10, tmp_path)


def test_columns_of_another_data_set_are_named(tmp_path):
    path = write_imdb(tmp_path) / "test-00000-of-00001.parquet"
    pq.write_table(pa.table({"sentence": ["film"], "fine_label": [0]}), path)
    words = "expected a column text, found sentence, fine_label"
    assert words in _refusal(TinyIMDB, tmp_path)


def test_images_without_any_contrast_are_refused(tmp_path):
    raw = write_mnist(tmp_path)
    write_idx(raw / "train-images-idx3-ubyte.gz", np.zeros((30, 28, 28)))
    assert "every pixel has the same value" in _refusal(TinyMNIST, tmp_path)


@pytest.mark.parametrize(
    ("tiny", "title", "other"),
    [
        (TinyMNIST, "MNIST", datasets.FashionMNIST),
        (TinyMNIST, "MNIST", datasets.KMNIST),
        (TinyFashionMNIST, "Fashion-MNIST", datasets.MNIST),
        (TinyFashionMNIST, "Fashion-MNIST", datasets.KMNIST),
    ],
)
@pytest.mark.parametrize("row", range(4))
def test_known_files_of_another_data_set_are_refused(
    tmp_path, monkeypatch, tiny, title, other, row
):
    raw = KINDS[tiny.dataset][1](tmp_path)
    name, md5 = other.resources[row]
    real = (raw / name).read_bytes()
    ours = __import__("datamodules.mnist").mnist._md5
    monkeypatch.setattr("datamodules.mnist._md5", lambda c: md5 if c == real else ours(c))
    message = _refusal(tiny, tmp_path)
    assert message.startswith(f"{raw / name} is corrupt (it is a file of ")
    assert message.endswith(f"put the file of {title} in its place")


def test_unknown_files_are_a_warning_each_time_they_are_used(tmp_path):
    raw = write_mnist(tmp_path)
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            _prepare(TinyMNIST, tmp_path)
        words = [str(each.message) for each in caught if each.category is DataWarning]
        assert len(words) == 4
        assert f"{raw / 'train-images-idx3-ubyte.gz'} is no known file of MNIST" in words[0]


def test_words_are_chosen_by_their_number_of_reviews_and_tags_are_none(tmp_path):
    folder = write_imdb(tmp_path)
    texts = ["often often often often<br /><br />film"] * 5 + ["<i>film</i> plot I <3 it"] * 25
    for part, count in (("train", 30), ("test", 10)):
        table = pa.table({"text": texts[-count:], "label": [0, 1] * (count // 2)})
        pq.write_table(table, folder / f"{part}-00000-of-00001.parquet")

    class TwoWords(TinyIMDB):
        def __init__(self, **arguments):
            super().__init__(**arguments)
            self.input_shape = (2,)

    bags = _prepare(TwoWords, tmp_path)._splits["test"].examples.inputs
    # "film" is in all reviews, "it" and "plot" in equally many; "br" and "often" in fewer.
    assert bags.starts.diff().tolist() == [2] * 10
    assert bags.indices.tolist() == [0, 1] * 10


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder of whole files of each data set."""
    roots = {name: tmp_path_factory.mktemp(name) for name in KINDS}
    for name, root in roots.items():
        KINDS[name][1](root)
    return roots


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(KINDS)),
    which=st.integers(0, 3),
    begin=st.floats(0, 1),
    patch=st.binary(max_size=40),
    cut=st.booleans(),
)
def test_any_damage_gives_data_or_one_line(whole, name, which, begin, patch, cut):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        shutil.copytree(whole[name], root)
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        path = paths[which % len(paths)]
        content = path.read_bytes()
        place = int(begin * len(content))
        rest = b"" if cut else content[place + len(patch) :]
        path.write_bytes(content[:place] + patch + rest)
        found = _outcome(lambda: _prepare(KINDS[name][0], root))
        if isinstance(found, str):
            assert str(root) in found
            assert "\n" not in found
        else:
            assert found.num_train == found.sizes[0]
