"""Allocation of memory in processes that train: freed memory stays with the process.

By default glibc gives large freed blocks back to the system, which then hands out each page anew
at the next step: an optimizer that makes temporary tensors as large as its parameters spends most
of its step in page faults, or does not, as blocks happen to lie (docs/performance.md).
"""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt, from glibc's malloc.h
_VARIABLES = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"}
_MOST_BYTES = (2**30, 2**25)  # the second is the most that older versions take


def keep_freed_memory() -> None:
    """Let this process, and those forked from it, reuse large freed blocks.

    Nothing changes where the C library is not glibc, or where the user set these thresholds by
    environment variables.
    """
    if not sys.platform.startswith("linux"):
        return
    if _VARIABLES & os.environ.keys() or "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", ""):
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return
    for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
        any(set_option(option, size) for size in _MOST_BYTES)  # returns 0 for what it refuses
