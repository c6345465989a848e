"""Under DistributedDataParallel on CPU (gloo, 2 processes) every optimizer goes as alone."""

import os

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance.cases import class_of

PROCESSES, STEPS, BATCH = 2, 4, 6


def network():
    model = torch.nn.Sequential(
        torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3)
    ).double()
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for param in model.parameters():
            param.copy_(torch.randn(param.shape, generator=draw, dtype=torch.float64))
    return model


def batch(step):
    draw = torch.Generator().manual_seed(step)
    inputs = torch.randn(BATCH, 5, generator=draw, dtype=torch.float64)
    return inputs, torch.randint(3, (BATCH,), generator=draw)


def train(model, row, rows=slice(None)):
    optimizer = class_of(row)(model.parameters())
    for step in range(STEPS):
        inputs, classes = batch(step)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs[rows]), classes[rows]).backward()
        optimizer.step()
    return [param.detach().clone() for param in model.parameters()]


def train_together(rank, folder):
    """Train every optimizer on this process's half of each batch, and leave the results."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=PROCESSES
    )
    try:
        ends = {}
        for row in OPTIMIZERS:
            model = torch.nn.parallel.DistributedDataParallel(network())
            ends[row] = train(model, row, slice(rank, None, PROCESSES))
        torch.save(ends, f"{folder}/{rank}.pt")
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch has no distributed here")
def test_two_processes_go_as_one_on_the_whole_batch(tmp_path):
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.multiprocessing.spawn(train_together, args=(str(tmp_path),), nprocs=PROCESSES)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(PROCESSES))
    for row in OPTIMIZERS:
        alone = train(network(), row)
        for one, other, expected in zip(first[row], second[row], alone, strict=True):
            assert torch.equal(one, other), row
            torch.testing.assert_close(one, expected, rtol=1e-8, atol=1e-10, msg=row)


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["packed", "compiled"])
def test_sharded_parameters_go_as_plain_ones(execution, tmp_path):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    place = f"file://{tmp_path / 'rendezvous'}"
    torch.distributed.init_process_group("gloo", init_method=place, rank=0, world_size=1)
    try:
        plain, sharded = network(), network()
        fully_shard(sharded, mesh=init_device_mesh("cpu", (1,)))
        pair = [
            class_of("adam")(model.parameters(), lr=0.1, execution=execution)
            for model in (plain, sharded)
        ]
        for step in range(STEPS):
            inputs, classes = batch(step)
            for model, optimizer in zip((plain, sharded), pair, strict=True):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(inputs), classes).backward()
                optimizer.step()
        for param, other in zip(plain.parameters(), sharded.parameters(), strict=True):
            torch.testing.assert_close(other.full_tensor(), param.detach(), rtol=1e-12, atol=1e-12)
    finally:
        torch.distributed.destroy_process_group()
