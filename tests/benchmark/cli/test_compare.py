"""``compare``, as its users call it."""

import json
from dataclasses import replace

import pytest

from benchmark.__main__ import main
from benchmark.cli.compare import _check
from benchmark.declaration import FILE
from benchmark.declaring import declared
from benchmark.errors import UsageError
from benchmark.record import Record
from benchmark.request import Request
from benchmark.store import Store

QUICK = ["--on", "logreg/digits", "--epochs", "1", "--wandb", "disabled"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_plan_says_what_is_tuned_and_how_much_follows(capsys):
    words = ["compare", "lion", *QUICK, "--budget", "8", "--against", "adam,sgd", "--dry-run"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "adam (tuned over lr), sgd (tuned over lr), lion (tuned over lr)" in out
    assert "24 to run for tuning, then about 60 more" in out
    assert "reference   adam, against sgd, lion" in out
    assert "warning" not in out
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


def test_the_plan_says_what_will_keep_the_study_from_a_verdict(capsys):
    words = ["compare", "lion", "sgd:lr=0.1", *QUICK, "--against", "adam", "--seeds", "3"]
    assert main([*words, "--dry-run"]) == 0
    warnings = [w for w in capsys.readouterr().out.splitlines() if w.startswith("warning")]
    assert len(warnings) == 2
    assert "no verdict on sgd lr=0.1 against adam: not tuned by the study" in warnings[0]
    assert "cure: --seeds 10" in warnings[1]
    assert main([*words, "--dry-run", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["warnings"]) == 2


def test_the_plan_says_at_which_level_each_of_two_looks_is_and_how_to_make_the_second(capsys):
    words = ["compare", "lion", *QUICK, "--budget", "2", "--stages", "2", "--dry-run"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "looks       2 are declared, with verdicts at the level 2.5 % each" in out
    assert "the second is this command with --seeds 10-19" in out


OWN = ("compare-lion", "compare-lion-2")


@pytest.mark.parametrize(
    ("purpose", "more", "study"),
    [
        ("evaluation", [], OWN[0]),  # goes on
        ("evaluation", ["--budget", "4"], OWN[1]),
        ("evaluation", ["--against", "sgd"], OWN[1]),
        ("evaluation", ["--seeds", "12"], OWN[1]),
        ("evaluation", ["--on", "logreg/digits,mlp/digits"], OWN[0]),  # more problems are no look
        ("evaluation", ["--on", "mlp/digits"], OWN[1]),
        ("evaluation", ["--on", "mlp/digits", "--study", OWN[0]], OWN[0]),
        ("tuning", ["--on", "mlp/digits"], OWN[0]),
        ("evaluation", ["--budget", "4", "--study", OWN[0]], OWN[0]),
        ("tuning", ["--budget", "4"], OWN[0]),
    ],
)
def test_another_comparison_of_the_same_optimizer_keeps_its_verdicts(
    capsys, tmp_path, purpose, more, study
):
    asked = Request(problems=("logreg/digits",), opts="adam,lion", tune=2, epochs=1, seeds=10)
    first = asked.study(OWN[0])
    declared(tmp_path / "results" / OWN[0], first.declaration("adam"), list)
    trial = replace(first.trials()[0], purpose=purpose)
    Store(tmp_path / "results", OWN[0]).write(Record(trial=trial, status="done", metrics={}))
    words = ["compare", "lion", *QUICK, "--against", "adam", "--budget", "2", *more, "--dry-run"]
    assert main(words) == 0
    out, said = capsys.readouterr()
    assert f"results/{study}," in out
    assert ("so this one is compare-lion-2" in said) == (study == OWN[1])


@pytest.mark.parametrize("verb", ["compare", "show", "report"])
@pytest.mark.parametrize("stages", [0, 3])
def test_a_wrong_number_of_looks_in_the_declaration_is_one_line(capsys, tmp_path, verb, stages):
    study = tmp_path / "results" / "s"
    asked = Request(problems=("logreg/digits",), opts="adam,lion", tune=2).study("s")
    declared(study, asked.declaration("adam"), list)
    text = (study / FILE).read_text()
    (study / FILE).write_text(text.replace("stages = 1", f"stages = {stages}"))
    [trial, *_] = asked.trials()
    Store(tmp_path / "results", "s").write(Record(trial=trial, status="done", metrics={}))
    words = ["lion", *QUICK, "--study", "s", "--dry-run"] if verb == "compare" else ["s"]
    assert main([verb, *words]) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert f"expected 1 or 2 looks at the evaluation seeds, got {stages}" in line


@pytest.mark.parametrize("step", ["return None", "raise RuntimeError('no')"])
def test_a_failed_check_says_that_the_study_goes_on(capsys, tmp_path, monkeypatch, step):
    source = f"""
import torch

class Lazy(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, dict(lr=lr))

    def step(self, closure=None):
        {step}
"""
    (tmp_path / f"lazy_{len(step)}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    _check(f"lazy_{len(step)}.Lazy", "lr", quiet=False)
    lines = capsys.readouterr().out.splitlines()
    assert "the study goes on, because" in lines[-1]
    assert len(lines) > 1


def test_a_check_that_cannot_be_made_says_that_the_study_does_not_start(tmp_path, monkeypatch):
    source = (
        "import torch\n\nclass Odd(torch.optim.SGD):\n    def __init__(self, params, lr=0.1):\n"
    )
    (tmp_path / "odd.py").write_text(source + "        raise ValueError('only for trees')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="The study does not start"):
        _check("odd.Odd", "lr", quiet=False)


def test_options_may_stand_in_a_file(capsys, tmp_path):
    text = 'budget = 2\non = "logreg/digits"\nagainst = "adam"\nepochs = 1\nseeds = 2\n'
    (tmp_path / "c.toml").write_text(text)
    assert main(["compare", "lion", "--config", "c.toml", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to run"], found["later"]) == (4, 12)


def test_the_plan_as_json(capsys):
    assert main(["compare", "lion", *QUICK, "--budget", "2", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to run"], found["later"]) == (8, 56)


@pytest.mark.forks
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
        (["adam", "--stages", "3"], "whole number from 1 to 2"),
        (["adam", "--stages", "0"], "how many looks"),
        (["adam", "--stages", "two"], "how many looks"),
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
def test_more_seeds_for_a_named_study_are_a_deviation(capsys):
    command = ["compare", "lion", *QUICK, "--budget", "2", "--against", "adam", "--study", "mine"]
    assert main([*command, "--seeds", "5"]) == 0
    assert main([*command, "--seeds", "6"]) == 0
    out = capsys.readouterr().out
    assert "Deviation from the declaration" in out
    assert "seeds: 0, 1, 2, 3, 4, now 0, 1, 2, 3, 4, 5" in out
