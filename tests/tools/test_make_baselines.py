"""Making of shipped baselines: an interrupted slice loses nothing."""

import pytest

from benchmark import baselines
from benchmark.archive import read_trials
from benchmark.store import Store
from tools import make_baselines
from tools.make_baselines import Order, make_slice

ORDER = Order(
    problem="regression/diabetes", kind="lr", opts="sgd,adam", budget=2, seeds=2, epochs=1
)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setattr(baselines, "FOLDER", shipped)
    monkeypatch.setattr(make_baselines, "UNFINISHED", tmp_path / "unfinished")
    return shipped, tmp_path / "unfinished" / f"{ORDER.name}.parquet"


@pytest.mark.slow
def test_an_interrupted_slice_goes_on_elsewhere_with_the_trials_it_has(
    folders, tmp_path, monkeypatch
):
    shipped, aside = folders
    interrupted = False

    def stop(*_, **__):
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(make_baselines, "complete", stop)
        assert make_slice(ORDER, tmp_path / "first") is False
    assert interrupted
    assert list(shipped.iterdir()) == []
    done = {record.trial.key: record.environment for record, _ in read_trials(aside)}
    assert len(done) >= 8

    assert make_slice(ORDER, tmp_path / "second") is True
    assert not aside.exists()
    records = Store(tmp_path / "second", ORDER.name).records()
    found = {record.trial.key: record.environment for record in records}
    assert done.items() <= found.items()
    assert {each.name for each in shipped.iterdir()} == {
        f"{ORDER.name}{end}" for end in (".parquet", ".toml")
    }


def test_a_slice_without_any_trial_leaves_nothing_behind(folders, tmp_path, monkeypatch):
    shipped, aside = folders
    monkeypatch.setattr(make_baselines, "benchmark", lambda words: 1)
    assert make_slice(ORDER, tmp_path / "work") is False
    assert list(shipped.iterdir()) == []
    assert not aside.exists()
