import re
from pathlib import Path

import pytest

from optimizers.errors import UnknownNameError
from optimizers.pick import near, pick

TABLE = {"adam": 1, "adamw": 2, "SGD": 3}


def test_a_known_name_gives_its_row():
    assert pick(TABLE, "adamw", "optimizer") == 2


def test_an_unknown_name_is_met_with_near_ones_and_all():
    with pytest.raises(UnknownNameError) as caught:
        pick(TABLE, "adm", "optimizer")
    assert str(caught.value) == (
        "unknown optimizer 'adm'. Did you mean 'adam' or 'adamw'? Known: adam, adamw, SGD"
    )
    assert isinstance(caught.value, ValueError)


def test_nothing_is_suggested_for_a_name_like_no_other():
    with pytest.raises(UnknownNameError, match=r"^unknown model 'zzz'\. Known: adam, adamw, SGD$"):
        pick(TABLE, "zzz", "model")


def test_case_does_not_hide_a_near_name():
    assert near("sgd", TABLE) == " Did you mean 'SGD'?"


def test_one_function_says_what_an_import_path_is():
    root = Path(__file__).parents[2]
    files = [path for each in ("benchmark", "optimizers") for path in (root / each).rglob("*.py")]
    own = re.compile(r"""["']\.["'] (?:not )?in """)
    known = [path.name for path in files if own.search(path.read_text(encoding="utf-8"))]
    assert known == ["pick.py"]
