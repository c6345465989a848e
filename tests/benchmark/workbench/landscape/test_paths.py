import inspect

import pytest
import torch

from benchmark.errors import UsageError
from benchmark.workbench.landscape import paths
from benchmark.workbench.landscape.paths import Routes, walk
from benchmark.workbench.landscape.surfaces import SURFACES
from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS

STEPS = 25
PLUGINS = "tests.plugins.coupled"


def routes_of(names=("beale", "plateau", "rastrigin"), lrs=(0.003, 0.05, None), noise=0.3):
    """Return two routes per surface and learning rate: without noise from one start, with it."""
    surfaces = [SURFACES[name] for name in names]
    rows = [(place, lr, level) for place in range(len(names)) for lr in lrs for level in (0, 1)]
    draws = torch.randn(
        len(names), STEPS, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    starts = [surfaces[place].starts[level] for place, _, level in rows]
    return Routes(
        surfaces=surfaces,
        surface=torch.tensor([place for place, *_ in rows]),
        start=torch.tensor(starts, dtype=torch.float64),
        lr=[lr for _, lr, _ in rows],
        tilt=torch.stack([draws[place] * noise * level for place, _, level in rows]),
    )


def plain_loop(spec, routes, row):
    """Return the path of one route, as a loop without any of our machinery takes it."""
    function = routes.surfaces[int(routes.surface[row])].function
    param = torch.nn.Parameter(routes.start[row : row + 1].clone())
    lr = routes.lr[row]
    takes_lr = lr is not None and "lr" in spec.hyperparameters
    optimizer = spec.build([{"params": [param]} | ({"lr": lr} if takes_lr else {})])
    base = optimizer.param_groups[0].get("lr")
    path = [param.detach().clone()]
    for step in range(STEPS):
        if not spec.schedule.constant:
            factor = spec.schedule.factor(step + 1, STEPS, epoch_steps=1)
            optimizer.param_groups[0]["lr"] = base * factor
        tilt = routes.tilt[row, step]

        def closure(tilt=tilt):
            optimizer.zero_grad()
            loss = function(param[:, 0], param[:, 1]).sum() + (tilt * param).sum()
            loss.backward()
            return loss

        closure()
        if "closure" in inspect.signature(optimizer.step).parameters:
            optimizer.step(closure)
        else:
            optimizer.step()
        path.append(param.detach().clone())
    return torch.cat(path)


def assert_equals_plain_loops(spec, routes):
    found = walk(spec, routes)
    for row in range(len(routes)):
        expected = plain_loop(spec, routes, row)
        finite = expected.isfinite().all(dim=1)
        assert torch.equal(found[row][finite], expected[finite])
        assert found[row][~finite].isnan().all()


@pytest.mark.one_in(7)
@pytest.mark.parametrize(
    "text",
    [
        *OPTIMIZERS,
        "adam:schedule=cosine:warmup=5",
        "torch.optim.AdamW:weight_decay=0.1",
        "torch.optim.NAdam",
        "torch.optim.Rprop",
        "torch.optim.Muon",
        f"{PLUGINS}.PerTensor:lr=0.1",
        f"{PLUGINS}.AllTensors:lr=0.1",
        f"{PLUGINS}.NoRate",
    ],
)
@pytest.mark.parametrize(
    "where",
    [
        pytest.param({"names": ("beale", "rastrigin"), "lrs": (0.05,)}, id="few"),
        pytest.param({}, id="all", marks=pytest.mark.slow),
    ],
)
def test_paths_are_bit_for_bit_those_of_a_plain_loop(text, where):
    assert_equals_plain_loops(parse(text)[0], routes_of(**where))


@pytest.mark.slow
def test_optimizers_that_call_the_closure_again_get_the_loss_and_gradient_of_where_they_are():
    spec = parse("torch.optim.LBFGS:max_iter=3:line_search_fn=strong_wolfe")[0]
    assert_equals_plain_loops(spec, routes_of(("beale", "saddle"), (0.1, None)))


@pytest.fixture
def tried(monkeypatch):
    """Return a list that fills with how many optimizers and parameters each attempt has."""
    attempts = []
    original = paths._walk

    def spy(spec, routes, optimizers, *rest):
        attempts.append((len(optimizers), len(optimizers[0])))
        return original(spec, routes, optimizers, *rest)

    monkeypatch.setattr(paths, "_walk", spy)
    return attempts


@pytest.mark.parametrize(
    ("text", "attempts"),
    [
        ("adam", [(1, 3)]),
        (f"{PLUGINS}.PerTensor:lr=0.1", [(1, 3), (1, 18)]),
        (f"{PLUGINS}.AllTensors:lr=0.1", [(1, 3), (1, 18), (18, 1)]),
    ],
)
def test_only_what_gives_the_same_bits_is_stepped_together(tried, text, attempts):
    walk(parse(text)[0], routes_of())
    assert tried == attempts


def test_a_path_that_leaves_the_numbers_stays_lost_and_touches_no_other():
    routes = routes_of(("rosenbrock",), (1e-3, 10.0))
    found = walk(parse("sgd")[0], routes)
    is_high = torch.tensor([lr == 10.0 for lr in routes.lr])
    assert found[~is_high].isfinite().all()
    assert found[is_high, -1].isnan().all()
    lost = found.isnan().any(dim=-1)
    assert (lost[:, 1:] >= lost[:, :-1]).all()


def test_an_optimizer_that_cannot_walk_is_refused_in_one_line():
    with pytest.raises(UsageError) as caught:
        walk(parse(f"{PLUGINS}.Flat:lr=0.1")[0], routes_of())
    assert str(caught.value) == (
        f"{PLUGINS}.Flat lr=0.1 cannot run on surfaces: expected a flat parameter not a matrix"
    )


def test_an_averaging_optimizer_is_shown_at_its_answers():
    one = routes_of(lrs=(0.003,))
    (averaged, plain) = parse("tests.plugins.contracts.Averaging,torch.optim.SGD")
    shown, trained = walk(averaged, one), walk(plain, one)
    steps = torch.arange(1, one.steps + 1)[:, None]
    means = trained[:, 1:].cumsum(dim=1) / steps
    torch.testing.assert_close(shown[:, 1:], means, equal_nan=True)
    assert torch.equal(shown[:, 0], trained[:, 0])
