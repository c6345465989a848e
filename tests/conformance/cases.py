"""Parameters of the conformance tests: every optimizer of the table in every form of its rule."""

import os
import shutil

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance.references import CASES, class_of
from tests.grids import quick_if

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

with_torch = {name: case for name, case in CASES.items() if case.torch}
every_case_of_torchs = pytest.mark.parametrize("case", with_torch.values(), ids=with_torch)

_has_compiler = any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++")))
needs_compiler = pytest.mark.skipif(not _has_compiler, reason="no C++ compiler is installed")

every_row = pytest.mark.parametrize("row", OPTIMIZERS)


def kinds_of_state():
    """Yield the first row of each kind: by counters, tensors of the state, and a whole rule."""
    seen = set()
    for row in OPTIMIZERS:
        optimizer = class_of(row)([torch.nn.Parameter(torch.zeros(1))])
        num_entries = len(optimizer.state_names(optimizer.param_groups[0]))
        kind = len(optimizer.counters), num_entries, hasattr(optimizer, "whole_rule")
        if kind not in seen:
            seen.add(kind)
            yield row


KINDS = list(kinds_of_state())
every_kind_of_state = pytest.mark.parametrize("row", KINDS)

# All, of which one row, or one form, of each kind of state is quick.
every_row_by_kind = pytest.mark.parametrize("row", quick_if(KINDS.__contains__, OPTIMIZERS))
_first_forms = {case.row: case for case in reversed(CASES.values())}
every_case_by_kind = pytest.mark.parametrize(
    "case", quick_if([_first_forms[row] for row in KINDS].__contains__, CASES.values())
)

# What groups may have beside the rule.
VARIANTS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "decay and maximize": {"weight_decay": 0.1, "maximize": True},
}
