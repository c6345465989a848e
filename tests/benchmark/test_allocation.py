"""The allocation of memory: page faults are counted in processes of their own, no time is taken."""

import ctypes
import os
import subprocess
import sys

import pytest

# 40 MB is more than what glibc keeps by default, so that every array is mapped and faulted anew.
_FAULTS = """
import numpy as np, resource
np.ones(5_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(5_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
_KEEP = "from benchmark.allocation import keep_freed_memory; keep_freed_memory()\n"
_PAGES = 5 * 40_000_000 // os.sysconf("SC_PAGE_SIZE")

pytestmark = pytest.mark.skipif(
    not (sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "mallopt")),
    reason="the C library is not glibc",
)


def faults(first, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", first + _FAULTS],
        env=inherited | {"NUMPY_MADVISE_HUGEPAGE": "0"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_freed_memory_is_used_again():
    assert faults(_KEEP) < _PAGES / 20


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_options_that_the_user_set_stay(name):
    value = "2" if name == "MALLOC_ARENA_MAX" else "glibc.malloc.arena_max=2"
    assert faults(_KEEP, **{name: value}) > _PAGES / 2


@pytest.mark.slow
def test_a_worker_keeps_freed_memory():
    assert faults("import benchmark.launchers.worker\n") < _PAGES / 20


def test_another_c_library_is_left_as_it_is(monkeypatch):
    from benchmark.allocation import keep_freed_memory

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)  # calling it is an error
    keep_freed_memory()
