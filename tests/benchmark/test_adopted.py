"""Users' data modules are read once and kept."""

import os
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


@pytest.mark.parametrize("gone", ["*", "tensors.pt", "manifest.json"])
def test_without_the_copy_or_with_half_of_it_the_loaders_are_read(tmp_path, gone):
    data = prepare_data(f"{DATA}.Squares", None, tmp_path)
    context = launched(data, tmp_path)
    for file in data.prepared_folder.glob(gone):
        file.unlink()
    assert set_up_data(trial_on("Squares"), context).checksum == data.checksum


def test_what_cannot_be_kept_is_said_and_read_again(tmp_path):
    (tmp_path / "own").write_text("a file in the place of the folder")
    with pytest.warns(DataWarning, match=r"every trial reads .* anew: they cannot be kept \(\w+"):
        data = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert data.prepared_folder is None
    assert len(tensors_of(data)) > 0


def test_old_copies_of_a_data_set_go_but_for_the_last_three(tmp_path):
    for _ in range(5):
        data = prepare_data(f"{DATA}.Unseeded", None, tmp_path)
    copies = data.prepared_folder.parent
    assert len(list(copies.iterdir())) == 5  # a study that runs may need any of them
    for each in copies.iterdir():
        os.utime(each, (0, 0))
    data = prepare_data(f"{DATA}.Unseeded", None, tmp_path)
    one = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert len(list(data.prepared_folder.parent.iterdir())) == 3
    assert data.prepared_folder.is_dir()
    assert list(one.prepared_folder.parent.iterdir()) == [one.prepared_folder]


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


def test_data_of_the_same_bytes_in_another_shape_are_other_data(tmp_path, monkeypatch):
    flat = prepare_data(f"{DATA}.Squares", None, tmp_path)
    loader = Squares._loader

    def folded(self, *args, **options):
        inputs = self.inputs
        self.inputs = inputs[:, :, None]
        found = loader(self, *args, **options)
        self.inputs = inputs
        return found

    monkeypatch.setattr(Squares, "_loader", folded)
    monkeypatch.setattr(Squares, "input_shape", (2, 1))
    again = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert again.prepared_folder != flat.prepared_folder
    assert next(iter(again.val_dataloader()))[0].shape[1:] == (2, 1)


class Labelled(torch.Tensor):
    """A subclass of tensors, as some libraries of data have."""


def test_a_subclass_of_tensors_is_kept_as_a_plain_tensor(tmp_path, monkeypatch):
    set_up = Squares.setup

    def labelled(self, stage=None):
        set_up(self, stage)
        self.inputs = self.inputs.as_subclass(Labelled)

    monkeypatch.setattr(Squares, "setup", labelled)
    monkeypatch.setattr(
        Squares,
        "_loader",
        lambda self, begin, end, **_: [(self.inputs[begin:end], self.targets[begin:end])],
    )
    data = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert data.prepared_folder is not None
    assert {type(each) for each in tensors_of(data)} == {torch.Tensor}


def test_a_copy_in_a_folder_that_cannot_be_written_is_used(tmp_path, monkeypatch):
    first = prepare_data(f"{DATA}.Squares", None, tmp_path)

    def refuse(path, *args):
        raise PermissionError("read-only")

    monkeypatch.setattr(os, "utime", refuse)
    again = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert again.prepared_folder == first.prepared_folder


def test_a_full_disk_is_said_and_the_loaders_are_read_again(tmp_path, monkeypatch):
    def full(*args, **options):
        raise RuntimeError("inline_container.cc: unexpected pos")

    monkeypatch.setattr(torch, "save", full)
    reads, set_up = [], Squares.setup
    monkeypatch.setattr(Squares, "setup", lambda self, stage: reads.append(stage) or set_up(self))
    with pytest.warns(DataWarning, match="cannot be kept"):
        data = prepare_data(f"{DATA}.Squares", None, tmp_path)
    assert data.prepared_folder is None
    assert len(tensors_of(data)) > 0
    assert reads == ["fit", "test"]  # once, though nothing could be kept


def test_a_second_problem_of_a_command_takes_the_copy_of_the_first(tmp_path):
    first = prepare_data(f"{DATA}.Unseeded", None, tmp_path)
    second = prepare_data(f"{DATA}.Unseeded", None, tmp_path, first.prepared_folder)
    assert second.checksum == first.checksum
