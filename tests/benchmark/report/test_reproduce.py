import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from benchmark.__main__ import main
from benchmark.cli import compare, run, study_options
from benchmark.problems import PROBLEMS
from benchmark.report.reproduce import commands, tuned_commands
from benchmark.request import Request
from benchmark.spec import Workload
from benchmark.study import Study
from optimizers.grammar import parse


def planned(lines):
    """Return the keys of the trials that the command line plans for `lines`."""
    keys = set()

    real = study_options.forecast

    def note(plan, *others, **options):
        keys.update(trial.key for trial in plan.trials)
        return real(plan, *others, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_options, "forecast", note)
        for line in lines:
            assert main([*shlex.split(line)[3:], "--dry-run"]) == 0
    return keys


def keys_of(trials):
    return {trial.key for trial in trials}


def made_again(trials, lines=None):
    """Return whether the commands run exactly `trials`, in a given number of lines."""
    found = commands("study", trials)
    assert lines is None or len(found) == lines
    return planned(found) == keys_of(trials)


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
        "adam:betas=(0.8,0.99):lr=0.1",
        "sgd:lr=1000000|1|1e6|123456789|0.12345678",
        "sgd@my lr=5:lr=0.1",
        "sgd@sgd:lr=0.1|0.2:weight_decay=0.1,adam@adam:betas=(0.8,0.9)",
        "adam@adam lr=0.1:lr=0.1:schedule=cosine",
        "sgd@my:lr=0.1|0.2:weight_decay=0.01|0.1",
        "adam:schedule=inverse_sqrt:warmup=10",
        "adam@slow:schedule=inverse_sqrt:warmup=10",
        "adam:schedule=inverse_sqrt_epoch",
        "adam@plain:warmup=0",
        "torch.optim.Muon:lr=0.1:rest=sgd:rest.lr=0.001:schedule=cosine",
        "torch.optim.Muon@m:lr=0.1|0.2:rest.lr=0.001|1000000",
    ],
)
def test_the_command_gives_the_same_optimizers_again(trials_of, opts):
    assert made_again(trials_of(opts=opts, seeds=2), lines=1)


def test_problems_with_the_same_grid_share_a_command(trials_of):
    both = [*trials_of("logreg/digits"), *trials_of("mlp/digits")]
    (line,) = commands("study", both)
    assert "--problem logreg/digits,mlp/digits" in line


def test_what_differs_from_the_defaults_is_said(trials_of):
    (line,) = commands("study", trials_of(epochs=3, l2=0.01, batch_size=64, diagnostics_every=7))
    assert "--epochs 3 --batch-size 64 --no-dropout --l2 0.01 --diagnostics 7" in line


def test_every_digit_of_a_number_counts(trials_of):
    assert made_again(trials_of(l2=0.123456789))


def test_optimizers_with_other_numbers_of_seeds_have_a_line_of_their_own(trials_of):
    trials = [*trials_of(opts="adam,sgd:lr=0.1", seeds=3), *trials_of(opts="sgd:lr=0.2", seeds=1)]
    lines = commands("study", trials)
    assert [re.findall(r"--opts (\S+) --seeds (\d)", line) for line in lines] == [
        [("adam,sgd:lr=0.1", "3")],
        [("sgd:lr=0.2", "1")],
    ]


def test_two_optimizers_of_one_label_are_not_in_one_line(trials_of):
    trials = [*trials_of(opts="sgd@mine:lr=0.1"), *trials_of(opts="sgd@mine:lr=0.2")]
    assert made_again(trials, lines=2)


def test_what_is_left_of_a_labelled_grid_keeps_its_label(trials_of):
    one, *_ = trials_of(opts="sgd@mine:lr=0.1|0.2")
    assert made_again([one], lines=1)


def test_combinations_off_the_table_are_named_with_their_data_sets():
    pairs = [("mlp", "reviews"), ("cnn", "reviews"), ("cnn", "mnist"), ("mlp", "cifar10")]
    spec = parse("adam")[0]
    workloads = tuple(
        Workload(problem=f"{model}/{data}", model=model, dataset=data, epochs=1, batch_size=8)
        for model, data in pairs
    )
    study = Study(name="study", workloads=workloads, optimizers=(spec,), seeds=(0,))
    lines = commands("study", study.trials())
    assert [re.findall("--(?:problem|model) .*(?= --opts)", line)[0] for line in lines] == [
        "--model mlp,cnn --dataset reviews",
        "--model cnn --dataset mnist",
        "--model mlp --dataset cifar10",
    ]


NUMBERS = st.one_of(
    st.sampled_from(["1", "0.1", "1e-3", "1000000", "2500000", "1e6", "0.12345678"]),
    st.floats(1e-9, 1e9).map(repr),
)
VALUES = {
    "lr": NUMBERS,
    "weight_decay": NUMBERS,
    "betas": st.sampled_from(["(0.8,0.99)", "0.5/0.6", "(0,0.999)"]),
    "amsgrad": st.sampled_from(["true", "False"]),
    "schedule": st.sampled_from(
        ["cosine", "inverse_sqrt", "1/sqrt(t)", "1/sqrt(epoch)", "constant"]
    ),
    "warmup": st.sampled_from(["0", "0.25", "10", "1000000"]),
}
LABELS = st.sampled_from(
    ["", "", "mine", "adam", "adam lr=0.1", "my lr=0.1", "(a, b)", "adam or so", "it's 5 %"]
)


@st.composite
def items(draw):
    keys = draw(st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=3))
    grid = {key: draw(st.lists(VALUES[key], min_size=1, max_size=3)) for key in keys}
    label = draw(LABELS)
    words = "".join(f":{key}={'|'.join(values)}" for key, values in grid.items())
    return "adam" + f"@{label}" * bool(label) + words


@st.composite
def studies(draw):
    """Return the trials of a study that several commands ran, some of them not to the end."""
    trials = []
    for _ in range(draw(st.integers(1, 3))):
        problems = draw(
            st.lists(st.sampled_from(["logreg/digits", "mlp/digits"]), min_size=1, unique=True)
        )
        size = {"epochs": draw(st.integers(1, 2)), "dropout": draw(st.booleans())}
        workloads = tuple(
            Workload(**{**vars(PROBLEMS[problem].workload), **size}) for problem in problems
        )
        specs = [draw(items()) for _ in range(draw(st.integers(1, 2)))]
        found = [spec for item in specs for spec in parse(item)]
        study = Study(
            name="study",
            workloads=workloads,
            optimizers=tuple(found),
            seeds=tuple(range(draw(st.integers(1, 3)))),
            diagnostics_every=draw(st.sampled_from([0, 0, 20])),
        )
        trials += study.trials()
    kept = draw(st.integers(1, len(trials)))  # a study that was stopped: seed by seed
    return list({trial.key: trial for trial in trials[:kept]}.values())


@given(studies())
def test_the_commands_make_exactly_the_trials_of_any_study(trials):
    assert planned(commands("study", trials)) == keys_of(trials)


@pytest.mark.parametrize(
    ("opts", "options"),
    [
        ("adam,sgd,momentum", {}),
        ("sgd,adam:lr=1e-4..1e-1", {}),
        ("sgd,adam@mine:lr=1e-4..1e-1:betas=(0.9,0.9..0.999)", {}),
        ("adam,sgd", {"space": "full"}),
        ("adam:schedule=constant|cosine,adamw", {"space": "full"}),
        ("adam:eps=1e-8|1e-4,sgd", {"sampler": "random"}),
        ("adam,sgd", {"budget_curve": True}),
        ("adam,torch.optim.Adam:lr=1e-4..1e-1:betas=(0.8..0.95,0.999)", {}),
        ("adam:weight_decay=0.01,torch.optim.NAdam", {"threads": 2, "log_every": 10}),
        ("sgd", {}),
        ("adam,sgd", {"epochs": 3, "batch_size": 64, "dropout": True}),
        ("adam,sgd", {"seeds": (100, 101, 105)}),
        ("adam,sgd", {"seeds": (7,)}),
        ("torch.optim.Adam,sgd,adam", {"reference": "torch.optim.Adam"}),
        ("torch.optim.Adam,sgd,adam", {"reference": "adam"}),
        ("adam,sgd", {"accelerators": ("cpu", "gpu"), "diagnostics_every": 7}),
    ],
)
def test_a_tuned_study_gets_the_command_that_declares_the_same(opts, options):
    reference = options.get("reference", "")
    asked = Request(problems=("logreg/digits", "mlp/digits"), opts=opts, tune=4, **options)
    declaration = asked.study("mine").declaration(reference or asked_first(asked))
    lines = tuned_commands("mine", declaration)
    assert " --study mine" in lines[0]
    found = [declared_by(line) for line in lines]
    assert all(name(each) == name(declaration) for each in found for name in [without_problems])
    problems = {k: v for each in found for k, v in each.problems.items()}
    assert problems == declaration.problems


def asked_first(asked):
    return asked.study("mine").tuned.tunables[0].label


def without_problems(declaration):
    optimizers = sorted(declaration.tuning.optimizers, key=lambda each: each.label)
    return structs.replace(
        declaration,
        at="",
        problems={},
        sources=dict(sorted(declaration.sources.items())),
        seeds=sorted(declaration.seeds),
        tuning=structs.replace(declaration.tuning, optimizers=optimizers),
    )


def declared_by(line):
    """Return the declaration of the study that a command line asks for."""
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "benchmark"]
    found = []

    def note(request, outside):
        found.append(request)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        for module in (run, compare):
            patch.setattr(module, "carry_out", note)
        assert main([*words[3:], *["--no-check"] * (words[3] == "compare")]) == 0
    [request] = found
    reference = request.reference or asked_first(request)
    return request.study("mine").declaration(reference)
