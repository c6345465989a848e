"""The launcher of Ray, on two nodes of one CPU each on this machine."""

import os
import re
import signal
import socket
import sys
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.context import Context
from benchmark.environment import environment
from benchmark.errors import UsageError
from benchmark.launchers import Limits, ray_tasks
from benchmark.launchers.ray import RayLauncher
from benchmark.launchers.ray_cluster import check_versions, connected, nodes
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.ray_worker import Place, Refusal, run_trials, versions
from benchmark.store import Store
from tests import clusters
from tests.fake_ray import FakeRay, RayError

HERE = Limits(workers=2)
SMALL = {"object_store_memory": 80 * 2**20}
RETURNS = ("--ray-return-files",)
FORTY = ("--opts", "adam", "--epochs", "1")
PACKED = (*FORTY, "--stack", "8")
pytestmark = [pytest.mark.timeout(900), pytest.mark.forks]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return what the study gives on this machine."""
    results = tmp_path_factory.mktemp("local")
    assert clusters.complete(results).returncode == 1  # one optimizer raises an error
    return clusters.bits(results)


@pytest.fixture(scope="module")
def singles(tmp_path_factory):
    """Return what forty trials give on this machine without packs."""
    results = tmp_path_factory.mktemp("singles")
    assert clusters.complete(results, *FORTY, "--stack", "off", seeds=40).returncode == 0
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


@pytest.fixture
def add_node(cluster):
    """Return a function that adds a node; after the test, Ray knows that it has ended."""
    added = []

    def add(num_cpus=1, **more):
        added.append(cluster.add_node(num_cpus=num_cpus, **more, **SMALL))
        return added[-1]

    yield add
    for node in cluster.worker_nodes & set(added):
        cluster.remove_node(node)
    cluster.wait_for_nodes(timeout=60)


@pytest.fixture(autouse=True)
def _no_launcher_is_left():
    yield
    clusters.end_started()


def _ray(cluster, *words):
    """Return the options for a cluster; without another `--stack`, each trial is a task."""
    return ("--launcher", "ray", "--ray-address", cluster.address, "--stack", "off", *words)


def _ray_workers():
    """Return the process ids of Ray's workers that run a trial."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            title = path.read_bytes()  # such as "ray::adam on logreg/digits, seed 0"
            if title.startswith(b"ray::") and b", seed " in title:
                found.append(int(path.parent.name))
    return found


def _killed_ray_worker():
    """Kill one of Ray's workers that run a trial; return False if there was none at this moment."""
    for process in _ray_workers():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            return True
    return False


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("words", [(), ("--ray-return-files",)])
def test_a_study_on_two_nodes_gives_the_bits_of_one_machine(cluster, local, tmp_path, words):
    with clusters.counted():
        done = clusters.complete(tmp_path, *_ray(cluster, *words))
    assert done.returncode == 1, done.stderr
    assert clusters.bits(tmp_path) == local
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.cluster
def test_forty_trials_give_the_bits_of_one_machine_and_start_once(cluster, tmp_path):
    words = ("--opts", clusters.NOTES, "--epochs", "1")
    assert clusters.complete(tmp_path / "local", *words, seeds=40).returncode == 0
    with clusters.counted(trials=40):
        done = clusters.complete(tmp_path / "ray", *_ray(cluster), *words, seeds=40)
    assert done.returncode == 0, done.stderr
    found = clusters.bits(tmp_path / "ray")
    assert len(found) == 40
    assert found == clusters.bits(tmp_path / "local")


def _packs(results):
    return Counter(record.environment.stacked for record in clusters.records(results).values())


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("words", [(), RETURNS])
def test_packs_on_two_nodes_give_the_bits_of_single_trials(cluster, singles, tmp_path, words):
    done = clusters.complete(tmp_path, *_ray(cluster, *words), *PACKED, seeds=40)
    assert done.returncode == 0, done.stderr
    assert _packs(tmp_path) == {8: 40}
    assert clusters.bits(tmp_path) == singles


@pytest.mark.slow
@pytest.mark.cluster
def test_a_lost_node_loses_no_trial_of_a_pack(cluster, add_node, singles, tmp_path):
    third = add_node()
    process = clusters.start(tmp_path, *_ray(cluster), *PACKED, seeds=40)
    clusters.wait_until(lambda: clusters.records(tmp_path))
    cluster.remove_node(third, allow_graceful=False)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert clusters.bits(tmp_path) == singles
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.cluster
def test_trials_whose_only_node_is_lost_are_told_of_and_end_the_command(
    cluster, add_node, tmp_path, monkeypatch
):
    monkeypatch.setattr(ray_tasks, "_SECONDS_FOR_A_NODE", 6.0)
    wide = add_node(num_cpus=2)

    def remove():
        clusters.wait_until(lambda: clusters.records(tmp_path))
        cluster.remove_node(wide, allow_graceful=False)

    remover = threading.Thread(target=remove)
    remover.start()
    done = clusters.complete(tmp_path, *_ray(cluster, "--threads", "2"))
    remover.join()
    assert done.returncode == 2
    assert "no living Ray node has 2 CPUs. If none comes within" in " ".join(done.stdout.split())
    assert "no Ray node with 2 CPUs has come back within 0.1 min" in done.stderr
    assert 0 < len(clusters.records(tmp_path)) < 20


@pytest.mark.slow
@pytest.mark.cluster
def test_a_node_that_joins_with_other_versions_gets_no_trial(cluster, add_node, local, tmp_path):
    other = tmp_path / "packages" / "numpy-99.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 99.0\n")
    results = tmp_path / "results"
    with clusters.counted():
        process = clusters.start(results, *_ray(cluster, "--workers", "6"))
        clusters.wait_until(lambda: clusters.records(results))
        path = os.pathsep.join([str(other.parent), os.environ.get("PYTHONPATH", "")])
        add_node(env_vars={"PYTHONPATH": path})
        output, _ = process.communicate(timeout=400)
    assert process.returncode == 1, output
    assert clusters.bits(results) == local
    told = re.findall(r"gets no trial: it has numpy 99.0 instead of", " ".join(output.split()))
    assert len(told) == 1, output


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
def test_a_lost_node_and_a_killed_worker_lose_and_double_no_record(
    cluster, add_node, local, tmp_path
):
    third = add_node()
    with clusters.counted(again=2):
        process = clusters.start(tmp_path, *_ray(cluster))
        clusters.wait_until(lambda: len(clusters.records(tmp_path)) >= 2)
        cluster.remove_node(third, allow_graceful=False)
        clusters.wait_until(lambda: len(clusters.records(tmp_path)) >= 6)
        clusters.wait_until(_killed_ray_worker)
        output, _ = process.communicate(timeout=400)
    assert process.returncode == 1, output
    assert clusters.bits(tmp_path) == local
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_launcher_goes_on_with_the_same_command(cluster, local, tmp_path, signum):
    process = clusters.start(tmp_path, *_ray(cluster))
    clusters.wait_until(lambda: len(clusters.records(tmp_path)) >= 3)
    (os.kill if signum == signal.SIGTERM else os.killpg)(process.pid, signum)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == (-signum if signum == signal.SIGKILL else 130), output
    kept = clusters.records(tmp_path)
    assert len(kept) < len(local)
    done = clusters.complete(tmp_path, *_ray(cluster))
    assert done.returncode == 1, done.stderr
    assert clusters.bits(tmp_path) == local
    now = clusters.records(tmp_path)
    assert all(now[key] == record for key, record in kept.items() if record.status == "done")


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize(
    ("one", "another"), [((), None), (RETURNS, RETURNS), (RETURNS, None)], ids=str
)
def test_two_launchers_on_one_study_run_no_trial_twice(cluster, local, tmp_path, one, another):
    with clusters.counted():
        other = clusters.start(tmp_path, *_ray(cluster, *one))
        words = ("--workers", "1") if another is None else _ray(cluster, *another)
        here = clusters.start(tmp_path, *words)
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
    monkeypatch.setattr(
        "benchmark.launchers.ray_worker.environment_here", lambda: mine
    )  # not on the nodes
    limits = Limits(options=(RayOptions(address=cluster.address),))
    with pytest.raises(UsageError, match=r"has Python 3\.\d+\.\d+ instead of 3\.99\.0: install"):
        RayLauncher(limits).warm_up().__enter__()


@pytest.mark.slow
@pytest.mark.cluster
def test_a_node_that_was_lost_just_before_a_command_does_not_refuse_it(cluster, add_node):
    cluster.remove_node(add_node(), allow_graceful=False)
    with connected(Limits(options=(RayOptions(address=cluster.address),))) as ray:
        before = nodes(ray)
        check_versions(ray)
        assert len(before.keys() - nodes(ray).keys()) == 1


class _Comparing(FakeRay):
    """A cluster that compares versions; node b raises an error, which shows that it is lost."""

    def __init__(self, *, is_lost):
        super().__init__(None)
        self.is_lost = is_lost
        strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
        self.util = SimpleNamespace(scheduling_strategies=strategies)

    def remote(self, function):
        def options(*, num_cpus, scheduling_strategy):
            return SimpleNamespace(remote=lambda: (function, scheduling_strategy))

        return SimpleNamespace(options=options)

    def get(self, task, timeout):
        function, node = task
        if node == "b":
            if self.is_lost:
                del self.alive[node]
            raise RayError("no such module")
        return function()


def test_versions_are_compared_without_a_node_that_is_lost_meanwhile():
    check_versions(_Comparing(is_lost=True))


def test_a_living_node_that_cannot_name_its_versions_is_refused():
    with pytest.raises(UsageError, match=r"Ray node b cannot run the suite \(.*no such module\)"):
        check_versions(_Comparing(is_lost=False))


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
        limits = Limits(options=(RayOptions(address=given),))
        with pytest.raises(UsageError, match=f"no Ray cluster at '{given}' .*refused"):
            RayLauncher(limits).num_at_once(1)


def test_without_an_address_the_number_of_parallel_trials_needs_no_ray():
    assert RayLauncher(HERE).num_at_once(1) == 2


@pytest.fixture
def on_node(monkeypatch, tmp_path):
    """Return a function that runs trials as a Ray worker does, planned on data of `checksums`."""
    context = SimpleNamespace(get_node_id=lambda: "id")
    ray = SimpleNamespace(get_gpu_ids=list, get_runtime_context=lambda: context)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr("benchmark.launchers.ray_worker._forget_main", lambda: None)

    def run(*trials, wanted=None, results=tmp_path / "of the command", returns=True, **checksums):
        place = Place(
            results=results,
            study="study",
            context=Context(),
            checksums=checksums,
            versions={**versions(), **(wanted or {})},
            timeout_seconds=None,
            returns_files=returns,
        )
        return run_trials(trials, place)

    return run


def test_a_node_returns_the_files_of_a_trial(trials_of, on_node, tmp_path, digits):
    (trial,) = trials_of(epochs=1)
    [files] = on_node(trial).files
    assert (files.record.trial, files.record.status) == (trial, "done")
    assert files.curve
    assert not files.log
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["Raises", "RaisesLater"])
def test_the_record_of_a_returned_trial_names_the_log_that_is_returned_with_it(
    trials_of, on_node, tmp_path, digits, name
):
    (trial,) = trials_of(opts=f"tests.plugins.optimizers.{name}")
    [files] = on_node(trial).files
    assert files.record.status == "failed"
    folder = tmp_path / "of the command"
    store = Store(folder, "study")
    assert f"(traceback in {store.trial_folder(trial) / 'log.txt'})" in files.record.reason
    with store.claim(trial):
        assert store.put(files.record, files.curve, files.log)
    log = (store.trial_folder(trial) / "log.txt").read_text()
    assert "ArithmeticError: a step that went wrong" in log


@pytest.mark.parametrize("name", versions())
def test_a_node_with_another_version_refuses_each_trial(trials_of, on_node, name):
    (trial,) = trials_of()
    refusal = on_node(trial, wanted={name: "99.0"})
    assert (refusal.node, refusal.is_general) == ("id", True)
    assert re.fullmatch(rf"it has {name} \S+ instead of 99.0", refusal.why)


@pytest.mark.parametrize("returns", [False, True])
def test_a_node_that_cannot_write_refuses_the_trial(
    trials_of, on_node, tmp_path, monkeypatch, digits, returns
):
    (trial,) = trials_of()
    full = tmp_path / "full"
    full.write_text("no folder")
    monkeypatch.setattr(tempfile, "tempdir", str(full))
    refusal = on_node(trial, results=full, returns=returns)
    assert not refusal.is_general
    assert "Error: [Errno " in refusal.why


def test_a_node_with_other_data_refuses_the_trial(trials_of, on_node, digits):
    (trial,) = trials_of()
    refusal = on_node(trial, digits="f" * 64)
    assert isinstance(refusal, Refusal)
    assert "data of 'digits' are others here" in refusal.why


def test_a_node_with_another_file_of_an_optimizer_refuses_the_trial(trials_of, on_node):
    (trial,) = trials_of(opts="tests.plugins.attempts.Notes:note=x")
    other = replace(trial, optimizer=replace(trial.optimizer, source="f" * 64))
    assert "has changed since the trial was planned" in on_node(other).why


@pytest.mark.parametrize("returns", [False, True])
def test_a_node_trains_a_pack_as_one_network_and_its_halves_if_that_fails(
    trials_of, on_node, tmp_path, digits, returns
):
    member = "tests.plugins.members.Member"
    trials = trials_of(opts=f"{member}@bad:fault=raise,{member}@good:lr=0.1|0.2|0.3", epochs=1)
    done = on_node(*trials, returns=returns)
    store = Store(tmp_path / "of the command", "study")
    found = [files.record for files in done.files] if returns else list(map(store.record, trials))
    assert [record.trial for record in found] == trials
    assert [record.status for record in found] == ["failed", "done", "done", "done"]
    assert [record.environment.stacked for record in found] == [None, None, 2, 2]
    assert [text.partition(" failed")[0] for text in done.texts] == [
        "NOTICE: a pack of 4 trials of logreg/digits",
        "NOTICE: a pack of 2 trials of logreg/digits",
    ]


def test_packs_without_an_address_are_those_of_the_local_launcher(trials_of, tmp_path):
    trials, store = trials_of(opts="adam,sgd", seeds=20), Store(tmp_path, "study")
    assert [len(pack) for pack in RayLauncher(HERE).packs(trials, "auto", store).packs] == [20, 20]
    assert RayLauncher(HERE).packs(trials, "off", store).alone == tuple(trials)


@pytest.mark.parametrize(
    ("workers", "slots", "at_once"), [(0, 1, 2), (0, 2, 3), (0, 9, 9), (2, 2, 2), (16, 1, 2)]
)
def test_packs_at_an_address_are_as_many_as_the_gpus_of_its_nodes_have_slots_for(
    trials_of, tmp_path, monkeypatch, workers, slots, at_once
):
    ray = FakeRay(None, {"a": 8, "b": 1, "c": 5}, gpus=("a", "b"))
    ray.is_initialized = lambda: True
    monkeypatch.setitem(sys.modules, "ray", ray)
    options = (RayOptions(address="auto"),)
    launcher = RayLauncher(Limits(workers=workers, gpu_slots=slots, options=options))
    assert launcher.num_at_once(1, "gpu") == at_once
    trials = trials_of(opts="adam,sgd", seeds=36, accelerators=("gpu", "cpu"))
    packs = launcher.packs(trials, 64, Store(tmp_path, "study")).packs
    sizes = Counter(pack[0].accelerator for pack in packs)
    assert sizes == {"gpu": at_once, "cpu": workers or 14}


def test_packs_at_an_address_are_divided_among_its_nodes(trials_of, tmp_path, monkeypatch):
    ray = FakeRay(None, {"a": 3, "b": 1})
    ray.is_initialized = lambda: True
    monkeypatch.setitem(sys.modules, "ray", ray)
    trials, store = trials_of(opts="adam,sgd", seeds=20), Store(tmp_path, "study")
    launcher = RayLauncher(Limits(options=(RayOptions(address="auto"),)))
    assert [len(pack) for pack in launcher.packs(trials, "auto", store).packs] == [10] * 4
    ray.memory = {"a": 3e9, "b": 1e6}
    assert not launcher.packs(trials, "auto", store).packs
