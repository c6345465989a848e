import pytest

from datamodules import network
from tests.datamodules.fakes import TinyMNIST, write_mnist


@pytest.fixture(autouse=True)
def offline(request, monkeypatch, tmp_path):
    """No test of this folder may open a connection; those of the network itself bring their own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.delenv("BENCHMARK_DATA_DIR", raising=False)  # real data would be found instead
    monkeypatch.setattr("datamodules.places.reachable", lambda url: False)
    monkeypatch.setattr("datamodules.base.reachable", lambda url: False, raising=False)
    network.reachable.cache_clear()
    yield
    network.reachable.cache_clear()


@pytest.fixture
def mnist_dir(tmp_path):
    write_mnist(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def mnist(tmp_path, mnist_dir):
    """Make tiny MNISTs that share one prepared cache."""

    def make(**arguments):
        data = TinyMNIST(data_dir=mnist_dir, cache_dir=tmp_path / "cache", **arguments)
        data.prepare_data()
        data.setup("fit")
        return data

    return make
