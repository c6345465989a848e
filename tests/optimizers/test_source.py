from optimizers.grammar import parse
from optimizers.source import source_digest

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


def test_what_cannot_be_found_has_none():
    assert source_digest("no.such.Thing") == ""
    assert source_digest("optimizers.adam.Adam") == ""
