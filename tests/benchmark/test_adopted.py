"""Users' data modules are read once and kept."""

import warnings

import pytest
import torch

from benchmark.context import Context
from benchmark.plugins import data_module_class, prepare_data
from benchmark.problems import problems_of
from benchmark.runner import run, set_up_data
from benchmark.spec import Trial
from datamodules.errors import DataWarning
from optimizers.grammar import parse
from tests.plugins.data import Squares

DATA = "tests.plugins.data"
KINDS = ["Squares", "InputsAs", "TargetsAs", "Unseeded", "Normalized"]


def trial_on(dataset, opts="sgd"):
    workload = problems_of("logreg", f"{DATA}.{dataset}").workload
    return Trial(
        problem=workload.problem,
        model=workload.model,
        dataset=workload.dataset,
        optimizer=parse(opts)[0],
        seed=0,
        epochs=1,
        batch_size=8,
    )


def launched(data, tmp_path):
    """Return the context that a command gives its trials after it has prepared `data`."""
    return Context(
        cache_dir=tmp_path,
        prepared={data.dataset: data.prepared_folder},
        checksums={data.dataset: data.checksum},
    )


def tensors_of(data):
    loaders = (data.train_eval_dataloader(), data.val_dataloader(), data.test_dataloader())
    return [tensor for loader in loaders for batch in loader for tensor in batch]


def refuse(self, *args):
    raise AssertionError("the loaders are read again")


@pytest.mark.parametrize("kind", KINDS)
def test_trials_take_what_the_command_has_read_and_read_no_loader(kind, tmp_path, monkeypatch):
    data = prepare_data(f"{DATA}.{kind}", None, tmp_path)
    seen = tensors_of(data)
    monkeypatch.setattr(Squares, "train_dataloader", refuse)
    again = set_up_data(trial_on(kind), launched(data, tmp_path))
    assert again.checksum == data.checksum
    assert [each.dtype for each in tensors_of(again)] == [each.dtype for each in seen]
    assert all(torch.equal(a, b) for a, b in zip(tensors_of(again), seen, strict=True))


@pytest.mark.parametrize("kind", ["Squares", "Normalized"])
def test_a_trial_on_the_copy_has_the_bits_of_one_that_reads_the_loaders(kind, tmp_path):
    data = prepare_data(f"{DATA}.{kind}", None, tmp_path)
    records = [run(trial_on(kind), context) for context in (launched(data, tmp_path), Context())]
    assert records[0].weights_sha256 == records[1].weights_sha256
    assert records[0].environment.data == records[1].environment.data


def test_without_the_copy_the_loaders_are_read(tmp_path):
    data = prepare_data(f"{DATA}.Squares", None, tmp_path)
    context = launched(data, tmp_path)
    for file in data.prepared_folder.iterdir():
        file.unlink()
    assert set_up_data(trial_on("Squares"), context).checksum == data.checksum


def test_what_cannot_be_kept_is_said_and_read_again(tmp_path):
    (tmp_path / "own").write_text("a file in the place of the folder")
    with pytest.warns(DataWarning, match=r"every trial reads .* anew: they cannot be kept \(\w+"):
        data = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert data.prepared_folder is None
    assert len(tensors_of(data)) > 0


def test_the_last_three_copies_of_a_data_set_are_kept(tmp_path):
    for _ in range(5):
        data = prepare_data(f"{DATA}.Unseeded", None, tmp_path)
    one = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert len(list(data.prepared_folder.parent.iterdir())) == 3
    assert data.prepared_folder.is_dir()
    assert [each.name for each in one.prepared_folder.parent.iterdir()] == [one.checksum[:16]]


def test_an_equal_copy_is_kept_as_it_is(tmp_path):
    files = []
    for _ in range(2):
        data = prepare_data(f"{DATA}.Squares", None, tmp_path)
        files.append((data.prepared_folder / "tensors.pt").stat().st_ino)
    assert files[0] == files[1]


def test_data_that_are_not_prepared_are_read(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = data_module_class(f"{DATA}.Squares")(cache_dir=tmp_path)
        data.setup("fit")
    assert data.prepared_folder is None
    assert not list(tmp_path.iterdir())
