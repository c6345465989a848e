"""Unless it is asked to pack, an optimizer leaves all memory as it was."""

import io

import pytest
import torch
from torch import nn

from optimizers.registry import OPTIMIZERS
from tests.conformance.cases import class_of, every_row_by_kind, needs_compiler
from tests.grids import taking_turns

STEPS = 10


def network():
    """Layers of many kinds: channels last, 1×1 convolutions, transposed and tied weights."""
    torch.manual_seed(0)  # noqa: TID251
    images = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 4, 1))
    images.to(memory_format=torch.channels_last)
    tied = nn.Linear(5, 5, bias=False)
    model = nn.ModuleDict(
        {
            "images": images,
            "tied": tied,
            "again": tied,
            "norm": nn.LayerNorm(7),
            "large": nn.Linear(300, 500),
            "small": nn.Sequential(*(nn.Linear(4, 3) for _ in range(4))),
        }
    )
    model["turned"] = nn.Linear(6, 9)
    model["turned"].weight.data = torch.randn(6, 9).t()
    model["number"] = nn.ParameterList([nn.Parameter(torch.tensor(1.0))])
    return model


def train(model, row, execution="auto", steps=STEPS):
    optimizer = class_of(row)(model.parameters(), lr=1e-3, execution=execution)
    for step in range(steps):
        draw = torch.Generator().manual_seed(step)
        for param in model.parameters():
            param.grad = torch.randn(param.shape, generator=draw)
        optimizer.step()
    return optimizer


def look(model):
    """Return all that others may hold on to."""
    return [
        (
            param.data_ptr(),
            param.stride(),
            param.is_shared(),
            param.untyped_storage()._cdata,
            param.untyped_storage().nbytes(),
            param.storage_offset(),
        )
        for param in model.parameters()
    ]


def assert_untouched(row, execution):
    model = network()
    nn.Sequential(*list(model["small"])[:2]).share_memory()
    before = look(model)
    kept = [param.untyped_storage() for param in model.parameters()]
    views = [param.detach() for param in model.parameters()]
    train(model, row, execution)
    assert look(model) == before
    for param, storage, view in zip(model.parameters(), kept, views, strict=True):
        assert torch.equal(param, view)
        assert storage.data_ptr() == param.untyped_storage().data_ptr()


@every_row_by_kind
@pytest.mark.parametrize("execution", ["auto", "loop"])
def test_storage_strides_addresses_and_sharedness_stay(row, execution):
    assert_untouched(row, execution)


@needs_compiler
@pytest.mark.slow
def test_storage_strides_addresses_and_sharedness_stay_where_a_kernel_steps():
    assert_untouched("adam", "compiled")


@every_row_by_kind
def test_each_state_tensor_is_saved_by_itself(row):
    model = network()
    optimizer = train(model, row)
    storages = set()
    for param, entries in optimizer.state.items():
        for value in entries.values():
            storage = value.untyped_storage()
            assert storage.data_ptr() not in storages
            storages.add(storage.data_ptr())
            assert storage.nbytes() <= max(param.nbytes, 8)


@every_row_by_kind
def test_one_layer_is_saved_without_the_others(row):
    model = network()
    sizes = []
    for _ in range(2):
        file = io.BytesIO()
        torch.save(model["small"][0].state_dict(), file)
        sizes.append(file.tell())
        train(model, row)
    assert sizes[0] == sizes[1]


@every_row_by_kind
def test_other_processes_see_the_steps_of_shared_parameters(row):
    model = network().share_memory()
    watched = [param.detach() for param in model.parameters()]
    train(model, row)
    assert all(param.is_shared() for param in model.parameters())
    assert all(map(torch.equal, model.parameters(), watched))


def plain_network():
    """Nothing that the libraries refuse by themselves: no tied weights and no odd strides."""
    model = network()
    del model["again"]
    del model["turned"]
    return model.to(memory_format=torch.contiguous_format)


def through_safetensors(model, twin, folder):
    from safetensors.torch import load_model, save_file, save_model

    save_file(model.state_dict(), folder / "by_names.safetensors")  # refuses shared memory
    save_model(model, str(folder / "model.safetensors"))
    load_model(twin, folder / "model.safetensors", strict=True)


def through_accelerate(model, twin, folder):
    from accelerate import Accelerator, load_checkpoint_in_model

    Accelerator(cpu=True).save_model(model, folder)
    load_checkpoint_in_model(twin, folder, strict=True)


def through_hub(model, twin, folder):
    from huggingface_hub import load_torch_model, save_torch_model

    save_torch_model(model, folder, metadata={})
    load_torch_model(twin, folder, strict=True)


def through_hub_by_state(model, twin, folder):
    from huggingface_hub import load_torch_model, save_torch_state_dict

    save_torch_state_dict(model.state_dict(), folder)
    load_torch_model(twin, folder, strict=True)


WAYS = [through_safetensors, through_accelerate, through_hub, through_hub_by_state]


@pytest.mark.one_in(5)
@taking_turns(("row", "through"), list(OPTIMIZERS), WAYS)
def test_nothing_is_lost_on_the_way_through_a_file(row, through, tmp_path):
    model, twin = plain_network(), plain_network()
    train(model, row)
    through(model, twin, tmp_path)
    saved, loaded = model.state_dict(), twin.state_dict()
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


@every_row_by_kind
def test_state_goes_through_safetensors(row, tmp_path):
    from safetensors.torch import load_file, save_file

    state = train(plain_network(), row).state_dict()["state"]
    flat = {f"{key}.{name}": v for key, each in state.items() for name, v in each.items()}
    save_file(flat, tmp_path / "state.safetensors")
    loaded = load_file(tmp_path / "state.safetensors")
    assert flat.keys() == loaded.keys()
    assert all(torch.equal(flat[name], loaded[name]) for name in flat)
