"""The launcher of Slurm, with a simulated scheduler."""

import errno
import os
import re
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.__main__ import main
from benchmark.claims import claimed
from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.launchers import Limits
from benchmark.launchers.scheduler import Ending
from benchmark.launchers.slurm import SlurmLauncher
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.launchers.watchers import Together
from benchmark.record import Record
from benchmark.store import Store
from tests import fake_slurm
from tests.benchmark.launchers.seen import Seen
from tests.fake_slurm import FakeSlurm

pytestmark = pytest.mark.forks


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "study")


@pytest.fixture
def trials(trials_of):
    return trials_of(opts="adam,sgd", seeds=6)


@pytest.fixture
def slurm(store, monkeypatch):
    found = FakeSlurm(store)
    monkeypatch.setattr(time, "sleep", found.sleep)
    return found


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def launch(store, slurm, seen):
    """Return a function that launches trials and returns the statuses of their records."""

    def run(trials, *, workers=0, timeout=None, **options):
        limits = Limits(
            workers=workers, timeout_seconds=timeout, options=(SlurmOptions(**options),)
        )
        SlurmLauncher(limits, slurm)(trials, store, Context(), seen)
        return [_status(store, trial) for trial in trials]

    return run


def _status(store, trial):
    record = store.record(trial)
    return record and record.status


def _files(store, ending):
    return sorted((store.folder / "slurm").glob(f"*{ending}"))


def test_every_trial_has_a_record_and_is_told_of_once(launch, trials, seen, slurm):
    assert launch(trials) == ["done"] * 12
    assert sorted(record.trial.key for record in seen.records) == sorted(t.key for t in trials)
    assert set(slurm.ran.values()) == {1}
    assert seen.texts[0].startswith("Slurm job 100: 12 trials in 12 tasks of at most ")


@pytest.mark.parametrize("each", [1, 5, 12, 100])
def test_trials_per_job_are_the_most_of_each_task(launch, trials, slurm, each):
    assert launch(trials, trials_per_job=each) == ["done"] * 12
    assert f"--array=0-{-(-12 // each) - 1}\n" in slurm.scripts[0]


def test_a_task_that_has_gone_is_settled_soon_after_a_long_quiet_time(launch, trials, slurm):
    slurm.seconds = 1000
    slurm.deaths = {trials[0].key: [fake_slurm.KILLED]}
    ask, take, looks = slurm.queue, slurm.submit, []

    def queue():
        looks.append(slurm.now)
        return ask()

    def submit(script):
        looks.append("submitted")
        return take(script)

    slurm.queue, slurm.submit = queue, submit
    assert launch(trials[:1]) == ["done"]
    again = len(looks) - 1 - looks[::-1].index("submitted")
    assert looks[again - 1] - looks[again - 2] == 1
    assert looks[again - 2] - looks[again - 3] == 15


def test_tasks_that_are_lost_before_they_start_are_submitted_again(launch, trials, slurm):
    slurm.losses = {0, 1}
    assert launch(trials) == ["done"] * 12
    assert len(slurm.scripts) == 3


def test_trials_that_are_lost_again_and_again_fail(launch, trials, store, slurm):
    slurm.losses = set(range(100))
    assert launch(trials) == ["failed"] * 12
    reason = store.record(trials[0]).reason
    assert reason == "its Slurm task ended 20 times without a record: CANCELLED, exit code 0:0"


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (fake_slurm.TIMEOUT, "it reached its time limit of 00:05:00 on n1 (give more with --slurm"),
        (fake_slurm.OUT_OF_MEMORY, "it ran out of memory on n2 (give more with --slurm mem="),
        (fake_slurm.KILLED, "FAILED, exit code 0:9 on n1"),
        (fake_slurm.REFUSED, "FAILED, exit code 2:0 on n1"),
        (Ending(), "Slurm no longer knows why"),
    ],
)
def test_a_trial_that_dies_twice_with_its_task_fails_and_its_companions_run(
    launch, trials, store, slurm, seen, ending, reason
):
    slurm.deaths = {trials[2].key: [ending, ending], trials[4].key: [ending]}
    found = launch(trials, trials_per_job=4)
    assert found == ["failed" if i == 2 else "done" for i in range(12)]
    assert reason in store.record(trials[2]).reason
    assert slurm.ran[trials[2].key] == slurm.ran[trials[4].key] == 2
    assert len(seen.records) == 12


@pytest.mark.parametrize("ending", [fake_slurm.PREEMPTED, fake_slurm.NODE_FAIL])
def test_an_end_that_is_not_its_fault_is_no_death(launch, trials, slurm, ending):
    slurm.deaths = {trials[2].key: [ending] * 5, trials[7].key: [fake_slurm.KILLED, ending]}
    assert launch(trials, trials_per_job=4) == ["done"] * 12
    assert slurm.ran[trials[2].key] == 6


def test_workers_that_refuse_to_run_fail_all_trials_at_once(launch, trials, store, slurm):
    slurm.deaths = {trial.key: [fake_slurm.REFUSED] * 2 for trial in trials}
    launching = slurm.submit

    def submit(script):  # the worker says why
        for index in range(12):
            log = Path(script.split("--output=")[1].split("\n")[0].replace("%a", str(index)))
            log.write_text("first\nerror: no GPU here\n\n")
        return launching(script)

    slurm.submit = submit
    assert launch(trials, trials_per_job=12) == ["failed"] * 12
    assert len(slurm.scripts) == 2
    assert store.record(trials[11]).reason.endswith("exit code 2:0 on n1: error: no GPU here")


def test_a_first_job_that_slurm_refuses_is_one_line_and_leaves_no_file(
    launch, trials, slurm, store
):
    slurm.refusals = ["invalid partition specified: nope"]
    with pytest.raises(UsageError, match="^Slurm refuses the job: invalid partition specified"):
        launch(trials)
    assert slurm.calls["submit"] == 1
    assert not _files(store, "")


def test_a_later_refusal_is_tried_again_and_said_once(launch, trials, slurm, seen):
    slurm.array_limit = 5
    slurm.refusals = ["", "", "QOSMaxSubmitJobPerUserLimit", "QOSMaxSubmitJobPerUserLimit"]
    assert launch(trials) == ["done"] * 12
    refusals = [text for text in seen.texts if "QOS" in text]
    hint = "(--trials-per-job N makes fewer tasks)"
    assert refusals == [f"Slurm refuses a job for now: QOSMaxSubmitJobPerUserLimit {hint}"]


@pytest.mark.parametrize("limit", [1, 2, 5, 7, 11])
@pytest.mark.parametrize("each", [1, 2])
def test_a_limit_below_the_size_of_the_array_is_filled_and_refilled(
    launch, trials, slurm, seen, limit, each
):
    slurm.submit_limit = limit
    assert launch(trials, trials_per_job=each) == ["done"] * 12
    assert set(slurm.ran.values()) == {1}
    sizes = [int(script.split("--array=0-")[1].split("\n")[0]) + 1 for script in slurm.scripts]
    assert sum(sizes) == 12 // each
    assert slurm.calls["submit"] < 60
    assert sum("refuses a job for now" in text for text in seen.texts) == (limit < 12 // each)


def test_a_limit_is_waited_for_while_the_user_has_other_jobs(launch, trials, slurm, seen):
    slurm.others_until = 36_000
    assert launch(trials) == ["done"] * 12
    assert slurm.calls["submit"] < 5 * 36_000 / 15 / 20 + 30
    (refusal,) = [text for text in seen.texts if "refuses" in text]
    assert "--trials-per-job N" in refusal


def test_a_limit_that_allows_no_task_is_one_line(launch, trials, slurm, store):
    slurm.submit_limit = 0
    with pytest.raises(UsageError, match="Slurm refuses the job: .*--trials-per-job N"):
        launch(trials)
    assert slurm.calls["submit"] == 5  # 12 tasks, 6, 3, 2, 1
    assert not _files(store, "")


def test_refusals_without_end_are_one_line_once_no_job_runs(launch, trials, slurm, store):
    slurm.array_limit = 5
    slurm.refusals = ["", *["AssocGrpSubmitJobsLimit"] * 1000]
    with pytest.raises(UsageError, match="AssocGrpSubmitJobsLimit"):
        launch(trials)
    assert [_status(store, trial) for trial in trials] == ["done"] * 5 + [None] * 7
    assert len(_files(store, ".sh")) == 1


def test_arrays_are_no_larger_than_slurm_allows_and_share_the_workers(launch, trials, slurm):
    slurm.array_limit = 5
    assert launch(trials, trials_per_job=1, workers=6) == ["done"] * 12
    arrays = [script.split("--array=")[1].split("\n")[0] for script in slurm.scripts]
    assert arrays == ["0-4%2", "0-4%2", "0-1%2"]


def test_detached_trials_are_only_submitted_and_a_later_call_watches_them(
    launch, trials, slurm, seen
):
    assert launch(trials, detach=True) == [None] * 12
    assert "The same command again, without --detach, watches these jobs." in seen.texts
    assert launch(trials) == ["done"] * 12
    assert "Watching Slurm jobs 100, which were submitted earlier." in seen.texts
    assert len(slurm.scripts) == 1


def test_detaching_tells_of_trials_that_slurm_did_not_take(launch, trials, slurm, seen):
    slurm.array_limit = 5
    slurm.refusals = ["", *["MaxJobCount"] * 4]  # of 5 tasks, 3, 2, 1
    assert launch(trials, detach=True) == [None] * 12
    hint = "(--trials-per-job N makes fewer tasks)"
    assert f"Slurm did not take 7 trials: MaxJobCount {hint}" in seen.texts
    assert seen.texts[-1].endswith("watches these jobs and submits the others.")
    assert launch(trials) == ["done"] * 12
    assert set(slurm.ran.values()) == {1}


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "momentum", "--against", "adam", "--budget", "2", "--on"),
        ("run", "--opts", "adam,momentum", "--tune", "2", "--problem"),
    ],
)
def test_each_detached_call_of_a_tuned_study_submits_its_next_stage(
    store, slurm, digits, monkeypatch, capsys, words
):
    monkeypatch.setattr("benchmark.launchers.slurm.Slurm", lambda: slurm)
    asked = [*words, "logreg/digits", "--seeds", "2", "--epochs", "1", "--no-reuse-baselines"]
    asked += ["--study", store.study, "--results", str(store.folder.parent), "--wandb", "disabled"]
    calls = [_detached(asked, slurm) for _ in range(4)]
    found = Counter(record.trial.purpose for record in store.records())
    out = " ".join(capsys.readouterr().out.split())
    assert [code for code, _ in calls] == [1, 1, 1, 0]
    assert [jobs for _, jobs in calls] == [1, 2, 3, 3]
    assert found == {"tuning": 8, "evaluation": 4}
    assert set(slurm.ran.values()) == {1}
    assert "4 trials without a record: another process or a job has them" in out


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_sigterm_cancels_the_jobs_of_a_command_as_ctrl_c_does(
    store, slurm, digits, monkeypatch, capsys, signum
):
    monkeypatch.setattr("benchmark.launchers.slurm.Slurm", lambda: slurm)
    slurm.seconds = 1000
    ask = slurm.queue

    def queue():
        if slurm.scripts and not slurm.cancelled:
            os.kill(os.getpid(), signum)
        return ask()

    monkeypatch.setattr(slurm, "queue", queue)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    words = ["--problem", "logreg/digits", "--opts", "adam", "--study", store.study]
    words += ["--results", str(store.folder.parent), "--wandb", "disabled", "--launcher", "slurm"]
    assert main(words) == 130
    assert slurm.cancelled == ["100"]
    assert "the same command goes on where it stopped" in capsys.readouterr().err
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def _detached(words, slurm):
    """Submit a stage of a study and let its jobs end; return the exit code and their number."""
    code = main([*words, "--launcher", "slurm", "--detach"])
    submitted = len(slurm.scripts)
    while slurm.queue():
        slurm.sleep(10)
    return code, submitted


@pytest.mark.parametrize("mutes", [0, 3])
@pytest.mark.parametrize("hides", [set(), {"100"}])
def test_jobs_of_a_killed_launcher_are_watched_and_their_trials_not_submitted_again(
    launch, trials, store, slurm, monkeypatch, hides, mutes, seen
):
    class Killed(BaseException):
        pass

    def killed():
        raise Killed

    ask = slurm.queue
    answers = iter([ask, ask, ask, killed, killed])
    monkeypatch.setattr(slurm, "queue", lambda: next(answers)())
    monkeypatch.setattr(slurm, "cancel", lambda jobs: None)  # a killed process cancels nothing
    with suppress(Killed):
        launch(trials)
    monkeypatch.setattr(slurm, "queue", ask)
    slurm.hides, slurm.mutes = hides, mutes if hides else 0  # squeue does not list the job
    missing = store.missing(trials)
    assert len(missing) == 10
    assert launch(missing) == ["done"] * 10
    assert [_status(store, trial) for trial in trials] == ["done"] * 12
    assert set(slurm.ran.values()) == {1}
    assert len(slurm.scripts) == 1
    assert any("Watching Slurm jobs 100, which were" in text for text in seen.texts)
    assert slurm.calls["living"] >= len(hides)


def test_a_silence_on_jobs_that_squeue_does_not_list_is_one_line_and_submits_nothing(
    launch, trials, slurm
):
    launch(trials, detach=True)
    slurm.hides, slurm.mutes = {"100"}, 100
    with pytest.raises(UsageError, match="Slurm does not answer: see what scontrol says"):
        launch(trials)
    assert len(slurm.scripts) == 1


def test_scontrol_is_asked_once_for_each_job_that_may_have_missing_trials(launch, trials, slurm):
    slurm.array_limit = 5
    assert launch(trials[:6]) == ["done"] * 6  # two jobs
    slurm.calls["living"] = 0
    assert launch(trials[6:]) == ["done"] * 6
    assert slurm.calls["living"] == 0
    assert launch(trials) == ["done"] * 12
    assert slurm.calls["living"] == len(slurm.scripts[:4])


def _raising(error):
    def function(*arguments):
        raise error

    return function


def test_an_interruption_cancels_the_jobs(launch, trials, slurm, seen, monkeypatch):
    monkeypatch.setattr(time, "sleep", _raising(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        launch(trials)
    assert slurm.cancelled == ["100"]
    assert seen.texts[-1] == "Cancelled Slurm jobs 100."
    assert slurm.queue() == []


def test_known_jobs_are_cancelled_before_squeue_is_asked(launch, trials, slurm, monkeypatch):
    def sleep(seconds):
        slurm.queue = _raising(KeyboardInterrupt)  # Ctrl-C again, as squeue does not answer
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        launch(trials)
    assert slurm.cancelled == ["100"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EIO, "Input/output error"),
        ValueError("x"),
    ],
)
def test_jobs_go_on_after_an_error_and_the_same_command_watches_them(
    launch, trials, store, slurm, seen, error
):
    look = store.time_of_record
    store.time_of_record = lambda trial: _raising(error)() if slurm.scripts else look(trial)
    with pytest.raises(type(error)):
        launch(trials)
    assert slurm.cancelled == []
    assert seen.texts[-1] == "Slurm jobs 100 go on: the same command again watches them."
    store.time_of_record = look
    missing = store.missing(trials)
    assert launch(missing) == ["done"] * len(missing)
    assert not store.missing(trials)
    assert len(slurm.scripts) == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("when", [3, 10, 30])
def test_passing_errors_of_a_file_system_are_waited_out(
    launch, trials, store, slurm, seen, number, when
):
    look, asked = store.time_of_record, []

    def time_of_record(trial):
        asked.append(trial)
        if when <= len(asked) < when + 5:
            raise OSError(number, os.strerror(number))
        return look(trial)

    store.time_of_record = time_of_record
    slurm.deaths = {trials[0].key: [fake_slurm.KILLED]}
    assert launch(trials, trials_per_job=4) == ["done"] * 12
    assert Counter(record.trial.key for record in seen.records) == {t.key: 1 for t in trials}
    assert sum("gives errors" in text for text in seen.texts) == 1


def test_the_id_of_each_job_is_kept_in_the_study(launch, trials, slurm, store):
    slurm.array_limit = 5
    launch(trials)
    ids = {path.stem: path.read_text() for path in _files(store, ".job")}
    assert sorted(ids.values()) == ["100\n", "101\n", "102\n"]
    assert sorted(ids) == [path.stem for path in _files(store, ".sh")]


def test_slurm_is_not_asked_for_its_limits_without_trials_to_submit(launch, trials, slurm):
    ask = slurm.most_tasks
    slurm.most_tasks = lambda: slurm.calls.update(["most_tasks"]) or ask()
    launch(trials)
    assert slurm.calls["queue"] > 3
    assert slurm.calls["most_tasks"] == 1


def test_a_job_is_cancelled_even_if_the_interruption_hides_its_id(
    launch, trials, slurm, monkeypatch
):
    take = slurm.submit

    def submit(script):
        take(script)
        raise KeyboardInterrupt

    monkeypatch.setattr(slurm, "submit", submit)
    with pytest.raises(KeyboardInterrupt):
        launch(trials)
    assert slurm.cancelled == ["100"]


def test_jobs_of_another_study_are_left_alone(launch, trials, slurm, tmp_path, trials_of, seen):
    others = trials_of(opts="momentum", seeds=3)
    other = Store(tmp_path, "other")
    detached = Limits(options=(SlurmOptions(detach=True),))
    SlurmLauncher(detached, slurm)(others, other, Context(), Seen())
    assert launch(trials, detach=True) == [None] * 12
    assert not any("earlier" in text for text in seen.texts)
    assert len(slurm.scripts) == 2


def test_a_silent_squeue_is_no_end_of_a_task(launch, trials, slurm):
    launching = slurm.submit

    def submit(script):
        slurm.silences = 5
        return launching(script)

    slurm.submit = submit
    assert launch(trials) == ["done"] * 12
    assert len(slurm.scripts) == 1
    assert slurm.calls["ending"] == 0


def test_records_are_read_while_squeue_is_silent_and_the_silence_is_said_once(
    launch, trials, slurm, store, seen
):
    ask, records_at = slurm.queue, []

    def queue():
        if not 3 <= slurm.calls["queue"] < 12:
            return ask()
        ask()  # time passes, trials end, and squeue says nothing
        records_at.append(len(seen.records))
        return None

    slurm.queue = queue
    assert launch(trials) == ["done"] * 12
    assert records_at[-1] > records_at[0] + 1
    assert sum("squeue does not answer" in text for text in seen.texts) == 1
    assert set(slurm.ran.values()) == {1}


@pytest.mark.parametrize("reason", ["Priority", "Resources", "JobArrayTaskLimit", "None", ""])
def test_usual_reasons_to_wait_are_not_told(launch, trials, slurm, seen, reason):
    slurm.reason = reason
    launch(trials)
    assert len(seen.texts) == 1


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("PartitionTimeLimit", "give the command again with --slurm time=MINUTES"),
        ("QOSMaxWallDurationPerJobLimit", "give the command again with --slurm time=MINUTES"),
        ("AssocMaxJobsLimit", "it starts once your other jobs have ended"),
        ("QOSGrpGRES", "another --slurm qos=NAME"),
        ("JobHeldUser", "scontrol release 100 lets it start"),
        ("launch failed requeued held", "scontrol release 100 lets it start"),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "another --slurm partition=NAME"),
        ("InvalidQOS", "another --slurm account=NAME or qos=NAME"),
        ("DependencyNeverSatisfied", "it never starts"),
        ("NewInThisVersion", ""),
    ],
)
def test_another_reason_to_wait_is_told_once_for_each_array_with_what_to_do(
    launch, trials, slurm, seen, reason, advice
):
    slurm.reason, slurm.array_limit = reason, 8
    assert launch(trials, trials_per_job=1) == ["done"] * 12
    told = [text for text in seen.texts if "wait" in text]
    kind = reason.split(",")[0]
    assert [text.split(" (")[0] for text in told] == [
        f"6 tasks of job 100 wait: {kind}",
        f"4 tasks of job 101 wait: {kind}",
    ]
    assert advice in told[0]


def test_a_squeue_that_stays_silent_is_one_line_before_anything_is_submitted(launch, trials, slurm):
    slurm.silences = 1000
    with pytest.raises(UsageError, match="Slurm does not answer"):
        launch(trials)
    assert not slurm.scripts


def test_a_failed_record_of_an_earlier_attempt_ends_no_trial(launch, trials, store, slurm):
    store.plan(trials)
    for trial in trials:
        store.write(Record(trial=trial, status="failed", reason="earlier"))
        os.utime(store.trial_folder(trial) / "record.json", (1, 1))
    slurm.failures = {trials[1].key}
    assert launch(trials) == ["done", "failed"] + ["done"] * 10
    assert store.record(trials[1]).reason == ""
    assert set(slurm.ran.values()) == {1}


def test_a_failure_is_recorded_once_no_other_process_has_the_trial(launch, trials, store, slurm):
    slurm.deaths = {trials[0].key: [fake_slurm.KILLED] * 2}
    store.plan(trials)
    holding = claimed(store.trial_folder(trials[0]))
    holding.__enter__()
    ask = slurm.queue

    def queue():
        if slurm.calls["queue"] == 40:
            assert _status(store, trials[0]) is None
            holding.__exit__(None, None, None)
        return ask()

    slurm.queue = queue
    others = trials[1:]
    launch(trials)
    assert slurm.calls["queue"] > 40
    assert [_status(store, trial) for trial in others] == ["done"] * 11
    assert _status(store, trials[0]) == "failed"


@pytest.mark.parametrize(
    "word", ["Partition=gpu", "--time=3", "time 3", "=3", "", "time=\n3", "-p"]
)
def test_malformed_options_are_one_line(word):
    with pytest.raises(UsageError, match="expected a long option of sbatch as NAME=VALUE"):
        SlurmLauncher(Limits(options=(SlurmOptions(options=(word,)),)))


@pytest.mark.parametrize("mutes", [0, 30])
@pytest.mark.parametrize("forgets", [False, True])
def test_tasks_that_squeue_does_not_list_are_watched_and_not_doubled(
    launch, trials, slurm, seen, mutes, forgets
):
    slurm.hides = {str(100 + i) for i in range(100)}
    slurm.mutes, slurm.forgets = mutes, forgets
    slurm.deaths = {trials[1].key: [fake_slurm.KILLED]}
    assert launch(trials) == ["done"] * 12
    assert sum(slurm.ran.values()) == 13  # one again after its death
    assert len(slurm.scripts) == 2
    assert sum("squeue does not list tasks of Slurm job 100, but" in t for t in seen.texts) <= 2


@pytest.mark.parametrize(
    "word",
    ["array=0-3", "output=x", "job-name=x", "wrap=ls", "wait", "clusters=a", "cluster=a", "arr=1"],
)
def test_options_that_the_launcher_sets_are_one_line(word):
    with pytest.raises(UsageError, match=f"--slurm {word.partition('=')[0]} is set by the suite"):
        SlurmLauncher(Limits(options=(SlurmOptions(options=(word,)),)))


@pytest.mark.parametrize("word", ["help", "usage", "version", "test-only", "hel", "test=1"])
def test_options_that_submit_nothing_are_one_line(word):
    with pytest.raises(UsageError, match=f"--slurm {word.partition('=')[0]} submits nothing"):
        SlurmLauncher(Limits(options=(SlurmOptions(options=(word,)),)))


def test_options_replace_those_of_the_launcher_and_are_quoted(launch, trials, slurm):
    launch(trials, options=("time=7", "partition=gpu", "comment=a 'b\" #c", "exclusive"))
    directives = [line for line in slurm.scripts[0].splitlines() if line.startswith("#SBATCH")]
    assert "#SBATCH --time=7" in directives
    assert "#SBATCH --exclusive" in directives
    assert '#SBATCH --comment="a \'b\\" #c"' in directives
    assert len([line for line in directives if "--time" in line]) == 1


def _minutes(script):
    return int(script.split("--time=")[1].split("\n")[0])


def test_the_time_of_a_task_follows_from_estimates_or_from_the_limit_of_a_trial(
    launch, trials, slurm, store, trials_of
):
    launch(trials, trials_per_job=12)
    launch(trials_of(epochs=4000), trials_per_job=1)
    launch(trials_of(opts="momentum", seeds=4), trials_per_job=4, timeout=600)
    short, long, limited = map(_minutes, slurm.scripts)
    assert short == 6
    assert long > 6
    assert limited == 5 + 4 * 10
    assert ["--timeout 600" in script for script in slurm.scripts] == [False, False, True]


def test_a_gpu_is_asked_for_unless_the_options_do(launch, trials_of, slurm):
    launch(trials_of(accelerators=("gpu",)))
    assert "#SBATCH --gres=gpu:1" in slurm.scripts[0]
    launch(trials_of(opts="sgd", accelerators=("gpu",)), options=("gpus-per-task=a100:1",))
    assert "--gres" not in slurm.scripts[1]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ((), ["mem=4000M", "mem=8000M"]),
        (("mem-per-cpu=4G",), ["mem-per-cpu=4G"] * 2),
        (("mem=0",), ["mem=0"] * 2),
        (("exclusive",), []),
        (("mem-bind=local",), ["mem=4000M", "mem-bind=local", "mem=8000M", "mem-bind=local"]),
    ],
)
def test_a_second_attempt_asks_for_twice_the_memory_unless_options_say_how_much(
    launch, trials, slurm, options, lines
):
    slurm.deaths = {trials[0].key: [fake_slurm.KILLED]}
    launch(trials, options=options)
    assert len(slurm.scripts) == 2
    assert re.findall(r"^#SBATCH --(mem.*)$", "\n".join(slurm.scripts), re.MULTILINE) == lines


NO_MEMORY = "sbatch: error: Memory specification can not be satisfied"


def test_a_second_attempt_has_the_usual_memory_where_no_node_has_twice_as_much(
    launch, trials, slurm
):
    slurm.deaths = {trials[0].key: [fake_slurm.KILLED]}
    slurm.refusals = ["", NO_MEMORY]
    assert launch(trials) == ["done"] * len(trials)
    found = re.findall(r"^#SBATCH --mem=(.*)$", "\n".join(slurm.scripts), re.MULTILINE)
    assert found[0] == found[-1] == "4000M"


def test_a_refusal_for_its_memory_says_who_asks_for_it(launch, trials, slurm):
    slurm.refusals = [NO_MEMORY] * 3
    with pytest.raises(UsageError, match=r"can not be satisfied \(the suite asks for mem: --slurm"):
        launch(trials)


def test_memory_that_a_variable_says_is_not_asked_for(launch, trials, slurm, monkeypatch):
    monkeypatch.setenv("SBATCH_MEM_PER_CPU", "4000")
    launch(trials)
    assert "--mem" not in slurm.scripts[0]


def test_a_preview_has_the_scripts_and_writes_nothing(trials, store, tmp_path):
    text = SlurmLauncher(Limits()).preview(trials, store)
    assert text.startswith("#!/bin/sh\n#SBATCH --job-name=benchmark-")
    assert "worker study --results" in text
    assert not list(tmp_path.iterdir())


def test_without_slurm_the_launcher_says_so_in_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="--launcher slurm needs sbatch"):
        SlurmLauncher().warm_up()


@pytest.mark.slow
def test_the_work_of_the_launcher_grows_no_faster_than_trials_and_nodes(
    tmp_path, trials_of, monkeypatch
):
    def num_calls(nodes):
        """Return how many functions are called for 100 trials on each node."""
        store = Store(tmp_path, f"study{nodes}")
        slurm = FakeSlurm(store, nodes=nodes, seconds=60)
        trials = trials_of(seeds=100 * nodes, epochs=3000)
        slurm.deaths = {trial.key: [fake_slurm.KILLED] for trial in trials[::50]}
        monkeypatch.setattr(time, "sleep", slurm.sleep)
        count = 0

        def note(frame, event, arg):
            nonlocal count
            count += event in ("call", "c_call")

        launcher = SlurmLauncher(Limits(workers=nodes), slurm)
        sys.setprofile(note)
        try:
            launcher(trials, store, Context(), Together())
        finally:
            sys.setprofile(None)
        assert not store.missing(trials)
        return count

    assert num_calls(16) < 1.2 * 2 * num_calls(8)
