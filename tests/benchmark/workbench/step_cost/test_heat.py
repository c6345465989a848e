import pytest
import torch

from benchmark.errors import UsageError
from benchmark.workbench.step_cost import heat as heat_module
from benchmark.workbench.step_cost.heat import run_heat
from benchmark.workbench.step_cost.shapes import Shape
from optimizers.grammar import parse
from tests.plugins.steps import Witness

TINY = Shape(
    name="tiny",
    summary="",
    make=lambda: [torch.empty(size, device="meta") for size in [(8, 4), (4,), ()]],
)


def heat_of(text, **options):
    [spec] = parse(text)
    return run_heat(spec, TINY, seconds=0.01, **options)


def test_ours_and_torchs_run_in_the_same_rounds():
    heat = heat_of("adam", modes=["loop"])
    assert {cost.mode for cost in heat.rivals} == {"default", "foreach", "fused"}
    assert len({len(cost.seconds) for cost in heat.costs}) == 1
    assert len(heat.copy_seconds) == len(heat.costs[0].seconds) >= 7
    assert heat.num_params == 37
    assert heat.rule_bytes == 12 * 37 + 16 * 36  # a 0-d moment cannot be told from a counter
    assert not any(cost.failure for cost in heat.costs)
    for cost in heat.costs:
        assert cost.memory.state == 8 * 37 + 4 * 3
        assert cost.median > 0
        assert heat.over_default(cost) > 0


def test_every_contestant_moves_equal_parameters_along_the_same_gradients():
    Witness.seen.clear()
    heat_of("tests.plugins.steps.Witness")
    default, foreach = [each for each in Witness.seen if each.num_steps][:2]
    assert default.defaults["foreach"] is None
    assert foreach.defaults["foreach"] is True
    for one, other in zip(default.before, foreach.before, strict=True):
        assert torch.equal(one, other)
    for optimizer in (default, foreach):
        assert optimizer.num_steps >= 7 * 2
        for param, before in zip(
            optimizer.param_groups[0]["params"], optimizer.before, strict=True
        ):
            moved = before - 0.1 * optimizer.num_steps * param.grad
            torch.testing.assert_close(param.detach(), moved, rtol=1e-3, atol=1e-3)
    ours, theirs = (each.param_groups[0]["params"] for each in (default, foreach))
    for one, other in zip(ours, theirs, strict=True):
        assert one.grad is other.grad
        assert one.data_ptr() != other.data_ptr()
    pointers = {param.grad.data_ptr() for param in ours}
    assert len(pointers) == 3


def test_a_mode_that_fails_says_why_and_the_others_run():
    heat = heat_of("tests.plugins.steps.Executed")
    found = {cost.mode: cost for cost in heat.costs}
    assert found["compiled"].failure == "no compiler is here"
    assert found["packed"].notes == ("packs nothing",)
    assert found["loop"].notes == ()
    assert [cost.mode for cost in heat.own] == ["auto", "loop", "packed"]
    assert found["packed"].memory.kept > found["loop"].memory.kept


def test_only_the_modes_that_were_asked_for_run():
    heat = heat_of("tests.plugins.steps.Executed", modes=["loop"])
    assert [cost.mode for cost in heat.costs] == ["loop"]


def test_an_optimizer_that_cannot_step_ends_in_a_heat_without_times():
    heat = heat_of("torch.optim.LBFGS")
    assert heat.own == heat.rivals == []
    assert "closure" in heat.costs[0].failure


def test_a_heat_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(heat_module, "free_bytes", lambda device: 1000)
    with pytest.raises(UsageError, match=r"on tiny: its 5 contestants may need .* fewer --modes"):
        heat_of("tests.plugins.steps.Executed")
