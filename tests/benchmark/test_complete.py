import errno
import math
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import datamodules.places
from benchmark.analysis.judging import judgement_of
from benchmark.complete import Warner, complete
from benchmark.declaration import FILE, read_declaration
from benchmark.environment import cpu_name
from benchmark.errors import UsageError
from benchmark.planning import Planner
from benchmark.prepared import Prepared
from benchmark.problems import PROBLEMS
from benchmark.record import Environment, Record
from benchmark.request import Request
from benchmark.step_costs import FILE as STEP_COSTS
from benchmark.step_costs import StepCost, read_step_costs, write_step_costs
from benchmark.store import Store
from benchmark.study import Study
from datamodules.errors import DataUnavailableError
from optimizers.errors import SpecError
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

    def num_at_once(self, threads, accelerator="cpu"):
        return 1

    def why_not(self, accelerator, precision):
        return "not here" if accelerator in self._refused else ""

    def check_hyperparameters(self, specs):
        self.calls.append("check")

    def prepare(self, wanted, context):
        [one] = wanted
        dataset = one.dataset
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
    checksums = {"digits": "a" * 64}
    assert [context.checksums for context in launcher.contexts] == [checksums, checksums]


def test_data_that_are_others_for_the_next_model_are_refused_before_anything_is_trained(store):
    class Changing(Noting):
        def prepare(self, wanted, context):
            [one] = super().prepare(wanted, context)
            return [replace(one, checksum=str(len(self.calls)) * 64)]

    launcher = Changing()
    asked = Request(problems=("logreg/digits", "mlp/digits"), opts="sgd", seeds=1)
    with pytest.raises(UsageError, match="digits': read SHA-256 4444"):
        complete(asked, store, launcher)
    assert launcher.ran == []


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
    with pytest.raises(UsageError, match="'other' needs a store of that name"):
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
    with pytest.raises(SpecError, match="^(?!--opts).*lr"):
        complete(refused, store, launcher)
    assert launcher.calls == []


TUNED = replace(DIGITS, seeds=5, tune=4, reference="adam")


class Formulas(Noting):
    """A launcher whose losses are formulas; the trials that `fails` picks fail."""

    def __init__(self, *, fails=lambda trial: False, stops_after=None, **others):
        super().__init__(**others)
        self.rehearsed = []
        self._fails, self._stops_after = fails, stops_after

    def rehearse(self, trials, context):
        self.rehearsed += trials

    def __call__(self, trials, store, context, watcher):
        for trial in trials:
            if len(self.ran) == self._stops_after:
                raise KeyboardInterrupt
            self.ran.append(trial)
            store.begin(trial)
            store.write(self._record(trial, context.environment))

    def _record(self, trial, environment):
        if self._fails(trial):
            return Record(trial=trial, status="failed", reason="x", environment=environment)
        loss = 1 + abs(math.log10(trial.optimizer.hyperparameters["lr"] / 1e-2))
        loss += math.sin(trial.seed) / 100
        return Record(
            trial=trial, status="done", metrics={"val/loss": loss}, environment=environment
        )


def test_of_a_tuned_optimizer_only_the_defaults_must_not_fail(store):
    launcher = Formulas()
    complete(TUNED, store, launcher)
    assert len(launcher.rehearsed) == 2
    assert {trial.purpose for trial in launcher.rehearsed} == {"tuning"}
    assert {trial.optimizer for trial in launcher.rehearsed} == set(
        TUNED.study("study").protocol.specs()
    )


def test_points_that_fail_count_as_worst_and_the_study_ends(store):
    launcher = Formulas(fails=lambda trial: trial.optimizer.hyperparameters["lr"] > 0.005)
    records = complete(TUNED, store, launcher)
    evaluated = [record for record in records if record.trial.purpose == "evaluation"]
    assert len(evaluated) == 10
    assert {record.status for record in evaluated} == {"done"}
    assert len(launcher.ran) == len({trial.key for trial in launcher.ran})  # none twice


@pytest.fixture(scope="module")
def at_once(tmp_path_factory):
    """Return the records of a tuned study that nothing stops, how many ran, and its declaration."""
    whole, launcher = Store(tmp_path_factory.mktemp("whole"), "study"), Formulas()
    records = complete(TUNED, whole, launcher)
    return records, len(launcher.ran), read_declaration(whole.folder)


@pytest.mark.parametrize(
    "stops_after",
    [pytest.param(i, marks=() if i == 18 else pytest.mark.slow) for i in range(0, 36, 3)],
)
def test_a_tuned_study_that_is_stopped_anywhere_goes_on_and_ends_as_if_it_had_not_been(
    stops_after, at_once, tmp_path
):
    expected, num_run, one = at_once
    stopped = Store(tmp_path / "stopped", "study")
    first, second = Formulas(stops_after=stops_after), Formulas()
    if stops_after < num_run:
        with pytest.raises(KeyboardInterrupt):
            complete(TUNED, stopped, first)
    records = complete(TUNED, stopped, second)
    assert [record.trial for record in records] == [record.trial for record in expected]
    assert len(first.ran) + len(second.ran) == num_run
    other = read_declaration(stopped.folder)
    assert (one.chosen, one.margins) == (other.chosen, other.margins)
    assert other.deviations == []


@pytest.mark.one_in(3)
@pytest.mark.parametrize("sampler", ["halton", "random", "optuna"])
def test_a_tuned_study_asked_for_again_trains_nothing(sampler, store):
    asked = replace(TUNED, tune=6, sampler=sampler)
    complete(asked, store, Formulas())
    again = Formulas()
    complete(asked, store, again)
    assert again.ran == []
    assert again.calls == []


class Timing(Formulas):
    """A launcher that times steps, and notes which."""

    def __init__(self):
        super().__init__()
        self.timed = []

    def time_steps(self, trials, context):
        self.timed.append(trials)
        self.contexts.append(context)
        cpu, reference = context.environment.cpu, trials[0].key
        return [
            StepCost(trial=each.key, reference=reference, cpu=cpu, at="") for each in trials[1:]
        ]


def test_steps_of_a_complete_tuned_study_are_timed_once_the_reference_first(store):
    launcher, again = Timing(), Timing()
    complete(replace(TUNED, reference="sgd"), store, launcher)
    [[reference, other]] = launcher.timed
    assert (reference.optimizer.name, other.optimizer.name) == ("sgd", "adam")
    assert {reference.purpose, other.purpose} == {"evaluation"}
    assert launcher.contexts[-1].prepared == {"digits": Path("/prepared/digits")}
    [cost] = read_step_costs(store.folder)
    assert (cost.trial, cost.reference) == (other.key, reference.key)
    complete(replace(TUNED, reference="sgd"), store, again)
    assert again.timed == again.calls == []


@pytest.mark.parametrize("problems", [("logreg/digits",), ("logreg/digits", "mlp/digits")])
def test_data_are_prepared_once_for_each_model_however_many_stages_need_them(store, problems):
    launcher = Timing()
    complete(replace(TUNED, problems=problems), store, launcher)
    assert len({trial.purpose for trial in launcher.ran}) == 2
    assert len(launcher.timed) == len(problems)
    assert launcher.calls.count("prepare digits") == len(problems)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("how", ["removed", "damaged", "another processor"])
def test_steps_are_timed_again_where_their_costs_are_not_of_this_machine(store, how):
    complete(TUNED, store, Timing())
    path = store.folder / STEP_COSTS
    if how == "another processor":
        [cost] = read_step_costs(store.folder)
        write_step_costs(store.folder, [msgspec.structs.replace(cost, cpu="another")])
    else:
        path.unlink() if how == "removed" else path.write_text("{")
    again = Timing()
    complete(TUNED, store, again)
    assert (len(again.timed), again.ran) == (1, [])
    assert [each.cpu for each in read_step_costs(store.folder)] == [cpu_name()]


def test_steps_of_a_study_that_is_trained_as_given_are_not_timed(store):
    launcher = Timing()
    complete(study(optimizers=tuple(parse("adam:lr=0.1,sgd:lr=0.1"))), store, launcher)
    assert launcher.timed == []


def test_a_declaration_that_was_removed_is_made_again_with_its_outcomes(store):
    complete(TUNED, store, Formulas())
    before = read_declaration(store.folder)
    (store.folder / FILE).unlink()
    complete(TUNED, store, Formulas())
    after = read_declaration(store.folder)
    assert (after.chosen, after.margins) == (before.chosen, before.margins)


def test_a_point_that_failed_is_not_tried_again_once_a_setting_is_chosen(store):
    complete(TUNED, store, Formulas(fails=lambda trial: trial.optimizer.hyperparameters["lr"] < 1))
    before = read_declaration(store.folder)
    again = Formulas()
    complete(TUNED, store, again)
    assert [trial.purpose for trial in again.ran if trial.purpose == "tuning"] == []
    assert read_declaration(store.folder).chosen == before.chosen


def test_a_point_that_failed_is_tried_again_while_the_search_goes_on(store):
    with pytest.raises(KeyboardInterrupt):
        complete(TUNED, store, Formulas(fails=lambda _: True, stops_after=3))
    again = Formulas()
    complete(TUNED, store, again)
    assert len([trial for trial in again.ran if trial.purpose == "tuning"]) >= 8


def test_a_setting_that_is_chosen_again_after_a_look_is_a_dated_deviation(store):
    complete(TUNED, store, Formulas())
    [first, *_] = [each for each in read_declaration(store.folder).chosen if each.label == "adam"]
    for record in store.records():  # such as trials that were removed by hand
        trial = record.trial
        if trial.purpose == "tuning" and trial.optimizer == first.optimizer:
            store.write(replace(record, metrics={"val/loss": 99.0}))
    watcher = Telling()
    complete(TUNED, store, Formulas(), watcher)
    found = read_declaration(store.folder)
    [deviation] = found.deviations
    assert deviation.is_look
    [what] = deviation.what
    assert what.startswith(f"chosen adam on logreg/digits: {first.optimizer.label}, now adam lr")
    assert any(what in told for told in watcher.told)
    complete(TUNED, store, Formulas())
    assert read_declaration(store.folder).deviations == [deviation]  # noted once


@pytest.mark.one_in(3)
@pytest.mark.parametrize("more", [6, (5, 6), (200, 201, 202)])
def test_seeds_added_once_are_the_second_of_two_declared_looks(store, more):
    complete(replace(TUNED, stages=2), store, Formulas())
    levels = [judged(store).declaration.stages]
    complete(replace(TUNED, seeds=more), store, Formulas(), Telling())
    second = judged(store)
    assert [*levels, second.declaration.stages] == [2, 2]
    assert {one.untuned for one in second.confirmatory} <= {None, "best learning rate at an edge"}
    complete(replace(TUNED, seeds=(300,)), store, Formulas(), Telling())
    assert {one.untuned for one in judged(store).confirmatory} == {"more than two looks"}


def judged(store):
    return judgement_of(read_declaration(store.folder), store.records())


@pytest.mark.parametrize("stages", [0, 3, True, 1.0, "2"])
def test_other_numbers_of_looks_are_refused(stages):
    with pytest.raises(UsageError, match="expected 1 or 2 looks"):
        replace(TUNED, stages=stages)


def test_a_change_that_needs_no_new_trial_is_noted_too(store):
    complete(replace(TUNED, seeds=6), store, Formulas())
    watcher = Telling()
    complete(replace(TUNED, tune=3), store, Formulas(), watcher)
    assert any("differs from its declaration: tuning" in told for told in watcher.told)


def test_seeds_that_change_before_the_evaluation_are_no_second_look(store):
    with pytest.raises(KeyboardInterrupt):
        complete(TUNED, store, Formulas(stops_after=5))
    for seeds in (6, 7):
        complete(replace(TUNED, seeds=seeds), store, Formulas(), Telling())
    looks = [each.is_look for each in read_declaration(store.folder).deviations]
    assert looks == [False, True]


def test_two_processes_with_other_wishes_note_their_changes_once(store):
    other = replace(TUNED, opts="adam,lion", tune=3)
    with pytest.raises(KeyboardInterrupt):
        complete(TUNED, store, Formulas(stops_after=5))
    inner = Planner(other, store)

    class Interleaved(Formulas):
        def __call__(self, trials, store, context, watcher):
            super().__call__(trials, store, context, watcher)
            inner.plan()
            inner.declare()

    complete(TUNED, store, Interleaved())
    assert len(read_declaration(store.folder).deviations) == 1


def test_a_place_where_nothing_can_be_tuned_is_named_and_the_other_is_compared(store):
    watcher = Telling()
    asked = replace(TUNED, accelerators=("cpu", "gpu"))
    launcher = Formulas(refused=("gpu",))
    records = complete(asked, store, launcher, watcher)
    assert [told for told in watcher.told if "nothing is tuned on gpu 32-true: not here" in told]
    evaluated = [record for record in records if record.trial.purpose == "evaluation"]
    assert {record.trial.accelerator for record in evaluated} == {"cpu"}
    assert watcher.plans[-1].doing == "evaluation"
    assert {trial.purpose for trial in watcher.plans[-1].missing} == {"evaluation"}


def test_the_declaration_has_the_embedded_twin_of_unavailable_data(store):
    asked = replace(TUNED, problems=("logreg/mnist",))
    complete(asked, store, Formulas(unavailable=("mnist",)), Telling())
    declaration = read_declaration(store.folder)
    assert list(declaration.problems) == ["logreg/digits"]
    assert {each.problem for each in declaration.chosen} == {"logreg/digits"}
    assert list(declaration.margins) == ["logreg/digits"]


@pytest.mark.parametrize("lock_too", [False, True])
def test_a_declaration_that_cannot_be_written_ends_the_study_and_loses_nothing(
    lock_too, store, monkeypatch
):
    with pytest.raises(KeyboardInterrupt):
        complete(TUNED, store, Formulas(stops_after=8))
    before = (store.folder / FILE).read_bytes(), len(store.records())

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(store.folder / FILE))

    with monkeypatch.context() as patch:
        patch.setattr(
            "benchmark.declaring._alone" if lock_too else "benchmark.declaration.write_text", fail
        )
        with pytest.raises(OSError, match="No space left"):
            complete(TUNED, store, Formulas())
    assert (store.folder / FILE).read_bytes() == before[0]
    assert len(store.records()) >= before[1]
    complete(TUNED, store, Formulas())
    assert read_declaration(store.folder).margins
