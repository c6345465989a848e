import shlex

import pytest

from benchmark.report.page.reproduce import commands
from optimizers.grammar import parse


def options_of(line):
    words = shlex.split(line)[3:]
    return dict(zip(words[::2], words[1::2], strict=False))


@pytest.mark.parametrize(
    "opts",
    [
        "adam",
        "sgd:lr=0.1|0.01,adam:betas=(0.8,0.99)",
        "adam@mine:lr=0.5|0.25",
        "adam@mine:lr=0.5:schedule=cosine",
        "sgd:lr=0.1|0.5,sgd@other name:lr=0.3",
        "torch.optim.AdamW:lr=0.01",
        "adam:lr=1e-05:schedule=cosine:warmup=0.1",
        "adam:amsgrad=true",
    ],
)
def test_the_command_gives_the_same_optimizers_again(trials_of, opts):
    (line,) = commands("study", trials_of(opts=opts, seeds=2))
    options = options_of(line)
    again = {spec.label: spec for spec in parse(options["--opts"])}
    assert again == {spec.label: spec for spec in parse(opts)}
    assert options["--seeds"] == "2"
    assert options["--problem"] == "logreg/digits"


def test_problems_with_the_same_grid_share_a_command(trials_of):
    both = [*trials_of("logreg/digits"), *trials_of("mlp/digits")]
    (line,) = commands("study", both)
    assert "--problem logreg/digits,mlp/digits" in line


def test_what_differs_from_the_defaults_is_said(trials_of):
    (line,) = commands("study", trials_of(epochs=3, l2=0.01, batch_size=64))
    assert "--epochs 3 --batch-size 64 --no-dropout --l2 0.01" in line
