"""The verb prints what fails first; its exit code tells wrong from inconvenient."""

import json
from functools import partial

import pytest

from benchmark.__main__ import main
from optimizers.conformance import CHECKS, examine

PLUGINS = "tests.plugins"


FEW = ("takes plain steps", "it goes downhill")


def use_few_checks(monkeypatch, *more):
    few = tuple(check for check in CHECKS if check.name in (*FEW, *more))
    monkeypatch.setattr("optimizers.conformance.examine", partial(examine, checks=few))


def printed(capsys):
    return capsys.readouterr().out.splitlines()


def test_wrong_numbers_come_first_a_line_each_and_give_exit_code_1(capsys, monkeypatch):
    use_few_checks(monkeypatch, "weight decay has an effect")
    assert main(["check", f"{PLUGINS}.faulty.ForgetsTheDecay:lr=0.5"]) == 1
    lines = printed(capsys)
    at = lines.index("  wrong numbers")
    assert lines[at + 1].startswith("    ✗ weight decay has an effect: weight_decay=0.5 has given")
    assert lines[-1].startswith(f"{PLUGINS}.faulty.ForgetsTheDecay lr=0.5: ")
    assert f"of {len(FEW) + 1} properties 1 give wrong numbers, 0 are inconvenient" in lines[-1]
    assert not any("✓" in line for line in lines)
    assert len(lines) < 8


def test_what_is_inconvenient_is_said_apart_and_gives_exit_code_0(capsys, monkeypatch):
    use_few_checks(monkeypatch, "unknown hyperparameters are refused")
    assert main(["check", f"{PLUGINS}.faulty.SwallowsUnknownNames"]) == 0
    lines = printed(capsys)
    assert "  wrong numbers" not in lines
    at = lines.index("  inconvenient")
    assert lines[at + 1].startswith("    ! unknown hyperparameters are refused: ")


@pytest.mark.slow
def test_verbose_prints_every_property_with_what_it_is_for(capsys):
    assert main(["check", "-v", f"{PLUGINS}.sound.Sound"]) == 0
    lines = printed(capsys)
    marked = [line for line in lines if line.startswith(("    ✓ ", "    – "))]
    assert [line[6:] for line in marked] == [check.name for check in CHECKS]
    at = lines.index("    ✓ it goes downhill")
    assert lines[at + 1].strip().startswith("On a quadratic bowl")


def test_an_error_is_its_first_line_and_said_once(capsys, monkeypatch):
    use_few_checks(monkeypatch, "a deep copy goes on")
    assert main(["check", f"{PLUGINS}.faulty.CannotBeCopied"]) == 0
    lines = [line for line in printed(capsys) if "factor" in line]
    assert len(lines) == 1
    assert "raised AttributeError" in lines[0]


def test_what_cannot_be_judged_is_said_once_with_exit_code_2(capsys):
    assert main(["check", f"{PLUGINS}.faulty.RaisesAtEveryStep"]) == 2
    lines = printed(capsys)
    assert len(lines) == 3
    assert "cannot be judged: it takes no step" in lines[2]
    assert "ValueError: first line (" in lines[2]


@pytest.mark.slow
def test_a_class_that_cannot_be_built_leaves_the_verdicts_of_the_others(capsys, monkeypatch):
    use_few_checks(monkeypatch)
    names = ("contracts.MatrixAveraging", "contracts.WithRows:rows=10|2", "faulty.ForgetsTheDecay")
    assert main(["check", *(f"{PLUGINS}.{name}" for name in names), "adam"]) == 2
    out, err = capsys.readouterr()
    counts = [line for line in out.splitlines() if f"of {len(FEW)} properties" in line]
    assert [line.split(":")[0].split(".")[-1] for line in counts] == [
        "MatrixAveraging",
        "ForgetsTheDecay",
        "adam",
    ]
    early, late = err.splitlines()
    assert early.endswith("WithRows rows=10: no parameter is square with 10 rows")
    assert "WithRows rows=2 cannot be built over three random matrices: no parameter is" in late
    assert ":argument=value" in late


def test_the_verb_builds_what_run_builds(capsys, monkeypatch):
    use_few_checks(monkeypatch)
    wrapped = f"{PLUGINS}.contracts.Wrapper:optimizer=torch.optim.SGD:optimizer.lr=0.1"
    climber = f"{PLUGINS}.contracts.Sharpness:base_optimizer=torch.optim.SGD:lr=0.1"
    named = f"{PLUGINS}.contracts.Named"
    assert main(["check", wrapped, climber, named, "torch.optim.Muon:rest=adamw", "--json"]) == 0
    assert [each["passes"] for each in json.loads(capsys.readouterr().out)] == [True] * 4


@pytest.mark.slow
def test_the_verb_takes_several_and_succeeds_where_all_do(capsys, monkeypatch):
    use_few_checks(monkeypatch)
    names = ["torch.optim.SGD:lr=0.01", "torch.optim.AdamW:weight_decay=0.1"]
    assert main(["check", *names, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["optimizer"] == "torch.optim.SGD lr=0.01"
    assert first["hyperparameters"]["lr"] == 0.01
    assert second["passes"] is True
    assert {each["property"] for each in second["checks"]} == set(FEW)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "OPTIMIZERS"),
        (["adm"], "Did you mean 'adam'"),
        (["adam:lr=-1"], "expected lr to be a number >= 0"),
        (["adam:schedule=cosine"], "check takes no schedule"),
        (["torch.nn.Linear"], "not a subclass of torch.optim.Optimizer"),
    ],
)
def test_bad_usage_gives_one_line_and_exit_code_2(capsys, arguments, words):
    assert main(["check", *arguments]) == 2
    assert words in capsys.readouterr().err
