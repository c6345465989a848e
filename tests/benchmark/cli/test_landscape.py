import json
import re

import pytest

from benchmark.__main__ import main
from benchmark.workbench.landscape import figure

QUICK = ["--opts", "sgd,adam", "--surfaces", "beale", "--lrs", "0.1,0.01", "--steps", "10"]


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="landscape-data">(.*?)</script>', text, re.DOTALL)[1])


def test_a_page_is_written_and_said(capsys, tmp_path):
    assert main(["landscape", *QUICK]) == 0
    streams = capsys.readouterr()
    assert streams.out.startswith("wrote landscape.html, ")
    assert "2 optimizers, 1 surface, 2 learning rates, 10 steps" in streams.out
    assert streams.err.splitlines() == ["sgd", "adam", "landscape.html"]
    data = data_of(tmp_path / "landscape.html")
    assert data["lrs"] == [0.01, 0.1]
    assert [scene["name"] for scene in data["scenes"]] == ["beale"]
    assert data["view"] == {"start": 0, "noisy": False, "lr": "best"}


def test_what_a_page_shows_first_can_be_chosen(tmp_path):
    arguments = [*QUICK, "--start", "2", "--rate", "0.1", "--noisy", "--out", "mine.html"]
    assert main(["landscape", *arguments]) == 0
    assert data_of(tmp_path / "mine.html")["view"] == {"start": 1, "noisy": True, "lr": 0.1}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("kind", ["png", "gif"])
def test_format_follows_the_ending(tmp_path, kind):
    assert main(["landscape", *QUICK, "--out", f"walk.{kind}"]) == 0
    magic = {"png": b"\x89PNG", "gif": b"GIF8"}[kind]
    assert (tmp_path / f"walk.{kind}").read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--opts", "adm"], "unknown optimizer 'adm'. Did you mean 'adam'"),
        (["--surfaces", "beal"], "unknown surface 'beal'. Did you mean 'beale'?"),
        (["--lrs", "0.1,fast"], "expected positive numbers"),
        (["--lrs", "0.1,-1"], "expected positive numbers"),
        (["--lrs", ","], "expected positive numbers"),
        (["--steps", "0"], "--steps"),
        (["--noise", "-1"], "--noise"),
        (["--noise", "nan"], "expected a number >= 0 and <= 1e+06, got 'nan'"),
        (["--noise", "0", "--noisy"], "--noise 0 leaves it out"),
        (["--rate", "0.2"], "--rate: expected one of best, own, 0.01, 0.1, got '0.2'"),
        (["--start", "3"], "--start"),
        (["--out", "walk.pdf"], "expected an ending of html, png, gif, mp4"),
        (["--out", "walk.gif", "--format", "png"], "make them agree"),
        (["--out", "nowhere/walk.html"], "there is no folder"),
        (["--opts", "tests.plugins.coupled.Flat:lr=0.1"], "cannot run on surfaces"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(capsys, tmp_path, arguments, words):
    assert main(["landscape", *QUICK, *arguments]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert words in last
    assert list(tmp_path.iterdir()) == []


def test_an_mp4_without_ffmpeg_is_refused_before_the_work(capsys, monkeypatch):
    monkeypatch.setattr(figure, "can_write_mp4", lambda: False)
    assert main(["landscape", *QUICK, "--format", "mp4"]) == 2
    err = capsys.readouterr().err
    assert err == "Error: --format mp4 needs the program ffmpeg: install it, or take gif\n"
