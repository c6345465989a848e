import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import Misfit
from benchmark.mirror.tail import Tail


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def append(path, text):
    with path.open("a") as file:
        file.write(text)


@given(cuts=st.lists(st.integers(0, 200), max_size=8), torn=st.booleans())
def test_every_row_comes_once_wherever_the_writer_pauses(tmp_path_factory, cuts, torn):
    path = tmp_path_factory.mktemp("tail") / "metrics.jsonl"
    rows = [{"step": i, "val/loss": i / 7} for i in range(5)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    text = text[:-3] if torn else text
    tail, found, start = Tail(path), [], 0
    for end in [*sorted(cuts), len(text)]:
        append(path, text[start:end])
        found += tail.rows()
        start = max(start, end)
    found += tail.last_rows()
    assert found == (rows[:-1] if torn else rows)


def test_there_are_no_rows_before_there_is_a_file(path):
    tail = Tail(path)
    assert tail.rows() == []
    append(path, '{"step": 1}\n')
    assert tail.rows() == [{"step": 1}]


def test_a_last_line_without_its_end_is_a_row_once_nothing_follows(path):
    append(path, '{"step": 1}\n{"step": 2}')
    tail = Tail(path)
    assert tail.rows() == [{"step": 1}]
    assert tail.last_rows() == [{"step": 2}]


def test_a_log_that_replaces_it_is_not_mixed_with_it(path):
    append(path, '{"step": 1}\n')
    tail = Tail(path)
    assert tail.rows() == [{"step": 1}]
    path.unlink()
    append(path, '{"step": 7}\n{"step": 8}\n')
    assert tail.last_rows() == []


@pytest.mark.parametrize("line", ["[]", "{", '{"step": "a"}', '{"step": NaN}', '{"step": 1.5}'])
def test_a_damaged_line_is_a_misfit(path, line):
    append(path, line + "\n")
    with pytest.raises(Misfit):
        Tail(path).rows()


def test_a_pipe_is_refused_and_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(Misfit, match="no regular file"):
        Tail(path).rows()
