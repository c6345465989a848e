"""The split belongs to the seed: rows are drawn from one pool, which all seeds share."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datamodules.mnist import MNIST
from datamodules.reviews import Reviews
from tests.datamodules.fakes import TinyIMDB, write_imdb


def drawn(sizes, split_seed):
    data = MNIST(split_seed=split_seed)
    data.sizes = (*sizes, 1)
    return data.train_val_rows(sum(sizes))


def marks(data, split):
    """The first pixel of each fake image, which tells the images apart, as the loaders yield it."""
    loader = getattr(data, f"{split}_dataloader")()
    return torch.cat([inputs[:, 0, 0, 0] for inputs, _ in loader])


sizes = st.tuples(st.integers(1, 300), st.integers(1, 300))
seeds = st.integers(0, 2**32 - 1)


@given(sizes, seeds)
def test_training_and_validation_rows_are_disjoint_and_cover_the_pool(sizes, seed):
    train, val = drawn(sizes, seed)
    assert (len(train), len(val)) == sizes
    assert torch.equal(torch.cat([train, val]).sort().values, torch.arange(sum(sizes)))


@given(sizes, seeds)
def test_a_seed_draws_the_same_rows_each_time_and_leaves_the_global_state_alone(sizes, seed):
    before = torch.get_rng_state()
    first, second = drawn(sizes, seed), drawn(sizes, seed)
    assert all(map(torch.equal, first, second))
    assert torch.equal(torch.get_rng_state(), before)


@given(st.lists(seeds, min_size=2, max_size=8, unique=True))
def test_other_seeds_draw_other_rows_in_a_random_order(seeds):
    rows = [drawn((200, 50), seed) for seed in seeds]
    for (train, val), (other_train, other_val) in pairwise(rows):
        assert set(val.tolist()) != set(other_val.tolist())
        assert not torch.equal(train, other_train)
    train, val = rows[0]
    # So the first training rows, on which the training loss is evaluated, are a random sample.
    assert not torch.equal(train, train.sort().values)
    assert not torch.equal(val, val.sort().values)


def test_every_row_is_validated_about_equally_often():
    counts = torch.zeros(100)
    for seed in range(1000):
        counts[drawn((75, 25), seed)[1]] += 1
    deviation = (1000 * 0.25 * 0.75) ** 0.5
    assert float((counts - 250).abs().max()) < 5 * deviation


def test_a_wrong_number_of_rows_is_refused():
    with pytest.raises(ValueError, match="expected 60000 examples, found 59999"):
        MNIST().train_val_rows(59_999)


@pytest.mark.parametrize("split_seed", range(5))
def test_loaders_yield_the_rows_of_the_seed_and_no_test_row_is_among_them(mnist, split_seed):
    data = mnist(split_seed=split_seed)
    train, val = data.train_val_rows(30)
    pool, test = data._splits["train"].examples, data._splits["test"].examples
    assert (len(pool), len(test)) == (30, 10)
    first_pixels = pool.inputs.values[:, 0, 0, 0]
    assert len(first_pixels.unique()) == 30
    assert torch.equal(marks(data, "val"), first_pixels[val])
    assert torch.equal(marks(data, "train_eval"), first_pixels[train])
    for _ in range(2):
        assert torch.equal(marks(data, "train").sort().values, first_pixels[train].sort().values)
    assert torch.equal(marks(data, "test"), test.inputs.values[:, 0, 0, 0])
    whole_images = {tuple(image) for image in pool.inputs.values.flatten(1).tolist()}
    assert not whole_images & {tuple(image) for image in test.inputs.values.flatten(1).tolist()}


def test_statistics_are_those_of_training_and_validation_rows_together(mnist):
    pool = mnist()._splits["train"].examples.inputs.values
    torch.testing.assert_close(pool.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(pool.std(), torch.tensor(1.0), atol=1e-5, rtol=0)
    assert mnist()._splits["test"].examples.inputs.values.mean().abs() > 1e-4


def test_all_seeds_share_prepared_tensors_and_checksum(mnist, tmp_path):
    all_seeds = [mnist(split_seed=seed) for seed in range(3)]
    assert len({data.checksum for data in all_seeds}) == 1
    assert len(list((tmp_path / "cache").glob("*/tensors.pt"))) == 1


def test_no_split_copies_a_row_of_the_pool(mnist):
    data = mnist(split_seed=7)
    train, val = data._splits["train"], data._splits["val"]
    assert train.examples is val.examples
    kept = [split.rows for split in (train, val)]
    assert sum(rows.numel() for rows in kept) == 30
    address = train.examples.inputs.values.data_ptr()
    for loader in (data.train_dataloader(), data.val_dataloader(), data.train_eval_dataloader()):
        batch, _ = next(iter(loader))
        assert len(batch) < 30
        held = loader._split.examples.inputs.values
        assert (held.data_ptr(), held.shape[0]) == (address, 30)


def test_a_device_gets_the_pool_once(mnist):
    data = mnist()
    before = {split: marks(data, split) for split in ("train_eval", "val", "test")}
    data.to(torch.device("meta"))
    splits = data._splits
    assert splits["train"].examples is splits["val"].examples
    assert splits["train"].examples is not splits["test"].examples
    assert {split.rows.device.type for split in (splits["train"], splits["val"])} == {"meta"}
    back = mnist()
    back.to(torch.device("cpu"))
    for split, expected in before.items():
        assert torch.equal(marks(back, split), expected)


@pytest.mark.parametrize("split_seed", [0, 1])
def test_a_vocabulary_is_that_of_training_and_validation_reviews(tmp_path, split_seed):
    write_imdb(tmp_path)
    data = TinyIMDB(data_dir=tmp_path, cache_dir=tmp_path / "cache", split_seed=split_seed)
    data.prepare_data()
    data.setup()
    seen = {}
    for split in ("train", "val", "test"):
        for bag, _ in getattr(data, f"{split}_dataloader")():
            seen.setdefault(split, set()).update(bag.indices.tolist())
    # Every review has a word of its own, all of which the vocabulary of 10,000 words can hold.
    assert len(seen["train"]) == 20 + 3
    assert len(seen["val"]) == 10 + 3
    assert len(seen["train"] | seen["val"]) == 30 + 3
    assert seen["test"] <= seen["train"] | seen["val"]


@pytest.mark.parametrize("split_seed", [0, 1])
def test_sparse_rows_are_those_of_the_seed(tmp_path, split_seed):
    data = Reviews(cache_dir=tmp_path, split_seed=split_seed, batch_size=64)
    data.prepare_data()
    data.setup()
    pool = data._splits["val"].examples
    assert pool is data._splits["train"].examples
    _, val = data.train_val_rows(len(pool))
    [(bag, targets)] = data.val_dataloader()
    dense = pool.inputs.slice(0, len(pool)).to_dense(2000)
    assert torch.equal(bag.to_dense(2000), dense[val])
    assert torch.equal(targets, pool.targets[val])
