"""Options of the launcher ``slurm``."""

from dataclasses import dataclass

from benchmark.launchers.options import Flag, LauncherOptions, option


@dataclass(frozen=True, kw_only=True)
class SlurmOptions(LauncherOptions):
    """Options of the launcher ``slurm``.

    Args:
        options: Long options of sbatch without dashes, such as ``partition=gpu``; they replace
            those that the launcher sets from the trials, such as ``time``.
        trials_per_job: Trials that one task of an array job runs; 0 for as many as take it some
            minutes.
        detach: Submit, and do not wait.
    """

    options: tuple[str, ...] = option(
        (),
        Flag(
            name="--slurm",
            metavar="OPTION=VALUE",
            help="Long option of sbatch for --launcher slurm, such as partition=gpu, time=30 or "
            "gres=gpu:1; may be given several times.",
        ),
    )
    trials_per_job: int = option(
        0,
        Flag(
            name="--trials-per-job",
            help="Trials in one task of a Slurm job; auto fills some ten minutes.",
        ),
    )
    detach: bool = option(
        False,
        Flag(
            name="--detach",
            help="Submit to Slurm and return; the same command without --detach watches the jobs.",
        ),
    )
