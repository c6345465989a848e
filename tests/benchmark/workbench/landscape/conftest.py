import pytest

from benchmark.workbench.landscape.compute import Grid, compute
from benchmark.workbench.landscape.surfaces import SURFACES
from optimizers.grammar import parse

EVIL = "adam@</script><script>alert(1)</script>\"'&:lr=0.3"  # an optimizer's label may be anything


@pytest.fixture(scope="session")
def trajectories():
    """Return walks of four optimizers on two surfaces; sgd diverges at the highest rate."""
    return compute(
        Grid(
            optimizers=parse(f"sgd,adam,torch.optim.AdamW,{EVIL}"),
            surfaces=[SURFACES["rosenbrock"], SURFACES["saddle"]],
            lrs=(0.001, 0.1, 5.0),
            steps=40,
            noise=0.1,
            seed=0,
        )
    )
