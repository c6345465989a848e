import pytest

from benchmark.launchers.log import MOST_BYTES, bound_log


@pytest.mark.parametrize("size", [0, 1, MOST_BYTES])
def test_a_log_that_is_short_enough_stays_as_it_is(tmp_path, size):
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * size)
    bound_log(path)
    assert path.read_bytes() == b"x" * size


def test_a_long_log_keeps_its_first_and_its_last_words(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"first words" + b"x" * 2 * MOST_BYTES)
    with path.open("ab") as log:
        for _ in range(3):
            bound_log(path)
            log.write(b"y" * MOST_BYTES + b"last words")
            log.flush()
        bound_log(path)
    text = path.read_bytes()
    assert len(text) <= MOST_BYTES
    assert text.startswith(b"first words")
    assert text.endswith(b"last words")
    assert text.count(b"the middle of this log is left out") == 1
