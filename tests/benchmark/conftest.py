from dataclasses import replace

import pytest

from benchmark.problems import PROBLEMS
from benchmark.spec import Study
from optimizers.grammar import parse
from tests.benchmark.logs import log, study  # noqa: F401 (fixtures for every test)


@pytest.fixture
def trials_of():
    """Return a function that makes the trials of one problem with few epochs."""

    def make(problem="logreg/digits", opts="adam", *, seeds=1, epochs=1, **overrides):
        workload_names = ("dropout", "l2", "batch_size")
        changes = {n: overrides.pop(n) for n in workload_names if n in overrides}
        workload = replace(PROBLEMS[problem].workload, epochs=epochs, **changes)
        return Study(
            name="study",
            workloads=(workload,),
            optimizers=tuple(spec.to_json() for spec in parse(opts)),
            seeds=tuple(range(seeds)),
            **overrides,
        ).trials()

    return make
