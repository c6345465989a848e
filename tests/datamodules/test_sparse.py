import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch.nn import functional

from datamodules.bag_of_words import bag_tensors
from datamodules.loaders import Examples, Shuffled, Split
from datamodules.sparse import SparseRows


@pytest.fixture
def dense():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(40, 12, generator=generator)
    values[values < 0.7] = 0
    values[5] = values[39] = 0  # texts of unknown words only
    return values


@pytest.fixture
def rows(dense):
    tensors = bag_tensors("train", csr_matrix(np.asarray(dense)), torch.zeros(40))
    return SparseRows(*(tensors[f"train.{part}"] for part in ("starts", "indices", "values")))


@pytest.mark.parametrize("chosen", [[3, 5, 39, 0], [5], [5, 39], list(range(40))])
def test_selected_rows_are_those_of_the_dense_matrix(rows, dense, chosen):
    bag = rows.select(torch.tensor(chosen))
    assert torch.equal(bag.to_dense(12), dense[chosen])
    assert (bag.indices.dtype, bag.offsets.dtype) == (torch.int64, torch.int64)


@pytest.mark.parametrize(("begin", "end"), [(0, 40), (5, 6), (30, 40)])
def test_slices_are_those_of_the_dense_matrix(rows, dense, begin, end):
    assert torch.equal(rows.slice(begin, end).to_dense(12), dense[begin:end])


def test_embedding_bag_of_a_bag_is_the_matrix_product(rows, dense):
    weight = torch.rand(12, 3, generator=torch.Generator().manual_seed(1))
    for bag, targets in Shuffled(Split(Examples(rows, torch.arange(40))), 7, seed=0):
        product = functional.embedding_bag(
            bag.indices, weight, bag.offsets, mode="sum", per_sample_weights=bag.values
        )
        torch.testing.assert_close(product, dense[targets] @ weight)
