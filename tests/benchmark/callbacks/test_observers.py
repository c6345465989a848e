"""No observer ends a trial or changes it, however unusual an optimizer is inside."""

import inspect

import pytest

from benchmark.context import Context
from benchmark.runner import run
from tests.plugins import unusual

NAMES = [name for name, each in inspect.getmembers(unusual, inspect.isclass) if name != "Plain"]


@pytest.fixture(scope="module")
def plain(trials_of, digits):
    (trial,) = trials_of(opts="tests.plugins.unusual.Plain")
    return run(trial, Context()).weights_sha256


@pytest.mark.parametrize("name", NAMES)
def test_an_optimizer_with_other_insides_is_observed_to_its_end(trials_of, plain, name):
    opts = f"tests.plugins.unusual.{name}"
    (trial,) = trials_of(opts=opts, diagnostics_every=1)
    rows = []
    record = run(trial, Context(), watch=rows.append)
    assert record.status == "done"
    assert any(key.startswith("inside/") for row in rows for key in row)
    assert (record.weights_sha256 == plain) == (name != "MatricesAlone")
