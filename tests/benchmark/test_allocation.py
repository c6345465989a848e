"""The allocation of memory: page faults are counted in processes of their own, no time is taken."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from benchmark.allocation import keep_freed_memory

# 40 MB is more than what glibc keeps by default, so that every array is mapped and faulted anew.
# Huge pages are switched off (PR_SET_THP_DISABLE), as they would take a fault for 2 MiB.
_FAULTS = """
import ctypes, resource
import numpy as np
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)
np.ones(5_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(5_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
_KEEP = "from benchmark.allocation import keep_freed_memory; keep_freed_memory()\n"
_PAGES = 5 * 40_000_000 // os.sysconf("SC_PAGE_SIZE")

_NAME, _VERSION = platform.libc_ver()
_HAS_NO_LIMIT = _NAME == "glibc" and tuple(map(int, _VERSION.split("."))) >= (2, 35)
needs_glibc = pytest.mark.skipif(not _HAS_NO_LIMIT, reason="no glibc that keeps more than 32 MiB")


def faults(first, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", first + _FAULTS],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@needs_glibc
def test_freed_memory_is_used_again():
    assert faults(_KEEP) < _PAGES / 20


@needs_glibc
@pytest.mark.parametrize(
    ("name", "value", "stays"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "131072", True),
        ("MALLOC_ARENA_MAX", "2", False),
        ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=131072", True),
        ("GLIBC_TUNABLES", "glibc.pthread.rseq=1", False),
    ],
)
def test_thresholds_that_the_user_set_stay(name, value, stays):
    found = faults(_KEEP, **{name: value})
    assert found > _PAGES / 2 if stays else found < _PAGES / 20


@needs_glibc
@pytest.mark.slow
def test_a_worker_keeps_freed_memory():
    assert faults("import benchmark.launchers.worker\n") < _PAGES / 20


def test_another_c_library_is_left_as_it_is(monkeypatch):
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)  # calling it is an error
    keep_freed_memory()
