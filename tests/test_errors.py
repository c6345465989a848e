"""Each package's errors are one tree, drawn where they are defined, and caught in one place."""

import ast
import pickle
import re
from pathlib import Path

import pytest

import benchmark.errors
import datamodules.errors
import optimizers.errors
from benchmark import __main__

ROOT = Path(__file__).parents[1]
ROOTS = {
    benchmark.errors: benchmark.errors.BenchmarkError,
    optimizers.errors: optimizers.errors.OptimizerError,
    datamodules.errors: datamodules.errors.DataError,
}
STOP = "Stopped"  # of `benchmark.launchers.job`: a wish to end, which is no error
REFUSAL = "SubmitError"  # of `benchmark.launchers.scheduler`, which the launcher handles
VERDICTS = {"Failure", "Inconvenience", "NotApplicable"}  # of `check`, on a user's optimizer


def errors_in(module):
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Exception)
        and not issubclass(each, Warning)
        and each.__module__ == module.__name__
    ]


ALL = [each for module in ROOTS for each in errors_in(module)]


def made(error):
    """Return an error of this class."""
    is_about_a_path = "__init__" in vars(error) and issubclass(error, datamodules.errors.DataError)
    return error(Path("a file"), "why") if is_about_a_path else error("why")


@pytest.mark.parametrize("module", ROOTS, ids=lambda module: module.__name__)
def test_the_drawn_tree_has_every_error_of_the_package_and_no_other(module):
    drawn = re.findall(r"^ *(?:[├└]── )?([A-Z][A-Za-z]+) ?(?: .*)?$", drawing(module), re.MULTILINE)
    assert sorted(drawn) == sorted(each.__name__ for each in errors_in(module))
    assert drawn[0] == ROOTS[module].__name__


def drawing(module):
    return module.__doc__.partition("::\n\n")[2].partition("\n\n")[0]


@pytest.mark.parametrize("error", ALL)
def test_every_error_descends_from_the_root_of_its_package(error):
    [root] = [root for module, root in ROOTS.items() if module.__name__ == error.__module__]
    assert issubclass(error, root)


@pytest.mark.parametrize("package", ["benchmark", "datamodules", "optimizers"])
def test_no_public_error_is_defined_elsewhere(package):
    exceptions = {"Exception", "BaseException", *(each.__name__ for each in ALL)}
    exceptions |= {name for name in dir(__builtins__) if name.endswith("Error")}
    found = {
        node.name
        for file in (ROOT / package).rglob("*.py")
        if file != ROOT / package / "errors.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if exceptions & {ast.unparse(base) for base in node.bases} or node.name.endswith("Error")
    }
    assert found <= VERDICTS | {STOP, REFUSAL}


@pytest.mark.parametrize("error", ALL)
def test_an_error_that_reaches_the_command_line_is_one_line_and_an_exit_code(
    error, monkeypatch, capsys
):
    def fail(arguments):
        raise made(error)

    monkeypatch.setattr(__main__, "_called", fail)
    code = 3 if issubclass(error, datamodules.errors.DataError) else 2
    assert __main__.main([]) == code
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "error", [each for each in ALL if each.__name__ != "ClosureNotCalledError"]
)
def test_an_error_passes_from_a_worker_to_the_command(error):
    sent = made(error)
    got = pickle.loads(pickle.dumps(sent))
    assert (type(got), str(got)) == (error, str(sent))
