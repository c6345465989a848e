import pytest

from benchmark.__main__ import main


def test_compact_and_restore_say_where_things_are(studied, tmp_path, capsys):
    store = studied(seeds=2)
    assert main(["compact", "study", "--results", str(store.folder.parent)]) == 0
    file = store.folder.parent / "study.parquet"
    assert capsys.readouterr().out.startswith(f"wrote {file}: 4 trials, 0.0")
    other = tmp_path / "other"
    for words in ("4 trials restored", "0 trials restored, 4 were there already"):
        assert main(["restore", str(file), "--results", str(other)]) == 0
        out = capsys.readouterr().out
        assert out.splitlines() == [
            f"{other / 'study'}: {words}",
            f"its tables: python -m benchmark show study --results {other}",
        ]
    assert main(["show", "study", "--results", str(other)]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compact", "nothing"], "no study 'nothing'"),
        (["compact", "study", "--out", "no/such/a.parquet"], "in a folder that exists"),
        (["restore", "nothing.parquet"], "'nothing.parquet' does not exist"),
    ],
)
def test_bad_input_is_one_line(arguments, message, studied, capsys):
    store = studied(seeds=1)
    assert main([*arguments, "--results", str(store.folder.parent)]) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
