"""The commands of Slurm, played by shell scripts."""

import pytest

from benchmark.errors import UsageError
from benchmark.launchers.scheduler import ArrayTask, Ending, Slurm, SubmitError

LIVING = [
    "PENDING",
    "RUNNING",
    "SUSPENDED",
    "COMPLETING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_HOLD",
    "REQUEUE_FED",
    "RESIZING",
    "SIGNALING",
    "STAGE_OUT",
    "STOPPED",
    "SPECIAL_EXIT",
    "RESV_DEL_HOLD",
]
ENDS = [
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "TIMEOUT",
]


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that makes a shell script a command of Slurm."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def make(name, script):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    for name in ("sbatch", "squeue", "scontrol", "scancel"):
        make(name, "exit 0")
    make("sacct", "exit 1")
    return make


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("teller", ["scontrol", "sacct"])
def test_a_living_task_has_not_ended_whoever_says_so(command, state, teller):
    command("scontrol", "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1")
    said = {"scontrol": f"JobId=8 JobState={state} ExitCode=0:0", "sacct": f"{state}|0:0||1:00"}
    command(teller, f"echo '{said[teller]}'")
    ending = Slurm().ending("7", 1)
    assert ending.state == state
    assert not ending.is_over


@pytest.mark.parametrize("state", ENDS)
def test_a_task_in_a_last_state_has_ended(command, state):
    command("scontrol", f"echo 'JobId=8 JobState={state} ExitCode=0:9 NodeList=n1'")
    assert Slurm().ending("7", 1) == Ending(state=state, exit_code="0:9", node="n1")
    assert Ending(state=state).is_over


@pytest.mark.parametrize(
    "words",
    [
        "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1",
        "echo Job 7_1 not found; exit 1",  # of an array that has other tasks
        "echo Job 7_1 not found",
    ],
)
def test_a_forgotten_task_has_ended_and_sacct_may_know_how(command, words):
    command("scontrol", words)
    assert Slurm().ending("7", 1) == Ending()
    assert Ending().is_over
    command("sacct", "echo 'CANCELLED by 0|0:15|n1|1:00'")
    assert Slurm().ending("7", 1).state == "CANCELLED"


@pytest.mark.parametrize("words", ["Unable to contact slurm controller", "Socket timed out", ""])
def test_silence_is_no_end(command, words):
    command("scontrol", f"echo '{words}' >&2; exit 1")
    assert Slurm().ending("7", 1) is None


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("teller", ["scontrol", "sacct"])
def test_the_living_tasks_of_an_array_are_those_that_have_not_ended(command, state, teller):
    command("scontrol", "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1")
    lines = {
        "scontrol": [
            f"JobId={job} ArrayJobId=7 ArrayTaskId={ids} JobName=benchmark-ab JobState={now} Q=1"
            for job, ids, now in ((7, "4-5,9%2", state), (8, "0", "COMPLETED"), (9, "2", state))
        ],
        "sacct": [
            f"7_{ids}|{now}|benchmark-ab"
            for ids, now in (("[4-5,9%2]", state), ("0", "CANCELLED by 0"), ("2", state))
        ],
    }
    command(teller, "\n".join(f"echo '{line}'" for line in lines[teller]))
    assert Slurm().living("7") == [
        ArrayTask(job="7", index=index, name="benchmark-ab", state=state) for index in (4, 5, 9, 2)
    ]


@pytest.mark.parametrize("state", ENDS)
def test_an_array_whose_tasks_have_ended_has_no_living_task(command, state):
    command("scontrol", f"echo 'JobId=7 ArrayTaskId=0 JobName=benchmark-ab JobState={state}'")
    assert Slurm().living("7") == []


def test_a_forgotten_array_has_no_living_task_and_silence_is_no_answer(command):
    command("scontrol", "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1")
    assert Slurm().living("7") == []
    command("scontrol", "echo Unable to contact slurm controller >&2; exit 1")
    assert Slurm().living("7") is None


def test_lists_of_tasks_are_asked_for_whole(command):
    command("scontrol", 'echo "JobState=PENDING ArrayTaskId=$SLURM_BITSTR_LEN JobName=x"')
    assert [task.index for task in Slurm().living("7")] == [0]


@pytest.mark.parametrize(
    "name", ["SQUEUE_STATES", "SQUEUE_PARTITION", "SQUEUE_FORMAT", "SLURM_CLUSTERS", "SCANCEL_NAME"]
)
def test_variables_that_change_an_answer_are_not_passed_on(command, monkeypatch, name):
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SLURM_CONF", "kept")
    command("squeue", f'[ -z "${name}" ] && [ "$SLURM_CONF" = kept ] && echo "7|1|RUNNING|None|a"')
    assert [task.job for task in Slurm().queue()] == ["7"]


def test_a_queue_has_tasks_with_their_reasons_and_other_jobs(command):
    lines = ("7|1|PENDING|ReqNodeNotAvail, UnavailableNodes:n1|a|b", "8|N/A|RUNNING|None|x", "bad")
    command("squeue", "\n".join(f"echo '{line}'" for line in lines))
    assert Slurm().queue() == [
        ArrayTask(
            job="7",
            index=1,
            name="a|b",
            state="PENDING",
            reason="ReqNodeNotAvail, UnavailableNodes:n1",
        ),
        ArrayTask(job="8", index=-1, name="x", state="RUNNING", reason="None"),
    ]


@pytest.mark.parametrize(
    ("printed", "job"), [("12", "12"), ("12;north", "12"), ("Welcome to 3 nodes\n12;north", "12")]
)
def test_the_id_of_a_job_is_its_number(command, printed, job):
    command("sbatch", f"echo '{printed}'")
    assert Slurm().submit("#!/bin/sh") == job


@pytest.mark.parametrize("printed", ["", "Usage: sbatch", "slurm-wlm 22.05.8", "1 2"])
def test_an_sbatch_that_prints_no_id_is_one_line(command, printed):
    command("sbatch", f"echo '{printed}'")
    with pytest.raises(UsageError, match="was expected to print a job id, but printed"):
        Slurm().submit("#!/bin/sh")


def test_a_refusal_has_the_words_of_sbatch(command):
    command("sbatch", '[ "$1" = --version ] || { echo sbatch: error: no >&2; exit 1; }')
    with pytest.raises(SubmitError, match="^no$"):
        Slurm().submit("#!/bin/sh")


def test_sbatch_obeys_the_script_rather_than_the_environment(command, monkeypatch):
    monkeypatch.setenv("SBATCH_PARTITION", "other")
    monkeypatch.setenv("SBATCH_ACCOUNT", "mine")
    command(
        "sbatch", '[ "$1" = --version ] || echo "7;$SBATCH_PARTITION$SBATCH_ACCOUNT" | grep ";mine"'
    )
    assert Slurm().submit("#!/bin/sh\n#SBATCH --partition=gpu\n") == "7"


def test_the_greatest_array_is_asked_for_until_slurm_answers_and_then_known(command, tmp_path):
    log = tmp_path / "log"
    command("scontrol", f"echo asked >> {log}; exit 1")
    slurm = Slurm()
    assert slurm.most_tasks() == 1001
    command("scontrol", f"echo asked >> {log}; echo 'MaxArraySize            = 50'")
    assert [slurm.most_tasks(), slurm.most_tasks(), slurm.most_tasks()] == [50] * 3
    assert log.read_text().split() == ["asked"] * 2


@pytest.mark.parametrize(
    ("words", "is_too_much"),
    [
        (
            "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            True,
        ),
        ("AssocMaxSubmitJobLimit", True),
        ("QOSMaxSubmitJobPerUserLimit", True),
        ("AssocGrpSubmitJobsLimit", True),
        ("Batch job submission failed: Invalid job array specification", True),
        ("Batch job submission failed: Resource temporarily unavailable", True),
        ("Batch job submission failed: Invalid partition name specified", False),
        ("Batch job submission failed: Requested time limit is invalid", False),
        ("invalid partition specified: nope", False),
    ],
)
def test_refusals_by_limits_of_jobs_are_known_from_their_words(words, is_too_much):
    assert SubmitError(words).is_too_much == is_too_much
