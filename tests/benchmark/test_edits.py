"""An edited plug-in makes trials run again, and says so."""

import warnings
from dataclasses import replace

import pytest

from benchmark.complete import complete
from benchmark.edits import edit_notice
from benchmark.record import Record
from benchmark.request import Request
from benchmark.store import Store
from tests.benchmark.test_complete import Noting

OPTIMIZER = "import torch\n\nclass Mine(torch.optim.SGD):\n    pass\n"
NETWORK = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(64, num_classes))
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Write two plug-ins under names of this test's own; return their files."""
    monkeypatch.syspath_prepend(tmp_path)
    token = tmp_path.name.replace("-", "_")
    files = {"Mine": OPTIMIZER, "Net": NETWORK}
    for name, text in files.items():
        (tmp_path / f"{name.lower()}_{token}.py").write_text(text)
    return {name: tmp_path / f"{name.lower()}_{token}.py" for name in files}


def study(plugins, tmp_path, *, seeds=2):
    """Complete a study with both plug-ins and without them; return what the user is told."""
    opts = f"sgd,{plugins['Mine'].stem}.Mine:lr=0.1"
    models = ("logreg", f"{plugins['Net'].stem}.Net")
    request = Request(models=models, dataset="digits", opts=opts, seeds=seeds, epochs=1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        complete(request, Store(tmp_path, "s"), Noting())
    return [str(each.message) for each in told]


@pytest.mark.parametrize(
    ("edited", "trials"), [(["Mine"], 4), (["Net"], 4), (["Mine", "Net"], 6), ([], 0)]
)
def test_an_edit_is_one_line_with_its_files_and_the_number_of_trials(
    plugins, tmp_path, edited, trials
):
    assert study(plugins, tmp_path) == []
    for name in edited:
        plugins[name].write_text(f"{plugins[name].read_text()}\n# edited\n")
    told = study(plugins, tmp_path)
    assert len(told) == bool(edited)
    for line in told:
        names = line.removeprefix("NOTICE: ").partition(" changed")[0].split(" and ")
        assert sorted(names) == sorted(plugins[name].name for name in edited)
        assert f" {trials} trials run again" in line
    assert study(plugins, tmp_path) == []


def test_trials_that_are_new_do_not_count_as_repeated(plugins, tmp_path):
    study(plugins, tmp_path, seeds=1)
    plugins["Mine"].write_text(f"{OPTIMIZER}# edited\n")
    [line] = study(plugins, tmp_path, seeds=3)
    assert "2 trials run again" in line


def test_a_trial_without_a_result_is_no_repetition(plugins, tmp_path):
    study(plugins, tmp_path, seeds=1)
    store = Store(tmp_path, "s")
    for record in store.records():
        store.write(replace(record, status="failed", reason="x"))
    plugins["Mine"].write_text(f"{OPTIMIZER}# edited\n")
    assert study(plugins, tmp_path, seeds=1) == []


def test_trials_of_registered_classes_have_no_files(trials_of):
    trials = trials_of()
    assert edit_notice(trials, trials) == ""


def test_the_optimizer_of_other_parameters_counts_too(plugins, tmp_path, trials_of):
    path = f"{plugins['Mine'].stem}.Mine"

    def trial():
        [found] = trials_of(opts=f"tests.plugins.muon.Muon:rest={path}:rest.lr=0.1")
        return found

    before = trial()
    plugins["Mine"].write_text(f"{OPTIMIZER}# edited\n")
    line = edit_notice([trial()], [Record(trial=before, status="done").trial])
    assert line.startswith(
        f"NOTICE: {plugins['Mine'].name} changed since earlier runs: 1 trial runs"
    )
