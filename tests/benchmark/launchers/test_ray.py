"""The launcher of Ray, on two nodes of one CPU each on this machine."""

import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.context import Context
from benchmark.environment import environment
from benchmark.errors import UsageError
from benchmark.launchers import Limits, RayOptions
from benchmark.launchers.ray import RayLauncher, _Place, _Tasks, run_trial
from benchmark.launchers.watchers import Together
from benchmark.store import Store
from tests import clusters

HERE = Limits(workers=2)
SMALL = {"object_store_memory": 80 * 2**20}
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return what the study gives on this machine."""
    results = tmp_path_factory.mktemp("local")
    assert clusters.complete(results).returncode == 1  # one optimizer raises an error
    return clusters.bits(results)


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster of a head without CPUs and two nodes of one CPU each."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install --group cluster")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_worker_niceness", "0")
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {"num_cpus": 0, "include_dashboard": False, **SMALL}
        found = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(2):
                found.add_node(num_cpus=1, **SMALL)
            found.wait_for_nodes()
            yield found
        finally:
            found.shutdown()


@pytest.fixture(autouse=True)
def _no_launcher_is_left():
    yield
    clusters.end_started()


def _ray(cluster, *words):
    return ("--launcher", "ray", "--ray-address", cluster.address, *words)


def _ray_workers():
    """Return the process ids of Ray's workers that run a trial."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            title = path.read_bytes()  # such as "ray::adam on logreg/digits, seed 0"
            if title.startswith(b"ray::") and b", seed " in title:
                found.append(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("words", [(), ("--ray-return-files",)])
def test_a_study_on_two_nodes_gives_the_bits_of_one_machine(cluster, local, tmp_path, words):
    done = clusters.complete(tmp_path, *_ray(cluster, *words))
    assert done.returncode == 1, done.stderr
    assert clusters.bits(tmp_path) == local
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.cluster
def test_a_comparison_chooses_and_finds_what_one_machine_does(cluster, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    assert clusters.compare(here).returncode == 0
    done = clusters.compare(there, *_ray(cluster))
    assert done.returncode == 0, done.stderr
    assert clusters.bits(there) == clusters.bits(here)
    assert clusters.chosen(there) == clusters.chosen(here)
    assert len(clusters.chosen(there)) == 2


@pytest.mark.slow
@pytest.mark.cluster
def test_a_cluster_is_started_on_this_machine_if_no_address_is_given(local, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install --group cluster")
    done = clusters.complete(tmp_path, "--launcher", "ray", "--workers", "2")
    assert done.returncode == 1, done.stderr
    assert clusters.bits(tmp_path) == local


@pytest.mark.slow
@pytest.mark.cluster
def test_a_lost_node_and_a_killed_worker_lose_and_double_no_record(cluster, local, tmp_path):
    third = cluster.add_node(num_cpus=1, **SMALL)
    cluster.wait_for_nodes()
    process = clusters.start(tmp_path, *_ray(cluster))
    clusters.wait_until(lambda: len(clusters.records(tmp_path)) >= 2)
    cluster.remove_node(third, allow_graceful=False)
    clusters.wait_until(lambda: len(clusters.records(tmp_path)) >= 6)
    clusters.wait_until(_ray_workers)
    os.kill(_ray_workers()[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 1, output
    assert clusters.bits(tmp_path) == local
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_launcher_goes_on_with_the_same_command(cluster, local, tmp_path, signum):
    process = clusters.start(tmp_path, *_ray(cluster))
    clusters.wait_until(lambda: len(clusters.records(tmp_path)) >= 3)
    os.killpg(process.pid, signum)
    process.communicate(timeout=400)
    assert process.returncode == (130 if signum == signal.SIGINT else -signum)
    kept = clusters.records(tmp_path)
    assert len(kept) < len(local)
    done = clusters.complete(tmp_path, *_ray(cluster))
    assert done.returncode == 1, done.stderr
    assert clusters.bits(tmp_path) == local
    now = clusters.records(tmp_path)
    assert all(now[key] == record for key, record in kept.items() if record.status == "done")


@pytest.mark.slow
@pytest.mark.cluster
def test_two_launchers_on_one_study_run_no_trial_twice(cluster, local, tmp_path):
    other = clusters.start(tmp_path, *_ray(cluster))
    here = clusters.start(tmp_path, "--workers", "1")
    for process in (other, here):
        output, _ = process.communicate(timeout=400)
        assert process.returncode == 1, output
    assert clusters.bits(tmp_path) == local


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--threads", "4"), "--threads 4: no Ray node has so many CPUs; the largest has 1"),
        (("--accelerator", "gpu"), "no Ray node has a GPU"),
    ],
)
def test_what_no_node_has_is_refused_at_once(cluster, tmp_path, words, told):
    done = clusters.complete(tmp_path, *_ray(cluster, *words))
    assert done.returncode == 2
    assert told in done.stderr
    assert not clusters.records(tmp_path)


@pytest.mark.slow
@pytest.mark.cluster
def test_nodes_with_other_versions_are_refused_at_once(cluster, monkeypatch):
    mine = replace(environment(), python="3.99.0")
    monkeypatch.setattr("benchmark.launchers.ray._environment", lambda: mine)  # not on the nodes
    limits = Limits(ray=RayOptions(address=cluster.address))
    with pytest.raises(UsageError, match=r"has Python 3\.\d+\.\d+ instead of 3\.99\.0: install"):
        RayLauncher(limits).warm_up().__enter__()


def test_a_missing_ray_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"the extra `ray`: pip install"), RayLauncher().warm_up():
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://localhost:{}"])
def test_an_address_where_nothing_listens_is_one_line_before_ray_tries_for_minutes(
    monkeypatch, address
):
    def init(**_):
        raise AssertionError("Ray was asked")

    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with socket.socket() as unused:  # bound, but it does not listen
        unused.bind(("127.0.0.1", 0))
        given = address.format(unused.getsockname()[1])
        limits = Limits(ray=RayOptions(address=given))
        with pytest.raises(UsageError, match=f"no Ray cluster at '{given}' .*refused"):
            RayLauncher(limits).num_at_once(1)


def test_the_end_of_the_commands_own_node_is_one_line_and_fails_no_trial(trials_of, tmp_path):
    class Error(Exception):
        pass

    class OwnNodeError(Error):
        pass

    def get(task):
        raise OwnNodeError

    task = SimpleNamespace(remote=lambda *_: "task")
    ray = SimpleNamespace(
        exceptions=SimpleNamespace(
            RayError=Error,
            RayTaskError=type("Other", (Error,), {}),
            LocalRayletDiedError=OwnNodeError,
        ),
        remote=lambda _: SimpleNamespace(options=lambda **_: task),
        nodes=list,
        wait=lambda tasks, timeout: (tasks, []),
        get=get,
    )
    store = Store(tmp_path, "study")
    (trial,) = trials_of()
    with pytest.raises(UsageError, match="has ended: the same command goes on once Ray runs again"):
        _Tasks(ray, HERE, store, Context(), Together()).run([trial])
    assert store.missing([trial]) == [trial]
    assert store.record(trial) is None


def test_without_an_address_the_number_of_parallel_trials_needs_no_ray():
    assert RayLauncher(HERE).num_at_once(1) == 2


@pytest.fixture
def on_node(monkeypatch, tmp_path):
    """Return a function that runs a trial as a Ray worker does, planned on data of `checksums`."""
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get_gpu_ids=list))
    monkeypatch.setattr("benchmark.launchers.ray._forget_main", lambda: None)

    def run(trial, **checksums):
        place = _Place(
            results=tmp_path,
            study="study",
            context=Context(),
            checksums=checksums,
            timeout_seconds=None,
            returns_files=True,
        )
        return run_trial(trial, place)

    return run


def test_a_node_returns_the_files_of_a_trial(trials_of, on_node, tmp_path, digits):
    (trial,) = trials_of(epochs=1)
    record, curve = on_node(trial)
    assert (record.trial, record.status) == (trial, "done")
    assert curve
    assert not list(tmp_path.iterdir())


def test_a_node_with_other_data_is_refused(trials_of, on_node, digits):
    (trial,) = trials_of()
    with pytest.raises(UsageError, match="data of 'digits' are others here"):
        on_node(trial, digits="f" * 64)


def test_a_node_with_another_file_of_an_optimizer_is_refused(trials_of, on_node):
    (trial,) = trials_of(opts="tests.plugins.attempts.Notes:note=x")
    other = replace(trial, optimizer=replace(trial.optimizer, source="f" * 64))
    with pytest.raises(UsageError, match="has changed since the trial was planned"):
        on_node(other)
