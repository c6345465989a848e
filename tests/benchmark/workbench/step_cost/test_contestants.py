from pkgutil import resolve_name

import pytest
import torch

from benchmark.errors import UsageError
from benchmark.workbench.step_cost.contestants import check_modes, contestants, twin_of
from benchmark.workbench.step_cost.modes import OWN_MODES
from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS


def field_of(text, **options):
    [spec] = parse(text)
    return contestants(spec, **options)


def modes(field):
    return [(each.optimizer, each.mode) for each in field]


def trained(contestant):
    generator = torch.Generator().manual_seed(0)
    param = torch.nn.Parameter(torch.randn(7, dtype=torch.float64, generator=generator))
    optimizer = contestant.build([param])
    for _ in range(8):
        param.grad = torch.randn(7, dtype=torch.float64, generator=generator)
        optimizer.step()
    return param.detach()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_the_rival_that_takes_the_same_steps(name):
    field = field_of(name)
    rivals = [each for each in field if each.is_rival]
    assert bool(rivals) == (OPTIMIZERS[name].torch is not None)
    own = next(each for each in field if not each.is_rival and each.mode in ("loop", "default"))
    for rival in rivals:
        torch.testing.assert_close(trained(rival), trained(own), rtol=1e-10, atol=1e-12)


def test_hyperparameters_go_to_the_rival_too():
    field = field_of("adam:betas=(0.5,0.6):weight_decay=0.1")
    rival = next(each for each in field if each.is_rival)
    assert rival.arguments["betas"] == (0.5, 0.6)
    assert rival.arguments["weight_decay"] == 0.1


def test_torch_has_foreach_everywhere_and_fused_where_its_class_has_it():
    found = {each.mode for each in field_of("adam") if each.is_rival}
    assert found == {"default", "foreach", "fused"}
    found = {each.mode for each in field_of("rmsprop") if each.is_rival}
    assert found == {"default", "foreach"}
    fused = next(each for each in field_of("adam") if each.is_rival and each.mode == "fused")
    assert fused.arguments["fused"] is True


def test_modes_are_found_in_the_signature_of_anyones_class():
    path = "tests.plugins.steps.Executed"
    assert modes(field_of(path)) == [(path, mode) for mode in OWN_MODES]
    [packed] = field_of(path, modes=["packed"])
    assert packed.arguments["execution"] == "packed"
    path = "tests.plugins.steps.Nested"
    assert modes(field_of(path)) == [(path, "default")]


def test_a_mode_that_an_optimizer_is_given_is_its_only_one():
    path = "tests.plugins.steps.Executed:execution=loop"
    [loop] = field_of(path)
    assert loop.mode == "as given"
    assert loop.arguments["execution"] == "loop"
    [fused] = field_of("torch.optim.Adam:fused=true")
    assert fused.arguments["fused"] is True


def test_a_class_of_torch_is_its_own_rival():
    field = field_of("torch.optim.RMSprop")
    assert modes(field) == [("torch.optim.RMSprop", "default"), ("torch.optim.RMSprop", "foreach")]
    assert all(each.is_rival for each in field)


def test_a_subclass_of_a_class_of_ours_has_no_rival():
    adam = resolve_name(OPTIMIZERS["adam"].target)
    assert twin_of(adam) is OPTIMIZERS["adam"].torch
    assert twin_of(type("Mine", (adam,), {})) is None


def test_a_form_that_torch_lacks_has_no_rival():
    assert any(each.is_rival for each in field_of("adam:bias_correction=true"))
    assert not any(each.is_rival for each in field_of("adam:bias_correction=false"))


def test_modes_that_no_optimizer_has_are_refused():
    with pytest.raises(UsageError, match="none of torch.optim.Adam takes 'execution'"):
        check_modes(parse("torch.optim.Adam"))
    check_modes(parse("torch.optim.Adam,tests.plugins.steps.Executed"))


def test_an_optimizer_that_is_to_be_told_to_train_is_told():
    (spec,) = parse("tests.plugins.contracts.Averaging")
    param = torch.nn.Parameter(torch.ones(2, 2))
    param.grad = torch.ones(2, 2)
    optimizer = contestants(spec)[0].build([param])
    optimizer.step()
    assert optimizer.switches == ["train"]


def test_what_takes_matrices_alone_has_its_rest():
    (spec,) = parse("tests.plugins.contracts.MatrixAveraging")
    params = [torch.nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,))]
    assert len(contestants(spec)[0].build(params).param_groups) == 2
