import inspect
from dataclasses import fields

import pytest

from benchmark.cli.run import command
from benchmark.errors import UsageError
from benchmark.problems import PROBLEMS
from benchmark.request import Request
from datamodules.registry import DATASETS
from optimizers.errors import SpecError, UnknownNameError

DIGITS = {"problems": ("logreg/digits",)}
IMAGES = ", ".join(name for name, row in DATASETS.items() if len(row.input_shape) == 3)
TEXTS = ", ".join(name for name, row in DATASETS.items() if row.text)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "nothing to run"),
        ({**DIGITS, "models": ("mlp",)}, "leave --model, --dataset out"),
        ({**DIGITS, "dataset": "mnist"}, "leave --model, --dataset out"),
        ({"problems": ("logreg/digit",)}, "Did you mean 'logreg/digits'"),
        ({"models": ("mpl",)}, "Did you mean 'mlp'"),
        ({"models": ("mlp",), "dataset": "minst"}, "Did you mean 'mnist'"),
        ({"problems": "logreg/digits"}, "problems: expected a tuple of names, got the text"),
        ({**DIGITS, "accelerators": "cpu"}, "accelerators: expected a tuple of names"),
        ({**DIGITS, "l2": -1.0}, "l2: expected a number >= 0"),
        ({**DIGITS, "l2": float("nan")}, "l2: expected a number >= 0"),
        ({**DIGITS, "diagnostics_every": -1}, "diagnostics_every: expected a whole number"),
        ({**DIGITS, "diagnostics_every": "x"}, "diagnostics_every: expected a whole number"),
        ({**DIGITS, "l2": "a"}, "l2: expected a number >= 0"),
        ({**DIGITS, "l2": True}, "l2: expected a number >= 0"),
        ({**DIGITS, "opts": ["adam"]}, "opts: expected a text"),
        ({**DIGITS, "dropout": "no"}, "dropout: expected True, False or None"),
        ({**DIGITS, "dropout": 1}, "dropout: expected True, False or None"),
        ({**DIGITS, "precisions": ("foo",)}, "unknown precision"),
        ({**DIGITS, "accelerators": ("cuda",)}, "unknown accelerator"),
        ({**DIGITS, "data_dir": 3}, "data_dir: expected a path"),
        ({**DIGITS, "cache_dir": ["/tmp"]}, "cache_dir: expected a path"),
        *(
            ({**DIGITS, name: value}, f"{name}: expected a whole number from 1")
            for name in ("epochs", "batch_size", "threads", "log_every")
            for value in (0, -3, 1.5, "2", True)
        ),
        *(
            ({**DIGITS, "seeds": value}, "seeds: expected a number of seeds from 1")
            for value in (0, -3, 1.5, "2", True, 10_001, (-1,), (10_000,), (1.5,), (0, "1"))
        ),
        ({**DIGITS, "seeds": ()}, "seeds: expected at least one"),
        ({**DIGITS, "epochs": 10**30}, "epochs: expected a whole number from 1 to 1,000,000,000"),
        *(
            ({**DIGITS, name: value}, f"{name}: expected")
            for name in ("accelerators", "precisions")
            for value in ((), (None,), (1,), ("",), None, 5, {"cpu"})
        ),
        *(
            (DIGITS | {name: value}, f"{name}: expected a")
            for name in ("space", "sampler", "reference")
            for value in ([], None, 5)
        ),
        *(({"problems": value}, "problems: expected names") for value in ((1,), (None,), ("",))),
        *(
            ({"models": ("mlp",), "dataset": value}, "dataset: expected")
            for value in (5, ["mnist"])
        ),
        ({**DIGITS, "data_dir": "a\0b"}, "data_dir: a path cannot contain"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_in_one_line(fields, words):
    with pytest.raises((UsageError, UnknownNameError)) as found:
        Request(**fields)
    assert words in str(found.value)
    assert len(str(found.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("opts", "words"), [("adm", "Did you mean 'adam'"), ("adam:beta1=1", "has no hyperparameter")]
)
def test_optimizers_are_read_when_the_study_is_made(opts, words):
    request = Request(**DIGITS, opts=opts)
    with pytest.raises(SpecError, match=f"^(?!--opts).*{words}"):
        request.study("study")


@pytest.mark.parametrize(
    ("model", "dataset", "words"),
    [
        ("mlp", "imdb", "'mlp' takes dense inputs and 'imdb' is a bag of words"),
        ("image", "reviews", "for 'reviews' use --model logreg"),
        ("cnn", "imdb", "takes images and 'imdb' is a bag of words"),
        ("cnn", "diabetes", "takes images and 'diabetes' is rows of 10 numbers"),
        ("cnn", "china", f"Data sets for it: {IMAGES};"),
        (
            "mlp",
            "manual",
            "takes dense inputs and 'manual' is text.* for 'manual' use --model charlm",
        ),
        (
            "charlm",
            "digits",
            f"takes text and 'digits' is images.*Data sets for it: {TEXTS};",
        ),
        ("charlm", "imdb", "takes text and 'imdb' is a bag of words"),
        (
            "vae",
            "china",
            "takes images and 'china' is rows of 2 numbers.*: mnist, fashion, cifar10",
        ),
    ],
)
def test_model_and_data_that_do_not_go_together_are_refused(model, dataset, words):
    with pytest.raises(UsageError, match=words):
        Request(models=(model,), dataset=dataset).study("study")


@pytest.mark.parametrize("model", ["logreg", "mlp", "image", "regression"])
@pytest.mark.parametrize("dataset", ["china", "diabetes", "digits"])
def test_dense_rows_are_for_every_model_but_those_of_images(model, dataset):
    assert Request(models=(model,), dataset=dataset).study("study").trials()


def test_folders_may_be_given_as_text(tmp_path):
    request = Request(**DIGITS, data_dir=str(tmp_path), cache_dir=str(tmp_path))
    assert (request.data_dir, request.cache_dir) == (tmp_path, tmp_path)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_only_problems_with_a_twin_have_a_stand_in_and_it_is_asked_for_alike(problem):
    request = Request(problems=(problem,), epochs=3, batch_size=7, l2=0.5)
    stand_ins = request.stand_ins()
    assert bool(stand_ins) == bool(PROBLEMS[problem].twin)
    for workload in (*stand_ins.values(), *request.study("study").workloads):
        assert (workload.epochs, workload.batch_size, workload.l2) == (3, 7, 0.5)


def test_the_command_line_and_a_request_have_the_same_defaults(monkeypatch):
    for name in ("BENCHMARK_DATA_DIR", "BENCHMARK_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    options = command.make_context("run", [], resilient_parsing=True).params
    for field in fields(Request):
        value = options[{"diagnostics_every": "diagnostics"}.get(field.name, field.name)]
        assert (value or field.default) == field.default, field.name


def test_a_request_can_be_compared_and_kept():
    assert Request(**DIGITS) == Request(**DIGITS)
    assert hash(Request(**DIGITS)) == hash(Request(**DIGITS))
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(Request).parameters.values())


@pytest.mark.parametrize(
    ("seeds", "expected"), [(3, (0, 1, 2)), ((7, 5, 7), (7, 5)), ((9_999,), (9_999,))]
)
def test_seeds_are_a_number_or_the_seeds_themselves(seeds, expected):
    request = Request(**{**DIGITS, "seeds": seeds})
    assert request.evaluation_seeds() == expected


def test_a_budget_curve_needs_a_search():
    with pytest.raises(UsageError, match=r"--budget-curve .* needs a search: add --tune"):
        Request(models=("mlp",), budget_curve=True)
    with pytest.raises(UsageError, match="budget_curve: expected True or False, got '1'"):
        Request(models=("mlp",), tune=4, budget_curve=1)
