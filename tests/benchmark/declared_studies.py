"""Studies to declare, and an outcome of their search."""

from benchmark.declaration import Chosen
from benchmark.protocols.tuned import Tuned
from benchmark.spec import Workload
from benchmark.study import Study
from optimizers.grammar import describe, describe_tunables

WORKLOAD = Workload(problem="mlp/digits", model="mlp", dataset="digits", epochs=1, batch_size=128)
FULL = tuple(describe_tunables("adam,sgd", "full"))


def tuned_study(opts="adam,sgd", budget=4, seeds=(0, 1)):
    tuned = Tuned(tunables=tuple(describe_tunables(opts)), budget=budget, seeds=seeds)
    return Study(name="s", workloads=(WORKLOAD,), tuned=tuned)


def fixed_study(opts="adam,sgd", seeds=(0, 1)):
    specs = tuple(describe(opts))
    return Study(name="s", workloads=(WORKLOAD,), optimizers=specs, seeds=seeds)


def results(tuning=0, evaluation=0):
    """Return the purposes of trials with a result, as a planner does."""
    return lambda: ["tuning"] * tuning + ["evaluation"] * evaluation


def chosen(lr):
    [spec] = describe(f"sgd:lr={lr}")
    return Chosen(
        problem="mlp/digits",
        accelerator="cpu",
        precision="32-true",
        label="sgd",
        optimizer=spec,
        tried=4,
        finalists=1,
        tunes=["lr"],
        only_rate=True,
        edge="",
    )
