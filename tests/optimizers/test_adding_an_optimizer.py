"""An optimizer is its file and its row: nothing else in the suite has to name it."""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from optimizers.registry import OPTIMIZERS

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmark", "optimizers", "datamodules")
EXAMPLES = {"sgd", "momentum", "nesterov", "adam", "adamw"}  # in help texts, or words of their own

NEW_ROW = """
    OptimizerRow(
        name="signed",
        target="optimizers.rules.signed:Signed",
        paper="Someone, Signs, 2026",
        link="https://example.org",
        summary="steps along signs",
        formula="sign(m)",
        defaults="none",
        space=Space(ranges=(Range(name="lr", low=1e-6, high=1e-2),)),
        state_tensors=1,
        torch=None,
        look=Look(color="#123456", color_on_dark="#abcdef", marker="six points"),
        decoupled=True,
        scale_free=True,
    ),
)

OPTIMIZERS = """

USES = """
import importlib.util
import torch
import optimizers
from benchmark.cli.list import _rows
from benchmark.report.palette import OWN, style, styles
from benchmark.workbench.step_cost.contestants import contestants
from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS

assert optimizers.__file__.startswith({folder!r}), optimizers.__file__
assert [spec.name for spec in parse("all")][-1] == "signed"
(spec,) = parse("signed:lr=0.5")
assert spec.target == "optimizers.signed:Signed"
param = torch.nn.Parameter(torch.zeros(2))
param.grad = torch.tensor([3.0, -4.0])
optimizer = spec.build([param])
assert type(optimizer) is optimizers.Signed and "Signed" in optimizers.__all__
optimizer.step()
assert param.tolist() == [-0.5, 0.5]
assert style("signed").color == "#123456"
assert len({{each.marker for each in (OWN, *styles(OPTIMIZERS))}}) == len(OPTIMIZERS) + 1
rivals = [each.is_rival for each in contestants(spec)]
assert rivals and not any(rivals)
assert _rows("optimizers")[-1]["name"] == "signed"
found = importlib.util.spec_from_file_location("lists", {script!r})
lists = importlib.util.module_from_spec(found)
found.loader.exec_module(lists)
assert lists.names().endswith(" signed`\\n\\n") and "| `signed` |" in lists.table()
"""


@pytest.mark.slow
def test_a_file_and_a_row_make_an_optimizer_known_everywhere(tmp_path):
    shutil.copytree(
        ROOT / "optimizers", tmp_path / "optimizers", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "benchmark").symlink_to(ROOT / "benchmark")
    (tmp_path / "datamodules").symlink_to(ROOT / "datamodules")
    rules = tmp_path / "optimizers" / "rules"
    signed = (rules / "lion.py").read_text(encoding="utf-8").replace("Lion", "Signed")
    (rules / "signed.py").write_text(signed, encoding="utf-8")
    registry = tmp_path / "optimizers" / "registry.py"
    table, end, rest = registry.read_text(encoding="utf-8").partition("\n)\n\nOPTIMIZERS = ")
    assert end
    registry.write_text(table + NEW_ROW + rest, encoding="utf-8")

    script = str(ROOT / "docs" / "write_lists.py")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += USES.format(folder=str(tmp_path), script=script)
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


@cache
def texts():
    """Return the texts of all files that may not name an optimizer."""
    files = [path for each in PACKAGES for path in (ROOT / each).rglob("*.py")]
    return {path: path.read_text(encoding="utf-8") for path in [*files, ROOT / "pyproject.toml"]}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - EXAMPLES))
def test_the_packages_name_an_optimizer_in_its_file_and_its_row_alone(name):
    own = {ROOT / "optimizers" / "rules" / f"{name}.py", ROOT / "optimizers" / "registry.py"}
    quoted = re.compile(rf"""["'`.]{re.escape(name)}\b""")  # as a name, not as a word in a comment
    named = [path for path, text in texts().items() if path not in own and quoted.search(text)]
    assert [str(p.relative_to(ROOT)) for p in named] == []
