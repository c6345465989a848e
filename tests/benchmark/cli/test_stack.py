import json

import pytest

from benchmark.__main__ import main
from benchmark.errors import UsageError
from benchmark.request import Request

RUN = ["run", "--problem", "logreg/digits,mlp/digits", "--opts", "adam", "--seeds", "16"]


@pytest.mark.parametrize(
    ("more", "sizes", "words"),
    [
        ([], [8, 8], ["16 trials of logreg/digits in 2 packs of 8", "mlp on cpu is not known"]),
        (["--stack", "4"], [4] * 8, ["16 trials of mlp/digits in 4 packs of 4"]),
        (["--stack", "off"], [], []),
        (["--launcher", "slurm"], [8, 8], ["16 trials of logreg/digits in 2 packs of 8"]),
    ],
)
def test_a_dry_run_says_which_trials_are_packs_and_why_others_are_not(
    capsys, tmp_path, more, sizes, words
):
    command = [*RUN, "--workers", "2", "--results", str(tmp_path), "--no-reuse-baselines", *more]
    assert main([*command, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert all(each in out for each in words)
    assert ("stacked  " in out) == bool(sizes)
    assert main([*command, "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["packs"] == sizes
    assert sum(plan["packs"]) + sum(plan["alone"].values()) == (32 if words else 0)


@pytest.mark.parametrize("value", ["1", "0", "-3", "on", "2.5", "5000"])
def test_a_wrong_size_is_refused_in_one_line(capsys, value):
    assert main([*RUN, "--stack", value, "--dry-run"]) == 2
    assert "expected 'auto', 'off', or the most trials in one network" in capsys.readouterr().err


@pytest.mark.parametrize("value", [1, True, 2.5, None, "on"])
def test_a_request_refuses_a_wrong_size(value):
    with pytest.raises(UsageError, match="stack: expected 'auto', 'off', or the most trials"):
        Request(problems=("logreg/digits",), stack=value)
