"""docs/python.md: its first block does what the page says, as a notebook would run it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXPECTED = [(label, seed, "done") for seed in (0, 1) for label in ("adam lr=0.003", "sgd lr=0.1")]


def run(code, cwd):
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=200)


@pytest.mark.forks
def test_three_lines_complete_a_study(tmp_path, monkeypatch, digits):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(BLOCK, names)
    found = [(r.trial.label, r.trial.seed, r.status) for r in names["records"]]
    assert found == EXPECTED
    calls = [line for line in BLOCK.splitlines() if line and not line.startswith("from ")]
    assert len(calls) == 3


@pytest.mark.slow
def test_a_process_of_its_own_completes_it_without_a_word(tmp_path):
    shown = "print([(r.trial.label, r.trial.seed, r.status) for r in records])"
    accuracy = 'assert all(0 < r.metrics["test/accuracy"] < 1 for r in records)'
    fields = ", ".join(re.findall(r"`(records\[0\][^`]*)`", PAGE))
    done = run(f"{BLOCK}\n{accuracy}\nassert None not in [{fields}]\n{shown}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(EXPECTED)
    assert done.stderr == ""
    assert len(list(tmp_path.glob("results/first/*/record.json"))) == 4
