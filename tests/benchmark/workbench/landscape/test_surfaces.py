import pytest
import torch

from benchmark.workbench.landscape.surfaces import SURFACES

each = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)


def value_and_gradient(surface, point):
    x, y = (torch.tensor([c], dtype=torch.float64, requires_grad=True) for c in point)
    loss = surface.function(x, y)
    return float(loss.detach()), torch.cat(torch.autograd.grad(loss.sum(), (x, y)))


@each
def test_at_every_stated_minimum_the_loss_is_the_lowest_and_the_gradient_vanishes(surface):
    for point in surface.minima:
        loss, gradient = value_and_gradient(surface, point)
        assert loss == pytest.approx(surface.lowest, abs=1e-12)
        assert gradient.abs().max() < 1e-10


@each
def test_nothing_in_the_window_is_lower_than_the_lowest(surface):
    left, right, bottom, top = surface.window
    x, y = torch.meshgrid(
        torch.linspace(left, right, 801, dtype=torch.float64),
        torch.linspace(bottom, top, 801, dtype=torch.float64),
        indexing="ij",
    )
    assert float(surface.function(x, y).min()) >= surface.lowest - 1e-12


@each
def test_starts_and_minima_lie_in_the_window_and_starts_have_a_way_to_go(surface):
    left, right, bottom, top = surface.window
    for x, y in (*surface.starts, *surface.minima):
        assert left < x < right
        assert bottom < y < top
    for start in surface.starts:
        loss, gradient = value_and_gradient(surface, start)
        assert loss > surface.lowest + 0.1
        assert gradient.norm() > 0


@pytest.mark.parametrize(
    ("name", "point", "loss"),
    [
        ("rosenbrock", (-1.2, 1.0), 24.2),
        ("beale", (1.0, 1.0), 14.203125),
        ("himmelblau", (0.0, 0.0), 170.0),
        ("saddle", (1.0, 2.0), 5.0),
        ("monkey_saddle", (1.0, 1.0), 1.0),
        ("ravine", (3**0.5, 1.0), 2.0),
        ("rastrigin", (1.0, -2.0), 5.0),
        ("plateau", (2**0.5, 0.0), 1 - 2.718281828459045**-1),
    ],
)
def test_values_known_on_paper(name, point, loss):
    assert value_and_gradient(SURFACES[name], point)[0] == pytest.approx(loss, abs=1e-12)
