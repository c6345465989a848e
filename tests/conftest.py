import gc
import os
import tempfile
from functools import cache

import pytest
from hypothesis import settings

from tests.browser import chromium, free_windows, open_page  # noqa: F401 (fixtures for every test)
from tests.grids import mark_samples

# Before anything is imported: no test may touch the user's cache, W&B account or thread counts.
os.environ["BENCHMARK_CACHE_DIR"] = tempfile.mkdtemp(prefix="benchmark-tests-")
os.environ["HF_HUB_CACHE"] = os.environ["BENCHMARK_CACHE_DIR"] + "/hub"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["POLARS_MAX_THREADS"] = "1"
for name in [name for name in os.environ if name.startswith("WANDB_")]:
    del os.environ[name]

# `make test-all` asks for the thorough one. No case has a deadline: the machine may be busy.
settings.register_profile("quick", max_examples=20, deadline=None)
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.load_profile("quick")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep what is imported and collected out of every collection of garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before the items that `-m` does not choose are left out
def pytest_collection_modifyitems(items):
    """Put tests that fork first; mark what the quick run leaves out of sampled tests as slow.

    A fork server takes 8 s of processor time to load, once in every test process that needs one.
    pytest-xdist gives its first process the first tests, so that the others need none.
    """
    items.sort(key=lambda item: item.get_closest_marker("forks") is None)
    mark_samples(items)


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk():
    """Let no file of a test wait until it is on disk, which takes the longest of writing it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_look_at_the_commit():
    """Ask git for the suite's commit once, which takes 30 ms, not for each study of a test."""
    import benchmark.environment

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark.environment, "_commit", cache(benchmark.environment._commit))
        yield


@pytest.fixture(scope="session")
def no_baselines(tmp_path_factory):
    return tmp_path_factory.mktemp("baselines")


@pytest.fixture(autouse=True)
def _no_baselines(no_baselines, monkeypatch):
    """No test depends on the baselines that are shipped at the moment."""
    import benchmark.baselines

    monkeypatch.setattr(benchmark.baselines, "FOLDER", no_baselines)
    yield
    assert not any(no_baselines.iterdir())


@pytest.fixture(scope="session")
def digits():
    from datamodules import Digits

    data = Digits()
    data.prepare_data()
    data.setup()
    return data
