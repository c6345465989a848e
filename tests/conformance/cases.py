"""Parameters of the conformance tests: every optimizer of the table in every form of its rule."""

import os
import shutil

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance.references import CASES, class_of

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

with_torch = {name: case for name, case in CASES.items() if case.torch}
every_case_of_torchs = pytest.mark.parametrize("case", with_torch.values(), ids=with_torch)

_has_compiler = any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++")))
needs_compiler = pytest.mark.skipif(not _has_compiler, reason="no C++ compiler is installed")

every_row = pytest.mark.parametrize("row", OPTIMIZERS)


def kinds_of_state():
    """Yield the first row of each kind: by counters, and tensors that state is made of."""
    seen = set()
    for row in OPTIMIZERS:
        optimizer = class_of(row)([torch.nn.Parameter(torch.zeros(1))])
        kind = len(optimizer.counters), len(optimizer.state_names(optimizer.param_groups[0]))
        if kind not in seen:
            seen.add(kind)
            yield row


every_kind_of_state = pytest.mark.parametrize("row", list(kinds_of_state()))

# What groups may have beside the rule.
VARIANTS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "decay and maximize": {"weight_decay": 0.1, "maximize": True},
}
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
