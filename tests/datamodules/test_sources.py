import pickle

import pytest
import torch

from datamodules.errors import DataCorruptError, DataUnavailableError
from tests.datamodules.fakes import (
    SIZES,
    TinyCIFAR10,
    TinyIMDB,
    TinyMNIST,
    write_cifar10,
    write_idx,
    write_imdb,
    write_mnist,
)


def _prepared(kind, tmp_path):
    data = kind(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    data.prepare_data()
    data.setup("fit")
    return data


def _corrupt(kind, tmp_path, path):
    with pytest.raises(DataCorruptError) as caught:
        _prepared(kind, tmp_path)
    assert str(path) in str(caught.value)
    assert "delete it" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_is_read_packed_or_not(tmp_path, suffix):
    write_mnist(tmp_path, suffix=suffix)
    assert _prepared(TinyMNIST, tmp_path).num_train == SIZES[0]


def _truncate(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize("damage", [_truncate, lambda _: b"<html>", lambda _: b""])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_mnist_file_is_named(tmp_path, damage, suffix):
    path = write_mnist(tmp_path, suffix=suffix) / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    _corrupt(TinyMNIST, tmp_path, path)


def test_a_missing_mnist_file_is_named(tmp_path):
    raw = write_mnist(tmp_path)
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    assert "t10k-labels-idx1-ubyte.gz" in _corrupt(TinyMNIST, tmp_path, raw)


def test_mnist_labels_out_of_range_are_an_error(tmp_path):
    raw = write_mnist(tmp_path, label=10)
    assert "labels outside 0 to 9" in _corrupt(TinyMNIST, tmp_path, raw)


def test_a_wrong_number_of_mnist_images_is_an_error(tmp_path):
    raw = write_mnist(tmp_path, num_train=25)
    assert "expected 30 training examples, found 25" in _corrupt(TinyMNIST, tmp_path, raw)


def test_cifar10_is_read_from_parquet_and_normalised_per_channel(tmp_path):
    write_cifar10(tmp_path)
    data = _prepared(TinyCIFAR10, tmp_path)
    inputs = data._splits["train"].inputs.values
    assert inputs.shape == (20, 3, 32, 32)
    torch.testing.assert_close(inputs.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)


def test_a_cut_cifar10_shard_is_named(tmp_path):
    path = write_cifar10(tmp_path) / "test-00000-of-00001.parquet"
    path.write_bytes(_truncate(path.read_bytes()))
    _corrupt(TinyCIFAR10, tmp_path, path)


def test_a_cut_image_names_its_cifar10_shard(tmp_path):
    path = write_cifar10(tmp_path, cut=True) / "train-00000-of-00001.parquet"
    _corrupt(TinyCIFAR10, tmp_path, path)


def test_a_missing_shard_is_an_error(tmp_path):
    folder = write_cifar10(tmp_path)
    (folder / "train-00000-of-00001.parquet").rename(folder / "train-00000-of-00003.parquet")
    assert "expected 3 train shards, found 1" in _corrupt(TinyCIFAR10, tmp_path, folder)


def test_imdb_holds_which_training_words_a_review_has(tmp_path):
    write_imdb(tmp_path)
    bag, targets = next(iter(_prepared(TinyIMDB, tmp_path).val_dataloader()))
    assert set(bag.values.tolist()) == {1.0}
    # "film" and "good" or "bad" are known; the word with the review's number is not.
    assert bag.offsets.tolist() == [2 * row for row in range(SIZES[1])]
    assert len(bag.indices) == 2 * len(targets)


def test_a_cut_imdb_shard_is_named(tmp_path):
    path = write_imdb(tmp_path) / "train-00000-of-00001.parquet"
    path.write_bytes(_truncate(path.read_bytes()))
    _corrupt(TinyIMDB, tmp_path, path)


def test_imdb_labels_out_of_range_name_their_shard(tmp_path):
    path = write_imdb(tmp_path, labels=(0, -1)) / "train-00000-of-00001.parquet"
    assert "labels outside 0 to 1" in _corrupt(TinyIMDB, tmp_path, path)


@pytest.mark.parametrize("kind", [TinyMNIST, TinyCIFAR10, TinyIMDB])
def test_data_that_cannot_be_had_say_in_one_line_where_to_put_files(tmp_path, kind):
    with pytest.raises(DataUnavailableError, match=r"Put .* there") as caught:
        _prepared(kind, tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_errors_survive_the_way_between_processes(tmp_path):
    write_idx(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz", [0])
    with pytest.raises(DataCorruptError) as caught:
        _prepared(TinyMNIST, tmp_path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
