"""Tasks of Ray, on a simulated cluster."""

import math
from dataclasses import replace

import pytest

from benchmark.claims import FILE
from benchmark.context import Context
from benchmark.errors import ClaimedError, UsageError
from benchmark.launchers import Limits, ray_tasks
from benchmark.launchers.ray_cluster import free_bytes
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.ray_tasks import Tasks
from benchmark.launchers.ray_worker import Files, Refusal
from benchmark.record import Record
from benchmark.store import LOG, Store
from tests.benchmark.launchers.seen import Seen
from tests.fake_ray import FakeRay, LocalRayletDiedError, RayError

NAMES = ("a", "b")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "study")


@pytest.fixture
def trials(trials_of):
    return trials_of(opts="adam,sgd", seeds=3)


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def launch(store, seen, monkeypatch):
    """Return a function that runs trials on a simulated cluster; their statuses come back."""

    def run(ray, trials, packs=(), *, returns=False, timeout=None, workers=0):
        monkeypatch.setattr(ray_tasks, "_now", lambda: ray.now)
        monkeypatch.setattr(ray_tasks.time, "sleep", ray.sleep)
        options = RayOptions(returns_files=returns)
        limits = Limits(options=(options,), timeout_seconds=timeout, workers=workers)
        Tasks(ray, limits, store, Context(), seen).run(trials, packs)
        everything = [*trials, *(trial for pack in packs for trial in pack)]
        found = [store.record(trial) for trial in everything]
        return [record and record.status for record in found]

    return run


@pytest.fixture
def work(store):
    """Return the work of a node that shares the folder."""

    def run(trial, place, node):
        store.add(Record(trial=trial, status="done"), ())

    return run


def _files(trial, place=None, node="", log=b"", **fields):
    record = Record(trial=trial, status="done", **fields)
    return Files(record=record, curve=[{"step": 0}], log=log)


def _claims(store):
    return [path.name for path in store.folder.glob(f"*/{FILE}")]


def test_every_trial_has_a_record_and_starts_once(launch, work, trials, seen):
    ray = FakeRay(work)
    assert launch(ray, trials) == ["done"] * 6
    keys = sorted(trial.key for trial in trials)
    assert sorted(key for key, _ in ray.ran) == sorted(seen.started_keys) == keys
    assert sorted(record.trial.key for record in seen.records) == keys


def test_a_trial_whose_files_are_returned_is_claimed_from_its_submission_to_its_record(
    launch, trials, store
):
    def work(trial, place, node):
        assert not store.record(trial)
        with pytest.raises(ClaimedError), store.claim(trial, wait=False):
            pass
        queued = [other for other in trials if not store.record(other)]
        assert len(_claims(store)) == min(len(queued), 4)  # two for each of two CPUs
        return _files(trial)

    assert launch(FakeRay(work), trials, returns=True) == ["done"] * 6
    assert not _claims(store)
    assert store.metrics(trials[0]) == [{"step": 0}]


@pytest.mark.parametrize("log", [b"", b"Traceback\n"])
def test_the_log_of_the_attempt_comes_with_its_files(launch, trials, store, log):
    old = store.trial_folder(trials[0]) / LOG
    old.parent.mkdir(parents=True)
    old.write_text("of an earlier attempt")
    ray = FakeRay(lambda trial, place, node: _files(trial, log=log))
    assert launch(ray, trials, returns=True) == ["done"] * 6
    for trial in trials:
        path = store.trial_folder(trial) / LOG
        assert path.exists() == bool(log)
        assert not log or path.read_bytes() == log


def test_a_trial_that_another_process_has_comes_when_that_is_over(launch, trials, store, seen):
    holds = [store.claim(trial) for trial in trials[:3]]
    for hold in holds:
        hold.__enter__()

    def finish(hold, trial):
        if trial != trials[1]:  # this one is interrupted
            store.write(Record(trial=trial, status="done", reason="by another process"))
        hold.__exit__(None, None, None)

    events = {
        5.0 * (i + 1): lambda pair=pair: finish(*pair)
        for i, pair in enumerate(zip(holds, trials, strict=False))
    }
    ray = FakeRay(_files, events=events)
    assert launch(ray, trials, returns=True) == ["done"] * 6
    assert sorted(key for key, _ in ray.ran) == sorted(t.key for t in (trials[1], *trials[3:]))
    assert len(seen.records) == 6
    assert not _claims(store)


def test_a_trial_that_another_process_keeps_is_given_up_after_the_timeout(
    launch, trials, store, seen
):
    with store.claim(trials[0]):
        ray = FakeRay(_files)
        assert launch(ray, trials, returns=True, timeout=60.0) == [None, *["done"] * 5]
    assert 60 < ray.now < 70
    (record,) = [record for record in seen.records if record.status == "failed"]
    assert record.reason == "another process has had it for longer than the 60 s of --timeout"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full")])
@pytest.mark.parametrize("returns", [False, True])
def test_an_interruption_or_error_of_this_process_leaves_no_claim_and_no_record(
    launch, trials, store, monkeypatch, error, returns
):
    ray = FakeRay(_files)

    def wait(tasks, timeout):
        assert len(_claims(store)) == 4 * returns
        raise error

    monkeypatch.setattr(ray, "wait", wait)
    with pytest.raises((KeyboardInterrupt, OSError)):
        launch(ray, trials, returns=returns)
    assert not ray.cancelled  # disconnecting ends them; Ray may crash if they are just finishing
    assert not _claims(store)
    assert not store.records()


@pytest.mark.parametrize("returns", [False, True])
def test_a_node_that_cannot_write_gives_its_trials_to_others(
    launch, work, trials, store, seen, returns
):
    def full(trial, place, node):
        if node == "a":
            return Refusal(node=node, host="host-a", why="OSError: No space left on device")
        return _files(trial) if returns else work(trial, place, node)

    ray = FakeRay(full)
    assert launch(ray, trials, returns=returns) == ["done"] * 6
    assert len({key for key, node in ray.ran if node == "b"}) == 6
    assert len(ray.ran) == 6 + len({key for key, node in ray.ran if node == "a"})
    (text,) = seen.texts
    assert text.endswith("tried elsewhere: OSError: No space left on device (on host-a)")


@pytest.mark.parametrize("returns", [False, True])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_trial_that_all_nodes_refuse_is_failed_and_the_others_run(
    launch, work, trials, store, number, returns
):
    def refusing(trial, place, node):
        if trial == trials[0]:
            return Refusal(node=node, host=node, why="DataError: none")
        return _files(trial) if returns else work(trial, place, node)

    ray = FakeRay(refusing, {str(i): 1 for i in range(number)})
    assert launch(ray, trials, returns=returns) == ["failed", *["done"] * 5]
    assert store.record(trials[0]).reason.startswith("DataError: none (on ")
    assert [key for key, _ in ray.ran].count(trials[0].key) == min(number, 3)
    assert not _claims(store)


def test_a_node_without_the_suite_gives_its_trials_to_others(launch, work, trials):
    def broken(trial, place, node):
        if node == "a":
            raise ModuleNotFoundError("No module named 'benchmark'")
        work(trial, place, node)

    ray = FakeRay(broken)
    assert launch(ray, trials) == ["done"] * 6


def test_a_refused_trial_fails_once_the_other_node_is_lost(launch, work, trials, store):
    def full(trial, place, node):
        return Refusal(node=node, host=node, why="OSError: disk full")

    ray = FakeRay(full, {"a": 1})
    busy = FakeRay._fits
    ray._fits = lambda task, name: name != "b" and busy(ray, task, name)  # b is never free
    ray.alive["b"] = 1
    ray.events = {20.0: lambda: ray.alive.pop("b")}
    assert launch(ray, trials[:2]) == ["failed"] * 2
    assert store.record(trials[0]).reason == "OSError: disk full (on a)"
    assert sorted(ray.cancelled) == sorted(trial.key for trial in trials[:2])


@pytest.mark.parametrize("joins", [0.0, 1.0])
def test_a_node_with_other_versions_gets_no_trial_whenever_it_joins(
    launch, work, trials, seen, joins
):
    def checked(trial, place, node):
        assert place.versions["Python"]
        if node == "c":
            return Refusal(node=node, host="host-c", why="it has torch 1", is_general=True)
        return work(trial, place, node)

    ray = FakeRay(checked, {"a": 1})
    ray.events = {joins: lambda: ray.alive.update({"c": 4})}
    assert launch(ray, trials) == ["done"] * 6
    assert sum(node == "a" for _, node in ray.ran) == 6
    assert seen.texts == ["Ray node host-c gets no trial: it has torch 1"]


@pytest.mark.parametrize(
    ("kind", "words"), [({"threads": 2}, "2 CPUs"), ({"accelerator": "gpu"}, "1 CPU and a GPU")]
)
def test_trials_that_lost_their_only_node_are_told_of_and_the_others_run_on(
    launch, work, trials, store, seen, kind, words
):
    special = [replace(trial, **kind) for trial in trials[:2]]
    ray = FakeRay(work, {"a": 1})
    with pytest.raises(UsageError) as caught:
        launch(ray, [*special, *trials])
    assert str(caught.value) == (
        f"no Ray node with {words} has come back within 10 min; without a record are 2 trials: "
        "the same command goes on once there is a node"
    )
    assert seen.texts == [
        f"2 trials: no living Ray node has {words}. If none comes within 10 min, the command ends "
        "once no other trial can run"
    ]
    assert 600 < ray.now < 610
    assert store.missing([*special, *trials]) == special
    assert not [store.record(trial) for trial in special if store.record(trial)]


@pytest.mark.parametrize("lost", [NAMES, NAMES[:1]])
@pytest.mark.parametrize("returns", [False, True])
def test_a_node_that_comes_back_in_time_runs_the_trials(
    launch, work, trials, seen, lost, returns, store
):
    ray = FakeRay(_files if returns else work, {"a": 2, "b": 1})
    wide = [replace(trial, threads=2) for trial in trials]
    ray.events = {
        0.4: lambda: [ray.alive.pop(name) for name in lost],
        500.0: lambda: ray.alive.update({"c": 2}),
    }
    assert launch(ray, [*wide, *trials], returns=returns) == ["done"] * 12
    assert {text.split(":")[0].split()[1] for text in seen.texts} == {"trials"}
    assert len(seen.texts) == len(lost)
    assert 500 < ray.now < 520
    assert len(ray.ran) == 12


def test_the_time_without_a_node_begins_anew_when_one_was_there(launch, work, trials):
    ray = FakeRay(work, {})
    ray.events = {
        400.0: lambda: ray.alive.update({"a": 1}),
        401.0: lambda: ray.alive.clear(),
        900.0: lambda: ray.alive.update({"a": 1}),
    }
    assert launch(ray, trials, workers=1) == ["done"] * 6
    assert ray.now > 900


def test_the_end_of_the_commands_own_node_is_one_line_and_fails_no_trial(launch, trials, store):
    def work(trial, place, node):
        raise LocalRayletDiedError

    with pytest.raises(UsageError, match="has ended: the same command goes on once Ray runs again"):
        launch(FakeRay(work), trials)
    assert store.missing(trials) == trials
    assert not store.records()


def test_a_trial_that_ray_gives_up_is_failed_with_the_reason(launch, trials, store):
    class NodeDiedError(RayError):
        pass

    def work(trial, place, node):
        raise NodeDiedError

    assert launch(FakeRay(work), trials, returns=True) == ["failed"] * 6
    assert store.record(trials[0]).reason == "its node was lost, 4 times"


@pytest.mark.parametrize("returns", [False, True])
def test_the_trials_of_a_pack_are_one_task_and_each_has_its_record(
    launch, work, trials, store, seen, returns
):
    ray = FakeRay(_files if returns else work)
    assert launch(ray, trials[4:], [tuple(trials[:4])], returns=returns) == ["done"] * 6
    assert sorted(ray.sizes) == [1, 1, 4]
    keys = sorted(trial.key for trial in trials)
    assert sorted(seen.started_keys) == sorted(seen.begun_keys) == keys
    assert sorted(record.trial.key for record in seen.records) == keys
    assert not _claims(store)


@pytest.mark.parametrize("returns", [False, True])
def test_a_pack_that_ray_gives_up_is_tried_again_in_halves_down_to_the_fatal_trial(
    launch, work, trials, store, seen, returns
):
    class OutOfMemoryError(RayError):
        pass

    def heavy(trial, place, node):
        if trial == trials[0]:
            raise OutOfMemoryError
        return _files(trial) if returns else work(trial, place, node)

    ray = FakeRay(heavy)
    assert launch(ray, [], [tuple(trials)], returns=returns) == ["failed", *["done"] * 5]
    assert sorted(ray.sizes) == [1, 1, 1, 2, 3, 3, 6]
    assert store.record(trials[0]).reason == "its node ran out of memory, 4 times"
    assert seen.texts == [
        f"NOTICE: a pack of {size} trials of logreg/digits failed, because its node ran out of "
        f"memory, 4 times; tried again as {halves}"
        for size, halves in ((6, "3 and 3"), (3, "2 and 1"), (2, "1 and 1"))
    ]
    assert len(seen.records) == 6
    assert not _claims(store)


def test_members_that_finished_before_their_pack_was_given_up_keep_their_records(
    launch, trials, store, seen
):
    class WorkerCrashedError(RayError):
        pass

    def crashing(trial, place, node):
        if trial == trials[-1] and len(ray.sizes) == 1:
            raise WorkerCrashedError
        store.add(Record(trial=trial, status="done"), ())

    ray = FakeRay(crashing)
    assert launch(ray, [], [tuple(trials)]) == ["done"] * 6
    assert ray.sizes == [6, 1]
    assert sorted(record.trial.key for record in seen.records) == sorted(t.key for t in trials)


def test_a_member_that_another_process_has_is_left_out_of_its_pack(launch, trials, store):
    store.add(Record(trial=trials[1], status="done"), ())
    hold = store.claim(trials[0])
    hold.__enter__()
    ray = FakeRay(_files, events={5.0: lambda: hold.__exit__(None, None, None)})
    assert launch(ray, [], [tuple(trials)], returns=True) == ["done"] * 6
    assert ray.sizes == [4, 1]
    assert ray.ran[-1][0] == trials[0].key
    assert not _claims(store)


@pytest.mark.parametrize("number", [1, 3])
def test_a_pack_that_all_nodes_refuse_is_failed_with_the_reason(launch, trials, store, number):
    def full(trial, place, node):
        return Refusal(node=node, host=node, why="OSError: disk full")

    ray = FakeRay(full, {str(i): 1 for i in range(number)})
    assert launch(ray, [], [tuple(trials)]) == ["failed"] * 6
    assert ray.sizes == [6] * number
    assert store.record(trials[5]).reason.startswith("OSError: disk full (on ")


def test_what_a_node_says_of_a_pack_is_passed_on(launch, trials, seen, monkeypatch):
    ray = FakeRay(_files)
    get = ray.get
    monkeypatch.setattr(ray, "get", lambda task: replace(get(task), texts=("it failed",)))
    assert launch(ray, [], [tuple(trials)], returns=True) == ["done"] * 6
    assert seen.texts == ["it failed"]


@pytest.mark.parametrize(
    ("memory", "cpus", "at_once", "free"),
    [((8e9, 2e9), (4, 1), 5, 10e9), ((8e9, 2e9), (4, 2), 6, 6e9), ((8e9, 2e9), (4, 0), 1, 8e9)],
)
def test_the_memory_of_packs_is_that_of_the_node_with_least_for_each(memory, cpus, at_once, free):
    ray = FakeRay(None, dict(zip(NAMES, cpus, strict=True)))
    assert free_bytes(ray, 1, at_once) == math.inf
    ray.memory = dict(zip(NAMES, memory, strict=True))
    assert free_bytes(ray, 1, at_once) == free
