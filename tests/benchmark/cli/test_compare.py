"""``compare``, as its users call it."""

import json

import pytest

from benchmark.__main__ import main

QUICK = ["--on", "logreg/digits", "--epochs", "1", "--wandb", "disabled"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_plan_says_what_is_tuned_and_how_much_follows(capsys):
    words = ["compare", "lion", *QUICK, "--budget", "8", "--against", "adam,sgd", "--dry-run"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "adam (tuned over lr), sgd (tuned over lr), lion (tuned over lr)" in out
    assert "24 to run for tuning, then about 42 more" in out
    assert "results/compare-lion" in out


def test_your_own_ranges_of_a_baseline_have_a_name_of_their_own(capsys):
    words = ["compare", "adam@mine:lr=1e-3..1e-1", *QUICK, "--against", "adam", "--dry-run"]
    assert main(words) == 0
    assert "adam (tuned over lr), mine (tuned over lr)" in capsys.readouterr().out


def test_a_grid_is_not_called_tuned(capsys):
    assert main(["compare", "sgd@g:lr=0.1|0.01", *QUICK, "--against", "adam", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "adam (tuned over lr), g lr=0.1 (as given), g lr=0.01 (as given)" in out


def test_the_plan_changes_nothing_and_may_be_asked_for_again(capsys, tmp_path):
    words = ["compare", "lion", *QUICK, "--budget", "2", "--dry-run"]
    outputs = []
    for _ in range(2):
        assert main(words) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert list(tmp_path.iterdir()) == []


def test_options_may_stand_in_a_file(capsys, tmp_path):
    text = 'budget = 2\non = "logreg/digits"\nagainst = "adam"\nepochs = 1\nseeds = 2\n'
    (tmp_path / "c.toml").write_text(text)
    assert main(["compare", "lion", "--config", "c.toml", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to run"], found["later"]) == (4, 8)


def test_the_plan_as_json(capsys):
    assert main(["compare", "lion", *QUICK, "--budget", "2", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to run"], found["later"]) == (8, 48)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "unknown optimizer 'nosuch'"),
        (["adam", "--against", "nosuch"], "unknown optimizer 'nosuch'"),
        (["adam", "--budget", "0"], "whole number from 1"),
        (["adam", "--on", "nosuch"], "unknown problem 'nosuch'"),
        (["adam", "--on", "nosuch.Net/digits"], "nosuch"),
        (["adam", "--sampler", "nosuch"], "unknown sampler 'nosuch'"),
        (["adam", "--space", "nosuch"], "unknown space 'nosuch'"),
        (["adam:lr=1e-2..1e-3"], "the smaller end first"),
        (["adam", "--seeds", "10000-10002"], "below 10,000"),
        (["adam", "--against", "adam"], "'adam' would be compared only with itself"),
        (["adam:lr=1e-3..1e-1"], "as in adam@mine:"),
        (["adam:lr=1e-3..1e-1,lion"], "as in adam@mine:"),
        (["adam:lr=1e-3..1e-1", "--against", "adam"], "as in adam@mine:"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, words, message):
    assert main(["compare", *words, "--wandb", "disabled"]) == 2
    err = capsys.readouterr().err.strip()
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.slow
def test_one_command_ends_in_a_verdict_and_the_same_command_only_prints_it(capsys):
    command = ["compare", "lion", *QUICK, "--budget", "4", "--against", "adam", "--seeds", "5"]
    assert main(command) == 0
    first = capsys.readouterr().out
    sentence = next(line for line in first.splitlines() if line.startswith("lion ("))
    assert "on logreg/digits" in sentence
    assert main(command) == 0
    again = capsys.readouterr().out
    assert sentence in again
    assert "all trials were on record" in again
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sentences"][0] == sentence
    assert found["reference"] == "adam"
    assert {table["optimizer"].split()[0] for table in found["tables"]} == {"adam", "lion"}


@pytest.mark.slow
def test_more_seeds_are_a_second_stage(capsys):
    command = ["compare", "lion", *QUICK, "--budget", "2", "--against", "adam"]
    assert main([*command, "--seeds", "5"]) == 0
    assert main([*command, "--seeds", "6"]) == 0
    out = capsys.readouterr().out
    assert "Deviation from the declaration" in out
    assert "seeds: 0, 1, 2, 3, 4, now 0, 1, 2, 3, 4, 5" in out
