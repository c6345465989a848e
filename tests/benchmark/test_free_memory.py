import math

import pytest

from benchmark.free_memory import free_memory

GB = 2**30


@pytest.fixture
def machine(tmp_path):
    """Return a function that makes a machine with 8 GB free, and asks for the free memory."""

    def ask(group="/", **limits):
        proc, groups = tmp_path / "proc", tmp_path / "cgroup"
        (proc / "self").mkdir(parents=True)
        (proc / "meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable: {8 * GB // 1024} kB\n")
        (proc / "self" / "cgroup").write_text(f"1:memory:/old\n0::{group}\n")
        for name, (limit, used) in limits.items():
            folder = groups / name.replace("__", "/").strip("/")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "memory.max").write_text(f"{limit}\n")
            (folder / "memory.current").write_text(f"{used}\n")
        return free_memory(proc, groups)

    return ask


def test_without_a_limit_it_is_what_the_machine_has(machine):
    assert machine() == 8 * GB


def test_max_is_no_limit(machine):
    assert machine("/job", job=("max", GB)) == 8 * GB


@pytest.mark.parametrize("place", ["slurm", "slurm__job", "slurm__job__step"])
def test_the_tightest_limit_above_the_process_counts(machine, place):
    limits = {"slurm": (6 * GB, 0), place: (3 * GB, GB)}
    assert machine("/slurm/job/step", **limits) == 2 * GB


def test_limits_of_others_do_not_count(machine):
    assert machine("/slurm/mine", slurm__others=(GB, 0)) == 8 * GB


def test_what_is_beyond_a_limit_is_nothing(machine):
    assert machine("/job", job=(GB, 2 * GB)) == 0


def test_on_another_system_it_is_a_guess(tmp_path):
    assert 0 < free_memory(tmp_path, tmp_path) <= math.inf
