import logging
import warnings

import pytest

from benchmark.workbench.step_cost.notes import noting

COMPILER = logging.getLogger("torch._dynamo.convert_frame")


def test_warnings_are_gathered_each_once_in_one_line():
    with noting() as notes:
        for _ in range(2):
            warnings.warn("no compiler\n   here", stacklevel=1)
    assert notes == ["no compiler here"]


def test_a_compiler_that_gives_up_is_noted():
    with noting() as notes:
        COMPILER.warning("hit the limit (%d)\nadvice", 8)
        COMPILER.info("all is well")
    assert notes == ["hit the limit (8)"]


def test_afterwards_nothing_is_gathered():
    with pytest.raises(ArithmeticError), noting() as notes:
        raise ArithmeticError
    COMPILER.warning("later")
    assert notes == []
