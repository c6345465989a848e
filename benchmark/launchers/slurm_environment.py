"""The environment of Slurm's commands: variables of the user that would change what they do.

sbatch prefers a variable to a line of its script, so those of options that the script sets are left
out; others, such as an account that the user exports, are kept.
"""

import re
from collections.abc import Mapping

_CHANGES_AN_ANSWER = (  # or asks another cluster
    *("SQUEUE_", "SCONTROL_", "SCANCEL_", "SACCT_"),
    *("SLURM_CLUSTERS", "SLURM_EXIT_ERROR", "SLURM_TIME_FORMAT", "SLURM_BITSTR_LEN"),
)
_OWN = ("array", "clusters", "error", "job-name", "no-requeue", "output", "requeue", "wait")
_OPTION = re.compile(r"^#SBATCH --([a-z0-9-]+)", re.MULTILINE)
_UNLIKE_ITS_OPTION = {  # others are SBATCH_ and the option in capitals
    "SBATCH_ACCTG_FREQ": "acctg-freq",
    "SBATCH_ARRAY_INX": "array",
    "SBATCH_MEM_PER_NODE": "mem",
    "SBATCH_REQ_SWITCH": "switches",
    "SBATCH_TIMELIMIT": "time",
    "SBATCH_WAIT4SWITCH": "switches",
    "SLURM_HINT": "hint",
}
_RIVALS = (  # options of which sbatch refuses two, or adds them up
    frozenset({"mem", "mem-per-cpu", "mem-per-gpu"}),
    frozenset({"gres", "gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket"}),
)


def for_questions(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `variables` for a command that looks at jobs or cancels them."""
    return {name: v for name, v in variables.items() if not name.startswith(_CHANGES_AN_ANSWER)}


def for_script(variables: Mapping[str, str], script: str) -> dict[str, str]:
    """Return the variables of `variables` for sbatch, without those that outvote `script`."""
    given = {*_OWN, *_OPTION.findall(script)}
    for rivals in _RIVALS:
        if given & rivals:
            given |= rivals
    return {
        name: value
        for name, value in for_questions(variables).items()
        if not any(_means(option, _option(name)) for option in given)
    }


def _option(variable: str) -> str:
    """Return the option of sbatch that a variable sets, "" if none."""
    if variable in _UNLIKE_ITS_OPTION:
        return _UNLIKE_ITS_OPTION[variable]
    _, is_of_sbatch, name = variable.partition("SBATCH_")
    return name.lower().replace("_", "-") if is_of_sbatch else ""


def _means(given: str, option: str) -> bool:
    """Return whether sbatch reads `given`, perhaps only the beginning of a name, as `option`.

    >>> _means("part", "partition"), _means("mem", "mem-bind")
    (True, False)
    """
    return given == option or (option.startswith(given) and option[len(given)] != "-")
