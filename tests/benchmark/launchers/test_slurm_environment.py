"""The environment of Slurm's commands."""

import pytest

from benchmark.launchers import Limits
from benchmark.launchers.arrays import Arrays
from benchmark.launchers.slurm_environment import for_questions, for_script
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.store import Store

OWN = (
    "SBATCH_JOB_NAME SBATCH_OUTPUT SBATCH_ERROR SBATCH_ARRAY_INX SBATCH_OPEN_MODE SBATCH_TIMELIMIT "
    "SBATCH_CPUS_PER_TASK SBATCH_REQUEUE SBATCH_NO_REQUEUE SBATCH_WAIT SBATCH_CLUSTERS"
)


@pytest.fixture
def kept(tmp_path, trials_of, monkeypatch):
    """Return a function that returns which variables sbatch gets for a script with options."""

    def ask(names, *options):
        for name in set(names) - {"PATH", "HOME"}:
            monkeypatch.setenv(name, "x")
        arrays = Arrays(
            Limits(options=(SlurmOptions(options=options),)), Store(tmp_path, "a"), tmp_path
        )
        (array,) = arrays.divide(trials_of(), 100)
        return set(for_script(dict.fromkeys(names, "x"), arrays.script(array)))

    return ask


@pytest.mark.parametrize("name", OWN.split(" "))
def test_a_variable_does_not_outvote_what_the_suite_sets(kept, name):
    assert kept({name, "PATH", "SLURM_CONF"}) == {"PATH", "SLURM_CONF"}


@pytest.mark.parametrize(
    ("option", "gone"),
    [
        ("partition=gpu", {"SBATCH_PARTITION"}),
        ("part=gpu", {"SBATCH_PARTITION"}),
        ("account=me", {"SBATCH_ACCOUNT"}),
        ("exclusive", {"SBATCH_EXCLUSIVE"}),
        ("mem-per-cpu=4G", {"SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU", "SBATCH_MEM_PER_NODE"}),
        ("mem=4G", {"SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU", "SBATCH_MEM_PER_NODE"}),
        ("gpus-per-task=a100:1", {"SBATCH_GRES", "SBATCH_GPUS"}),
        ("switches=1", {"SBATCH_REQ_SWITCH", "SBATCH_WAIT4SWITCH"}),
        ("hint=nomultithread", {"SBATCH_HINT", "SLURM_HINT"}),
        ("nice=3", set()),
    ],
)
def test_an_option_beats_the_variables_that_mean_the_same_and_no_others(kept, option, gone):
    names = {
        *("SBATCH_PARTITION", "SBATCH_ACCOUNT", "SBATCH_EXCLUSIVE", "SBATCH_MEM_PER_CPU"),
        *("SBATCH_MEM_PER_GPU", "SBATCH_MEM_PER_NODE", "SBATCH_MEM_BIND", "SBATCH_GRES"),
        *("SBATCH_GPUS", "SBATCH_GRES_FLAGS", "SBATCH_REQ_SWITCH", "SBATCH_WAIT4SWITCH"),
        *("SBATCH_HINT", "SLURM_HINT", "SBATCH_QOS", "HOME"),
    }
    assert names - kept(names, option) == gone


def test_a_question_is_asked_without_the_filters_of_the_user():
    names = ("SQUEUE_STATES", "SACCT_LOCAL", "SLURM_CLUSTERS", "SLURM_CONF", "SBATCH_ACCOUNT")
    assert set(for_questions(dict.fromkeys(names, "x"))) == {"SLURM_CONF", "SBATCH_ACCOUNT"}
