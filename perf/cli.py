"""CPU time of ``--help`` and ``list``. Target: at most 0.3 s."""

import resource
import statistics
import subprocess
import sys

from _trials import report

REPEATS = 5


def cpu_seconds(*arguments: str) -> float:
    """Return user and system time of one call."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "benchmark", *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure both commands several times."""
    report(
        __file__,
        help_seconds=statistics.median(cpu_seconds("--help") for _ in range(REPEATS)),
        list_seconds=statistics.median(cpu_seconds("list", "optimizers") for _ in range(REPEATS)),
        target=0.3,
    )


if __name__ == "__main__":
    main()
