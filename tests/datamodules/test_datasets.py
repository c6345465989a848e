import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_diabetes, load_sample_image

from datamodules.folders import default_data_dir
from datamodules.registry import DATASETS
from datamodules.sources import find_place

EMBEDDED = [name for name, row in DATASETS.items() if row.embedded]
REAL_DATA = default_data_dir()  # read before a fixture hides it from the other tests
DEBIAN = Path("/usr/share/datasets")  # of its package dataset-fashion-mnist
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


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_set_is_the_same_wherever_it_is_made(name, tmp_path):
    first, second = (_prepared(name, tmp_path / place) for place in "ab")
    assert first.checksum == second.checksum


DIGESTS = {
    "china": "246c6e2232f11c22068c52d7489feac8cb86346904cd63cfde84d61fbd8352e1",
    "manual": "350208adc7548f8add370f4fa41615f74cd8b8441b27e7150fd0e81b20c29e98",
    "diabetes": "6d6f59263aabdff543a1e4d4ed836f74509a535623004c27e837f391d2994576",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_numbers_and_characters_to_predict_are_the_same_on_every_machine(name, tmp_path):
    assert _prepared(name, tmp_path).checksum == DIGESTS[name]


def test_the_photograph_is_its_blocks_of_four_pixels_each_in_one_part(tmp_path):
    data = _prepared("china", tmp_path)
    parts = [data._splits[split].slice(0, 60_000) for split in ("train", "val", "test")]
    places, colours = (torch.cat(values) for values in zip(*parts, strict=True))
    columns, rows = (places * 320 - 0.5).round().long().unbind(1)
    photograph = torch.from_numpy(load_sample_image("china.jpg").copy()).double() / 255
    halved = torch.nn.functional.avg_pool2d(photograph.permute(2, 0, 1), 2)
    assert len({*zip(rows.tolist(), columns.tolist(), strict=True)}) == 213 * 320 == len(places)
    assert torch.allclose(colours.double(), halved[:, rows, columns].t(), atol=1e-6)
    assert float(places.min()) > 0
    assert float(places[:, 0].max()) < 1


def test_measurements_of_patients_are_standardised_by_training_and_validation_rows(tmp_path):
    data = _prepared("diabetes", tmp_path)
    rows = [data._splits[split].slice(0, 400) for split in ("train", "val")]
    pool = torch.cat([torch.cat(pair, dim=1) for pair in rows]).double()
    test = torch.cat(data._splits["test"].slice(0, 400), dim=1).double()
    assert torch.allclose(pool.mean(0), torch.zeros(11).double(), atol=1e-6)
    assert torch.allclose(pool.std(0, correction=0), torch.ones(11).double(), atol=1e-6)
    train = rows[0][1].double()  # so the mean of one split's targets has no error of exactly 1
    assert float((train - train.mean()).square().mean()) != pytest.approx(1.0, abs=1e-4)
    # One scale for both parts gives the original table back, up to the order of its rows.
    found = load_diabetes(scaled=False)
    table = torch.cat([torch.from_numpy(found.data), torch.from_numpy(found.target)[:, None]], 1)
    everyone = torch.cat([pool, test])
    for mine, original in zip(everyone.t(), table.t(), strict=True):
        ranked, known = mine.sort().values, original.sort().values
        scale = (known[-1] - known[0]) / (ranked[-1] - ranked[0])
        assert torch.allclose((ranked - ranked[0]) * scale, known - known[0], atol=1e-3)


@pytest.mark.realdata
@pytest.mark.skipif(REAL_DATA is None, reason="BENCHMARK_DATA_DIR is not set")
@pytest.mark.parametrize("name", REAL)
def test_a_real_set_keeps_what_its_row_promises(name, tmp_path):
    folders = [each for each in (REAL_DATA, DEBIAN) if find_place(name, each, tmp_path)]
    if not folders:
        pytest.skip(f"{name} is neither in BENCHMARK_DATA_DIR nor in {DEBIAN}")
    _keeps_what_its_row_promises(name, _prepared(name, tmp_path, data_dir=folders[0]))


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


def test_planning_loads_neither_torch_nor_lightning():
    code = "import sys, datamodules, datamodules.registry, datamodules.places; "
    code += "assert not {'torch', 'lightning'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
