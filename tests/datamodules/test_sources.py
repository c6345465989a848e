import hashlib
import pickle
import shutil

import pytest
import torch
from torchvision import datasets

from datamodules.errors import (
    DataCorruptError,
    DataError,
    DataIncompleteError,
    DataUnavailableError,
)
from datamodules.places import why_unavailable
from tests.datamodules.fakes import (
    SIZES,
    TinyCIFAR10,
    TinyIMDB,
    TinyMNIST,
    write_cifar10,
    write_cifar10_batches,
    write_idx,
    write_imdb,
    write_mnist,
)


def _prepared(kind, tmp_path):
    data = kind(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    data.prepare_data()
    data.setup("fit")
    return data


def _refused(kind, tmp_path):
    with pytest.raises(DataError) as caught:
        _prepared(kind, tmp_path)
    return str(caught.value)


def _corrupt(kind, tmp_path, path):
    with pytest.raises(DataCorruptError) as caught:
        _prepared(kind, tmp_path)
    assert str(caught.value).startswith(f"{path} is corrupt (")
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


def test_a_missing_mnist_file_is_asked_for_and_the_good_ones_stay(tmp_path):
    raw = write_mnist(tmp_path)
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    expected = f"{raw} has no t10k-labels-idx1-ubyte.gz: put it there"
    assert _refused(TinyMNIST, tmp_path) == expected


def test_a_download_that_broke_off_is_made_again(tmp_path, monkeypatch):
    whole = write_mnist(tmp_path / "elsewhere")
    broken = write_mnist(tmp_path / "cache" / "downloads")
    (broken / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setattr("datamodules.base.reachable", lambda url: True)

    class Downloads(TinyMNIST):
        def download(self, folder):
            shutil.copytree(whole, folder / "MNIST" / "raw", dirs_exist_ok=True)

    data = Downloads(cache_dir=tmp_path / "cache")
    data.prepare_data()
    data.setup()
    assert data.num_train > 0


def test_mnist_labels_out_of_range_name_their_file(tmp_path):
    path = write_mnist(tmp_path, label=10) / "train-labels-idx1-ubyte.gz"
    assert "labels outside 0 to 9" in _corrupt(TinyMNIST, tmp_path, path)


def test_a_wrong_number_of_mnist_labels_names_their_file(tmp_path):
    path = write_mnist(tmp_path) / "t10k-labels-idx1-ubyte.gz"
    write_idx(path, [1] * 9)
    assert "expected 10 examples, found 9" in _corrupt(TinyMNIST, tmp_path, path)


def test_mnist_test_images_in_the_place_of_the_training_images_are_an_error(tmp_path):
    raw = write_mnist(tmp_path)
    path = raw / "train-images-idx3-ubyte.gz"
    path.write_bytes((raw / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert "expected 30 examples, found 10" in _corrupt(TinyMNIST, tmp_path, path)


def test_mnist_images_of_another_size_are_an_error(tmp_path):
    path = write_mnist(tmp_path) / "train-images-idx3-ubyte.gz"
    write_idx(path, [[[0] * 27] * 28] * 30)
    assert "expected examples of 28×28, found 28×27" in _corrupt(TinyMNIST, tmp_path, path)


def test_cifar10_is_read_from_parquet_and_normalised_per_channel(tmp_path):
    write_cifar10(tmp_path)
    data = _prepared(TinyCIFAR10, tmp_path)
    inputs = data._splits["train"].examples.inputs.values
    assert inputs.shape == (30, 3, 32, 32)
    torch.testing.assert_close(inputs.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)


def test_a_cut_cifar10_shard_is_named(tmp_path):
    path = write_cifar10(tmp_path) / "test-00000-of-00001.parquet"
    path.write_bytes(_truncate(path.read_bytes()))
    _corrupt(TinyCIFAR10, tmp_path, path)


def test_a_cut_image_names_its_cifar10_shard(tmp_path):
    path = write_cifar10(tmp_path, cut=True) / "train-00000-of-00001.parquet"
    _corrupt(TinyCIFAR10, tmp_path, path)


def _rename_training_shard(folder, name):
    (folder / "train-00000-of-00001.parquet").rename(folder / name)
    return folder / name


KINDS_OF_SHARDS = [(TinyCIFAR10, write_cifar10), (TinyIMDB, write_imdb)]


@pytest.mark.parametrize(("kind", "write"), KINDS_OF_SHARDS)
def test_a_missing_shard_is_asked_for_and_the_good_ones_stay(tmp_path, kind, write):
    folder = write(tmp_path)
    _rename_training_shard(folder, "train-00001-of-00003.parquet")
    expected = f"{folder} has no train-00000-of-00003.parquet: put it there"
    assert _refused(kind, tmp_path) == expected


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(("kind", "write"), KINDS_OF_SHARDS)
def test_a_part_without_shards_is_asked_for(tmp_path, kind, write, part):
    folder = write(tmp_path)
    (folder / f"{part}-00000-of-00001.parquet").unlink()
    assert _refused(kind, tmp_path) == f"{folder} has no {part}-*.parquet: put it there"


@pytest.mark.parametrize(
    "name", ["train-foo.parquet", "train-of-it.parquet", "train-1-of-x.parquet"]
)
def test_a_file_that_is_not_named_like_a_shard_is_to_be_renamed(tmp_path, name):
    path = _rename_training_shard(write_cifar10(tmp_path), name)
    words = "a shard is named like train-00000-of-00001.parquet"
    assert _refused(TinyCIFAR10, tmp_path) == f"{path} is corrupt ({words}): rename it"


def test_shards_of_two_sets_are_not_mixed(tmp_path):
    folder = write_cifar10(tmp_path)
    path = folder / "train-00000-of-00002.parquet"
    path.write_bytes((folder / "train-00000-of-00001.parquet").read_bytes())
    message = _refused(TinyCIFAR10, tmp_path)
    assert message.startswith(f"{path} is corrupt (it is one of 2 shards")


def test_too_few_examples_name_the_shards_of_their_part(tmp_path):
    folder = write_cifar10(tmp_path)
    content = (folder / "test-00000-of-00001.parquet").read_bytes()
    (folder / "train-00000-of-00001.parquet").write_bytes(content)
    message = _corrupt(TinyCIFAR10, tmp_path, folder / "train-*.parquet")
    assert "expected 30 examples, found 10" in message


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """The files of the original archive of CIFAR-10, as few and as small as may be."""
    files = write_cifar10_batches(tmp_path)
    sums = {name: hashlib.md5(path.read_bytes()).hexdigest() for name, path in files.items()}
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    train = [[name, sums[name]] for name in sums if name.startswith("data_batch")]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    return files


def test_cifar10_is_read_from_the_original_batches(tmp_path, batches):
    data = _prepared(TinyCIFAR10, tmp_path)
    assert data._splits["train"].examples.inputs.values.shape == (30, 3, 32, 32)


def test_a_missing_cifar10_batch_is_asked_for(tmp_path, batches):
    batches["data_batch_2"].unlink()
    folder = tmp_path / "cifar-10-batches-py"
    assert _refused(TinyCIFAR10, tmp_path) == f"{folder} has no data_batch_2: put it there"


def test_a_damaged_cifar10_batch_is_named(tmp_path, batches):
    path = batches["test_batch"]
    path.write_bytes(_truncate(path.read_bytes()))
    _corrupt(TinyCIFAR10, tmp_path, path)


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        (TinyMNIST, "MNIST/raw"),
        (TinyCIFAR10, "cifar10"),
        (TinyCIFAR10, "cifar-10-batches-py"),
        (TinyIMDB, "imdb"),
    ],
)
def test_an_empty_folder_holds_no_data_and_none_that_are_corrupt(tmp_path, kind, folder):
    (tmp_path / folder).mkdir(parents=True)
    assert why_unavailable(kind.dataset, tmp_path, tmp_path / "cache")
    message = _refused(kind, tmp_path)
    assert "Put " in message
    assert "corrupt" not in message


def test_imdb_holds_which_words_of_the_training_part_a_review_has(tmp_path):
    write_imdb(tmp_path)
    bag, targets = next(iter(_prepared(TinyIMDB, tmp_path).val_dataloader()))
    assert set(bag.values.tolist()) == {1.0}
    # "film", "good" or "bad", and the word with the review's number.
    assert bag.offsets.tolist() == [3 * row for row in range(SIZES[1])]
    assert len(bag.indices) == 3 * len(targets)


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


def test_debians_package_is_named_where_fashion_is_missing(tmp_path):
    said = why_unavailable("fashion", tmp_path, tmp_path / "cache")
    assert "FashionMNIST/raw/*-ubyte.gz (Debian's package dataset-fashion-mnist has them)" in said


def test_errors_survive_the_way_between_processes(tmp_path):
    folder = tmp_path / "imdb"
    for error in (
        DataUnavailableError("put it there"),
        DataCorruptError(folder, "a reason", "rename it"),
        DataIncompleteError(folder, "train-*.parquet"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy)) == (type(error), str(error))
