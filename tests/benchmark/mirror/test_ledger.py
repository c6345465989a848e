from hypothesis import given
from hypothesis import strategies as st

from benchmark.mirror.ledger import Ledger, has_left_over


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_left_where_every_run_is_whole(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.begin("a", "run-a")
        ledger.settle("a")
    assert files(tmp_path) == []


def record_of(key, folder):
    (folder / key).mkdir()
    (folder / key / "record.json").touch()


def test_a_run_whose_trial_has_no_record_goes_on_with_its_trial(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.begin("a", "run-a")
    assert not has_left_over(tmp_path)
    record_of("a", tmp_path)
    assert has_left_over(tmp_path)


def test_what_is_left_over_is_taken_over_once(tmp_path):
    record_of("b", tmp_path)
    with Ledger(tmp_path) as ledger:
        ledger.begin("a", "run-a")
        ledger.begin("b", "run-b")
        ledger.settle("a")
    assert has_left_over(tmp_path)
    with Ledger(tmp_path) as second:
        assert second.owed == {"b": "run-b"}
        second.settle("b")
    assert not has_left_over(tmp_path)
    assert files(tmp_path) == ["b"]


def test_what_a_living_process_has_is_left_to_it(tmp_path):
    record_of("a", tmp_path)
    with Ledger(tmp_path) as first:
        first.begin("a", "run-a")
        assert not has_left_over(tmp_path)
        with Ledger(tmp_path) as second:
            assert second.owed == {}
    assert has_left_over(tmp_path)


@given(
    lines=st.lists(
        st.sampled_from(["{", "[]", '{"key": 3, "run": "x"}', '{"key": "b"}', '"a"', "\x00"])
    )
)
def test_damaged_lines_are_skipped(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("study")
    text = "\n".join([*lines, '{"key": "a", "run": "r"}', '{"key": "tor'])
    (folder / "mirror-1.jsonl").write_text(text)
    with Ledger(folder) as ledger:
        assert ledger.owed == {"a": "r"}
        ledger.settle("a")


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Ledger(None) as ledger:
        ledger.begin("a", "run-a")
        assert ledger.owed == {"a": "run-a"}
    assert files(tmp_path) == []


def test_places_do_not_take_over_from_each_other(tmp_path):
    record_of("a", tmp_path)
    places = ["", "CSVLogger-12345678", "CSVLogger-87654321"]
    for place in places:
        with Ledger(tmp_path, place) as ledger:
            ledger.begin("a", f"run {place}")
    for place in places:
        with Ledger(tmp_path, place) as ledger:
            assert ledger.owed == {"a": f"run {place}"}
            ledger.settle("a")
    assert files(tmp_path) == ["a"]
