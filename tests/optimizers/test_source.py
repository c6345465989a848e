import inspect
from pkgutil import resolve_name

import pytest

from optimizers.errors import SpecError
from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS
from optimizers.source import literal_bounds, literal_defaults, source_digest

TEXT = """
import torch

class Mine(torch.optim.SGD):
    class Inner(torch.optim.SGD):
        pass
"""


def test_an_edit_of_a_plugged_in_file_changes_its_digest(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "plugged_in_once.py"
    file.write_text(TEXT)
    first = source_digest("plugged_in_once.Mine")
    assert len(first) == 12
    assert source_digest("plugged_in_once.Mine.Inner") == first
    file.write_text(TEXT + "# another line")
    assert source_digest("plugged_in_once.Mine") != first


def test_a_spec_holds_the_digest_of_a_file_of_ones_own_alone(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plugged_in_twice.py").write_text(TEXT)
    mine, torchs, ours = parse("plugged_in_twice.Mine,torch.optim.SGD,sgd")
    assert mine.to_json()["source"] == source_digest("plugged_in_twice.Mine") != ""
    assert "source" not in torchs.to_json() | ours.to_json()
    assert type(mine).from_json(mine.to_json()) == mine


@pytest.mark.parametrize("raises", ["RuntimeError('no licence')", "SystemExit('no licence')"])
def test_a_package_that_raises_stands_for_its_modules_and_its_error_is_for_whoever_loads_it(
    tmp_path, monkeypatch, raises
):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "raising_package"
    package.mkdir()
    (package / "__init__.py").write_text(f"raise {raises}")
    (package / "mine.py").write_text(TEXT)
    assert source_digest("raising_package.mine.Mine") == source_digest("raising_package.Mine")
    with pytest.raises(SpecError, match="cannot import 'raising_package': no licence"):
        parse("raising_package.mine.Mine")


def test_what_cannot_be_found_has_none():
    assert source_digest("no.such.Thing") == ""
    assert source_digest("optimizers.adam.Adam") == ""


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_defaults_read_off_a_file_are_those_of_the_class(row):
    parameters = inspect.signature(resolve_name(row.target)).parameters.values()
    theirs = {p.name: p.default for p in parameters if p.default is not p.empty}
    assert literal_defaults(row.target) == theirs


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_bounds_read_off_a_file_are_those_of_the_class(row):
    found, bounds = literal_bounds(row.target), resolve_name(row.target).bounds
    assert found.items() <= bounds.items()
    assert "lr" in found or "bounds" not in vars(resolve_name(row.target))
