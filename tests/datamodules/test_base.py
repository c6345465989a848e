import copy
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn


def test_splits_have_their_sizes(mnist):
    data = mnist()
    assert [len(data._splits[split]) for split in ("train", "val", "test")] == [20, 10, 10]


def test_inputs_are_float32_images_and_targets_int64(mnist):
    inputs, targets = next(iter(mnist(batch_size=4).train_dataloader()))
    assert inputs.shape == (4, 1, 28, 28)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)


def test_prepared_tensors_are_mapped_from_the_file(mnist, tmp_path):
    data = mnist()
    file = next((tmp_path / "cache").glob("*/tensors.pt"))
    address = data._splits["train"].examples.inputs.values.data_ptr()
    ranges = [
        [int(end, 16) for end in line.split()[0].split("-")]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(file) in line
    ]
    assert any(begin <= address < end for begin, end in ranges)


def test_the_data_folder_is_never_written_to(mnist, mnist_dir):
    before = {path: path.stat().st_mtime_ns for path in mnist_dir.rglob("*")}
    mnist()
    assert {path: path.stat().st_mtime_ns for path in mnist_dir.rglob("*")} == before


class _Plain(LightningModule):
    def __init__(self, device_seen):
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        self.seen = device_seen

    def training_step(self, batch, batch_idx):
        inputs, targets = batch
        self.seen.append(inputs.clone())
        return nn.functional.cross_entropy(self.network(inputs), targets)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_a_plain_trainer_sees_the_batches_of_a_plain_loop(mnist, tmp_path):
    data, seen = mnist(batch_size=8), []
    loader = copy.copy(data).train_dataloader()
    expected = [inputs for _ in range(2) for inputs, _ in loader]
    trainer = Trainer(
        default_root_dir=tmp_path,
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(_Plain(seen), train_dataloaders=data.train_dataloader())
    assert len(seen) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(seen, expected, strict=True))
