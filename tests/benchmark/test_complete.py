from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

import datamodules.places
from benchmark.complete import Warner, complete
from benchmark.errors import UsageError
from benchmark.prepared import Prepared
from benchmark.problems import PROBLEMS
from benchmark.record import Environment, Record
from benchmark.request import Request
from benchmark.store import Store
from benchmark.study import Study
from datamodules.errors import DataUnavailableError
from optimizers.grammar import parse


class Noting:
    """A launcher that notes what it is asked for, and whose trials are done at once."""

    def __init__(self, *, refused=(), unavailable=(), notices=()):
        self.notices = notices
        self.calls = []
        self.ran = []
        self.contexts = []
        self._refused, self._unavailable = refused, unavailable

    def warm_up(self):
        self.calls.append("warm up")
        return nullcontext()

    def num_at_once(self, threads):
        return 1

    def why_not(self, accelerator, precision):
        return "not here" if accelerator in self._refused else ""

    def check_hyperparameters(self, specs):
        self.calls.append("check")

    def prepare(self, wanted, context):
        [(dataset, _, _)] = wanted
        self.calls.append(f"prepare {dataset}")
        if dataset in self._unavailable:
            raise DataUnavailableError(f"the download of {dataset} broke off")
        return [
            Prepared(
                dataset=dataset,
                checksum="a" * 64,
                origin="a test",
                notices=self.notices,
                folder=Path("/prepared") / dataset,
            )
        ]

    def rehearse(self, trials, context):
        self.calls.append("rehearse")
        self.contexts.append(context)

    def __call__(self, trials, store, context, watcher):
        self.calls.append("launch")
        self.contexts.append(context)
        for trial in trials:
            watcher.started(trial)
            store.begin(trial)
            store.write(Record(trial=trial, status="done", environment=context.environment))
            self.ran.append(trial)


class Telling(Warner):
    """A study watcher that keeps what it is told."""

    def __init__(self):
        self.told, self.plans = [], []

    def noticed(self, notice):
        self.told.append(notice)

    def planned(self, plan):
        self.plans.append(plan)

    def checked(self, outcome):
        self.told.append(f"checked: {outcome}")

    def prepared(self, data):
        self.told.append(str(data))


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: False)
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCHMARK_DATA_DIR", raising=False)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", "study")


DIGITS = Request(problems=("logreg/digits",), opts="adam,sgd", seeds=2, epochs=1)


def study(problem="logreg/digits", **changes):
    workload = replace(PROBLEMS[problem].workload, epochs=1)
    optimizers = tuple(parse("adam,sgd"))
    return Study(
        **{"name": "study", "workloads": (workload,), "optimizers": optimizers, "seeds": (0, 1)}
        | changes
    )


def test_the_steps_come_in_their_order_and_every_trial_has_its_record(store):
    launcher, watcher = Noting(), Telling()
    records = complete(DIGITS, store, launcher, watcher)
    assert launcher.calls == ["warm up", "check", "prepare digits", "rehearse", "launch"]
    assert [record.status for record in records] == ["done"] * 4
    assert [record.trial for record in records] == launcher.ran
    assert records[0].environment.suite
    (plan,) = watcher.plans
    assert plan.trials == plan.missing == tuple(launcher.ran)


def test_workers_are_told_where_the_data_lie_that_were_prepared(store):
    launcher = Noting()
    complete(Request(problems=("logreg/digits",), opts="sgd", seeds=1), store, launcher)
    folders = {"digits": Path("/prepared/digits")}
    assert [context.prepared for context in launcher.contexts] == [folders, folders]


def test_a_request_and_the_study_that_it_stands_for_are_the_same_trials(store):
    first = complete(DIGITS, store, Noting())
    launcher = Noting()
    assert complete(study(), store, launcher) == first
    assert launcher.calls == []


def test_only_what_is_missing_runs(store):
    complete(replace(DIGITS, seeds=1), store, Noting())
    launcher = Noting()
    records = complete(DIGITS, store, launcher)
    assert [trial.seed for trial in launcher.ran] == [1, 1]
    assert len(records) == 4


def test_what_the_launcher_cannot_run_is_skipped_with_its_reason(store):
    launcher = Noting(refused=("gpu",))
    both = replace(DIGITS, accelerators=("cpu", "gpu"))
    records = complete(both, store, launcher)
    skipped = [record for record in records if record.status == "skipped"]
    assert {record.trial.accelerator for record in skipped} == {"gpu"}
    assert {record.reason for record in skipped} == {"not here"}
    assert {trial.accelerator for trial in launcher.ran} == {"cpu"}
    assert len(records) == 8


@pytest.mark.parametrize("refused", [("gpu",), ("gpu", "mps"), ("cpu", "gpu", "mps")])
def test_a_study_of_which_no_trial_can_run_is_refused_and_leaves_no_record(store, refused):
    launcher = Noting(refused=refused)
    with pytest.raises(UsageError) as raised:
        complete(replace(DIGITS, accelerators=refused), store, launcher)
    line = str(raised.value)
    assert line.startswith(f"no trial can run here: --accelerator {refused[0]}: not here")
    assert line.count("not here") == len(refused)
    assert line.endswith("; --accelerator cpu is possible") == ("cpu" not in refused)
    assert launcher.calls == ["warm up"]
    assert store.records() == []


def test_the_same_command_ends_alike_when_all_that_can_run_is_on_record(store):
    both = replace(DIGITS, accelerators=("cpu", "gpu"))
    complete(both, store, Noting(refused=("gpu",)))
    again = Noting(refused=("gpu",))
    assert len(complete(both, store, again)) == 8
    assert again.ran == []


@pytest.mark.parametrize("how", ["no network", "broken download"])
def test_a_stand_in_is_announced_once(store, monkeypatch, how):
    broken = how == "broken download"
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: broken)
    launcher = Noting(unavailable=("mnist",) if broken else ())
    watcher = Telling()
    mnist = replace(DIGITS, problems=("logreg/mnist",))
    records = complete(mnist, store, launcher, watcher)
    notices = [text for text in watcher.told if text.startswith("NOTICE")]
    assert len(notices) == 1
    assert "logreg/mnist becomes logreg/digits" in notices[0]
    assert {record.trial.problem for record in records} == {"logreg/digits"}
    assert [plan.trials[0].dataset for plan in watcher.plans] == ["mnist"] * broken + ["digits"]


def test_who_gives_no_watcher_is_warned_of_stand_ins_and_of_strange_data(store):
    mnist = replace(DIGITS, problems=("logreg/mnist",))
    with (
        pytest.warns(UserWarning, match="logreg/mnist becomes logreg/digits"),
        pytest.warns(UserWarning, match="a strange file"),
    ):
        complete(mnist, store, Noting(notices=("a strange file",)))


@pytest.mark.parametrize(
    "asked",
    [
        Request(models=("logreg",), dataset="mnist", opts="adam", epochs=1),
        study("logreg/mnist"),
    ],
)
@pytest.mark.parametrize("how", ["no network", "broken download"])
def test_what_is_asked_for_by_name_and_a_study_are_never_replaced(store, monkeypatch, asked, how):
    broken = how == "broken download"
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: broken)
    with pytest.raises(DataUnavailableError, match="mnist"):
        complete(asked, store, Noting(unavailable=("mnist",)))
    assert store.records() == []


def test_a_study_belongs_into_a_store_of_its_name(store):
    with pytest.raises(UsageError, match="'other' belongs into a store of that name"):
        complete(study(name="other"), store, Noting())


def test_other_data_of_the_same_name_are_refused(store):
    environment = Environment(data="b" * 64)
    [trial, *_] = study().trials()
    store.write(Record(trial=trial, status="done", environment=environment))
    with pytest.raises(UsageError, match="trials on other data of 'digits'"):
        complete(DIGITS, store, Noting(), Telling())


def test_values_that_a_plugged_in_class_refuses_end_it_before_anything_starts(store):
    launcher = Noting()
    refused = replace(DIGITS, opts="torch.optim.SGD:lr=-1.0")
    with pytest.raises(UsageError, match="--opts: .*lr"):
        complete(refused, store, launcher)
    assert launcher.calls == []
