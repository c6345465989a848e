"""The transformer: what it may look at, its size, and second derivatives."""

import pytest
import torch

from benchmark.models.charlm import Transformer


def network(length=16, characters=11, seed=0, **options):
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(seed)
        return Transformer((length,), characters, **options)


def texts(count=3, length=16, characters=11):
    return torch.randint(characters, (count, length), generator=torch.Generator().manual_seed(1))


def test_its_size():
    # Embeddings of characters and positions; two blocks; the last norm and the output.
    block = (64 * 192 + 192) + (64 * 64 + 64) + (64 * 256 + 256) + (256 * 64 + 64) + 2 * 128
    expected = 96 * 64 + 64 * 64 + 2 * block + 128 + 64 * 96 + 96
    assert sum(p.numel() for p in network(64, 96).parameters()) == expected == 116_576
    assert [name for name, _ in network().named_buffers() if "running" in name] == []


@pytest.mark.parametrize("place", range(16))
def test_a_character_changes_no_output_before_it_and_every_one_from_it_on(place):
    model, before = network(), texts()
    after = before.clone()
    after[:, place] = (after[:, place] + 1) % 11
    with torch.no_grad():
        first, second = model(before), model(after)
    assert torch.equal(first[:, :place], second[:, :place])
    assert (first[:, place:] != second[:, place:]).any(-1).all()


@pytest.mark.parametrize("place", [0, 7, 15])
def test_a_loss_has_no_gradient_from_later_characters(place):
    model = network()
    embedded = model.characters(texts()).detach().requires_grad_()
    hidden = model.blocks(embedded + model.positions)
    hidden[:, place].square().sum().backward()
    assert bool((embedded.grad[:, place + 1 :] == 0).all())
    assert bool((embedded.grad[:, : place + 1] != 0).any(-1).all())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_numbers_of_characters_may_be_of_any_type(dtype):
    model = network()
    assert torch.equal(model(texts().to(dtype)), model(texts()))
    assert model(texts()).shape == (3, 16, 11)


def test_initial_weights_are_those_of_gpt2_and_give_all_characters_about_equal_chances():
    model = network(64, 96)
    deviations = {n: float(p.detach().std()) for n, p in model.named_parameters() if p.ndim > 1}
    for name, deviation in deviations.items():
        expected = 0.01 if name.endswith("into_sum.weight") else 0.02
        assert deviation == pytest.approx(expected, rel=0.1), name
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            assert parameter.unique().tolist() == [0.0 if name.endswith("bias") else 1.0]
    chances = model(texts(8, 64, 96)).detach().softmax(-1)
    assert float(chances.max()) < 3 / 96


def test_dropout_is_on_while_training_only_if_asked_for_and_drawn_from_its_seed():
    for dropout in (False, True):
        model = network(dropout=dropout, dropout_seed=3).train()
        first, second = model(texts()), model(texts())
        assert torch.equal(first, second) is not dropout
        again = network(dropout=dropout, dropout_seed=3).train()
        assert torch.equal(again(texts()), first)
        assert torch.equal(model.eval()(texts()), network().eval()(texts()))


def test_gradients_can_be_differentiated():
    model = network()
    parameters = list(model.parameters())
    first = torch.autograd.grad(model(texts()).square().mean(), parameters, create_graph=True)
    second = torch.autograd.grad(sum(g.square().sum() for g in first), parameters)
    assert all(bool(gradient.isfinite().all()) for gradient in second)
    assert any(bool(gradient.any()) for gradient in second)
