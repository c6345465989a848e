import subprocess
import sys
from importlib import import_module

import pytest
import torch

from datamodules.folders import default_data_dir
from datamodules.registry import DATASETS

EMBEDDED = [name for name, row in DATASETS.items() if row.embedded]
REAL_DATA = default_data_dir()  # read before a fixture hides it from the other tests
REAL = [name for name, row in DATASETS.items() if not row.embedded]


def _prepared(name, tmp_path, **arguments):
    module, _, attribute = DATASETS[name].target.partition(":")
    data = getattr(import_module(module), attribute)(cache_dir=tmp_path, **arguments)
    data.prepare_data()
    data.setup("fit")
    return data


def _keeps_what_its_row_promises(name, data):
    row = DATASETS[name]
    for split, size in zip(("train", "val", "test"), row.sizes, strict=True):
        rows = data._splits[split]
        assert len(rows) == size
        _, targets = rows.slice(0, size)
        if row.targets.name == "num_classes":
            assert targets.unique().tolist() == list(range(row.targets.size))
    inputs, _ = next(iter(data.train_dataloader()))
    if isinstance(inputs, torch.Tensor):
        assert inputs.shape[1:] == row.input_shape
    else:
        assert int(inputs.indices.max()) < row.input_shape[0]


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_set_keeps_what_its_row_promises(name, tmp_path):
    _keeps_what_its_row_promises(name, _prepared(name, tmp_path))


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_set_is_the_same_wherever_it_is_made(name, tmp_path):
    first, second = (_prepared(name, tmp_path / place) for place in "ab")
    assert first.checksum == second.checksum


@pytest.mark.realdata
@pytest.mark.skipif(REAL_DATA is None, reason="BENCHMARK_DATA_DIR is not set")
@pytest.mark.parametrize("name", REAL)
def test_a_real_set_keeps_what_its_row_promises(name, tmp_path):
    _keeps_what_its_row_promises(name, _prepared(name, tmp_path, data_dir=REAL_DATA))


def test_synthetic_data_say_so_in_their_title():
    assert DATASETS["reviews"].synthetic
    assert "synthetic" in DATASETS["reviews"].title.lower()


def test_synthetic_reviews_are_learnable_but_not_separable(tmp_path):
    data = _prepared("reviews", tmp_path, batch_size=50)
    weight = torch.zeros(2000, 2, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=1e-2)
    for _ in range(5):
        for bag, targets in data.train_dataloader():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(_logits(bag, weight), targets).backward()
            optimizer.step()
    hits = [(_logits(bag, weight).argmax(1) == y).float() for bag, y in data.test_dataloader()]
    assert 0.7 < float(torch.cat(hits).mean()) < 0.99


def _logits(bag, weight):
    return torch.nn.functional.embedding_bag(
        bag.indices, weight, bag.offsets, mode="sum", per_sample_weights=bag.values
    )


@pytest.mark.parametrize("module", ["datamodules", "datamodules.registry", "datamodules.places"])
def test_planning_loads_neither_torch_nor_lightning(module):
    code = f"import sys, {module}; assert not {{'torch', 'lightning'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
