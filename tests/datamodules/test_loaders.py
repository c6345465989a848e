from itertools import chain

import pytest
import torch
from lightning.fabric.utilities import move_data_to_device

from datamodules.loaders import Chunk, DenseRows, Examples, InOrder, Shuffled, Split, Stretches


@pytest.fixture(params=["all rows", "rows of a pool"])
def split(request):
    """50 examples 0 to 49 in order: all that there are, or those chosen among others."""
    if request.param == "all rows":
        return Split(Examples(DenseRows(torch.arange(50.0).unsqueeze(1)), torch.arange(50)))
    pool = torch.randperm(80, generator=torch.Generator().manual_seed(5))
    examples = Examples(DenseRows(pool.float().unsqueeze(1)), pool)
    return Split(examples, pool.argsort()[:50])


def _targets(batches):
    return [targets.tolist() for _, targets in batches]


def test_an_epoch_holds_every_example_once_and_keeps_the_last_partial_batch(split):
    loader = Shuffled(split, 8, seed=0)
    batches = _targets(loader)
    assert len(loader) == len(batches) == 7
    assert [len(batch) for batch in batches] == [8] * 6 + [2]
    assert sorted(chain(*batches)) == list(range(50))


@pytest.mark.parametrize("batch_size", [7, 8, 50, 60])
@pytest.mark.parametrize("chunk_size", [1, 3])
def test_the_ends_of_an_epoch_are_its_first_and_its_last_batch(split, batch_size, chunk_size):
    expected = _targets(Shuffled(split, batch_size, seed=2))
    ends = Shuffled(split, batch_size, seed=2, chunk_size=chunk_size).ends()
    assert _targets(ends) == [expected[0], expected[-1]]


def test_inputs_stay_with_their_targets(split):
    assert all(x.squeeze(1).tolist() == y.tolist() for x, y in Shuffled(split, 8, seed=0))


def test_every_epoch_has_another_order_and_every_run_the_same(split):
    loader, again = Shuffled(split, 8, seed=3), Shuffled(split, 8, seed=3)
    first, second = _targets(loader), _targets(loader)
    assert first != second
    assert [first, second] == [_targets(again), _targets(again)]
    assert _targets(Shuffled(split, 8, seed=4)) != first


def test_an_iterator_that_is_never_used_costs_no_order(split):
    loader = Shuffled(split, 8, seed=0)
    iter(loader)  # as Lightning does while it sets up
    assert _targets(loader) == _targets(Shuffled(split, 8, seed=0))


def test_the_order_does_not_touch_the_global_random_state(split):
    before = torch.random.get_rng_state()
    list(Shuffled(split, 8, seed=0))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("chunk_size", [2, 3, 7, 100])
def test_chunks_hold_the_same_batches_and_end_with_the_epoch(split, chunk_size):
    plain, chunked = Shuffled(split, 8, seed=0), Shuffled(split, 8, seed=0, chunk_size=chunk_size)
    for _ in range(2):
        chunks = list(chunked)
        assert len(chunks) == len(chunked)
        assert sum(len(chunk) for chunk in chunks) == 7
        assert _targets(batch for chunk in chunks for batch in chunk) == _targets(plain)


def test_lightning_hands_a_chunk_on_untouched(split):
    chunk = next(iter(Shuffled(split, 8, seed=0, chunk_size=3)))
    assert isinstance(chunk, Chunk)
    assert move_data_to_device(chunk, torch.device("cpu")) is chunk


def test_evaluation_goes_in_order_up_to_its_limit(split):
    loader = InOrder(split, 8, limit=20)
    assert len(loader) == 3
    assert list(chain(*_targets(loader))) == list(range(20))
    assert list(chain(*_targets(InOrder(split, 8, limit=1000)))) == list(range(50))


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
@pytest.mark.parametrize("ends", [(1, 2, 3), (5, 14, 21), (7, 21), (2, 3, 10, 20, 21), (21,)])
def test_stretches_hold_the_batches_of_all_epochs_and_stop_at_their_ends(split, chunk_size, ends):
    plain = Shuffled(split, 8, seed=0)
    expected = [batch for _ in range(3) for batch in _targets(plain)]
    stretches = Stretches(Shuffled(split, 8, seed=0, chunk_size=chunk_size), ends)
    found, step = [], 0
    for end in ends:
        for chunk in stretches:
            batches = [chunk] if chunk_size == 1 else list(chunk)
            begin = step % 7
            assert begin // chunk_size == (begin + len(batches) - 1) // chunk_size
            assert begin + len(batches) <= 7
            found += _targets(batches)
            step += len(batches)
        assert step == end
    assert found == expected[: ends[-1]]
    assert list(stretches) == []
