"""Records, trial keys and pickles name rules by an address that outlives their place."""

import pickle
import subprocess
import sys
from importlib import import_module
from pkgutil import resolve_name

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from optimizers.source import literal_defaults

rows = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


@rows
def test_an_address_is_the_name_in_the_package_and_leads_to_the_one_class(row):
    cls = row.target.partition(":")[2]
    assert row.address == f"optimizers.{row.name}:{cls}"
    assert resolve_name(row.address) is resolve_name(row.target)
    assert literal_defaults(row.address) == literal_defaults(row.target) != {}


@rows
def test_a_module_has_one_spec_under_both_names(row):
    module = row.target.partition(":")[0]
    assert import_module(f"optimizers.{row.name}") is import_module(module)
    assert import_module(module).__spec__.name == module


@pytest.mark.slow
def test_a_pickle_of_an_older_class_loads_in_a_new_process():
    optimizer = resolve_name(OPTIMIZERS["adam"].target)([torch.nn.Parameter(torch.ones(2))])
    older = pickle.dumps(optimizer, protocol=0).replace(
        b"optimizers.rules.adam", b"optimizers.adam"
    )
    assert b"optimizers.adam" in older
    code = "import pickle, sys; print(type(pickle.loads(sys.stdin.buffer.read())).__module__)"
    found = subprocess.run(
        [sys.executable, "-c", code], input=older, capture_output=True, check=True
    )
    assert found.stdout.split() == [b"optimizers.rules.adam"]


@pytest.mark.parametrize("name", ["optimizers.adm", "optimizers.adam.inner"])
def test_no_other_name_is_made_up(name):
    with pytest.raises(ModuleNotFoundError):
        import_module(name)
