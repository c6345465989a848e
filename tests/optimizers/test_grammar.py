import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from optimizers.errors import SpecError
from optimizers.grammar import describe, describe_tunables, parse, without_hyperparameters
from optimizers.registry import OPTIMIZERS

MODULE = """
import torch

class Plain(torch.optim.SGD):
    def __init__(self, params, lr, *, warmup=3, clip=1.0, foreach=None):
        super().__init__(params, lr=lr)
        self.warmup = warmup
        self.clip = clip

class Open(torch.optim.SGD):
    def __init__(self, params, **values):
        super().__init__(params, **values)

class Silent(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        assert lr < 1
        super().__init__(params, lr=lr)

class NoRate(torch.optim.Optimizer):
    def __init__(self, params, size=2):
        super().__init__(params, {"size": size})

class AnyRate(torch.optim.Optimizer):
    def __init__(self, params, lr=None):
        super().__init__(params, {"lr": lr})

class Dreamer(torch.optim.SGD):
    def __init__(self, params, callback=print, lr=0.1):
        super().__init__(params, lr=lr)

class Outer:
    class Inner(torch.optim.SGD):
        pass

def factory(params):
    return torch.optim.SGD(params)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A user's modules: `mine` with optimizers, `broken` and `exiting`, which do not import."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("raise RuntimeError('two\\nlines')")
    (tmp_path / "exiting.py").write_text("import sys\nsys.exit('no GPU')")
    monkeypatch.syspath_prepend(tmp_path)


def one(text):
    (spec,) = parse(text)
    return spec


def labels(text):
    return [spec.label for spec in parse(text)]


def test_a_class_inside_a_class_is_found_and_survives_json(mine):
    spec = one("mine.Outer.Inner:lr=0.5")
    assert (spec.name, spec.target) == ("mine.Outer.Inner", "mine:Outer.Inner")
    built = type(spec).from_json(spec.to_json()).build([torch.nn.Parameter(torch.zeros(1))])
    assert type(built).__qualname__ == "Outer.Inner"


def test_a_name_alone_takes_every_default():
    spec = one("rmsprop")
    assert (spec.name, spec.label, spec.target) == (
        "rmsprop",
        "rmsprop",
        "optimizers.rmsprop:RMSprop",
    )
    assert spec.hyperparameters == {
        "lr": 0.01,
        "alpha": 0.99,
        "eps": 1e-8,
        "weight_decay": 0.0,
        "momentum": 0.0,
        "centered": False,
        "maximize": False,
    }
    assert spec.schedule.constant


def test_a_list_keeps_its_order():
    assert labels("sgd, adam ,momentum") == ["sgd", "adam", "momentum"]


def test_all_is_every_listed_optimizer():
    assert labels("all") == list(OPTIMIZERS)
    assert labels("adam,all,all") == ["adam", *(name for name in OPTIMIZERS if name != "adam")]


@pytest.mark.parametrize("name", ["adam", "sgd", "torch.optim.AdamW"])
def test_default_by_name_is_the_same_optimizer_under_another_label(name):
    default, bare = one(f"{name}:default"), one(name)
    assert default == replace(bare, label=f"{name} default")
    assert one(f"{name}@mine:default") == replace(bare, label="mine")


def test_names_without_hyperparameters_are_told_apart():
    text = "adam,sgd@mine,sgd:default,momentum:lr=0.1,adam@b:lr=1|2,torch.optim.Adam"
    assert without_hyperparameters(text) == {"adam", "mine"}
    assert without_hyperparameters("all") == set(OPTIMIZERS)


@pytest.mark.parametrize("text", ["adam:default:lr=1", "adam:lr=1:default", "adam:Default"])
def test_default_stands_alone(text):
    with pytest.raises(SpecError, match="expected key=value after ':'"):
        describe(text)


def test_default_is_not_for_tuning():
    with pytest.raises(SpecError, match="'adam:default': give no 'default' to an optimizer"):
        describe_tunables("adam:default")


def test_given_hyperparameters_are_in_the_label():
    assert labels("adam:lr=1e-2:betas=(0.8,0.99)") == ["adam lr=0.01 betas=(0.8,0.99)"]
    assert labels("sgd : lr = 0.5") == ["sgd lr=0.5"]


def test_a_label_of_ones_own_takes_the_place_of_the_hyperparameters():
    assert labels("adam@mine:lr=0.5,sgd@plain old") == ["mine", "plain old"]


def test_a_grid_is_the_product_with_the_last_key_fastest():
    specs = parse("momentum:lr=1e-3|1e-2:momentum=0.5|0.9")
    pairs = [(s.hyperparameters["lr"], s.hyperparameters["momentum"]) for s in specs]
    assert pairs == [(0.001, 0.5), (0.001, 0.9), (0.01, 0.5), (0.01, 0.9)]
    assert len({s.label for s in specs}) == 4


def test_a_labelled_grid_adds_what_varies():
    assert labels("adam@a:lr=0.1|0.2:eps=1e-6") == ["a lr=0.1", "a lr=0.2"]


def test_labels_tell_near_numbers_apart():
    assert labels("sgd:lr=0.1234567|0.1234568") == ["sgd lr=0.1234567", "sgd lr=0.1234568"]


@pytest.mark.parametrize(
    "text", ["adam:betas=(0.8,0.99)", "adam:betas=0.8/0.99", "adam:betas=( .8, 0.99 )"]
)
def test_tuples_are_written_with_parentheses_or_slashes(text):
    assert one(text).hyperparameters["betas"] == (0.8, 0.99)


def test_a_grid_of_tuples_splits_outside_parentheses():
    specs = parse("adam:betas=(0.8,0.99)|(0.9,0.999),sgd")
    assert [spec.name for spec in specs] == ["adam", "adam", "sgd"]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("rmsprop:centered=true", "centered", True),
        ("rmsprop:centered=False", "centered", False),
        ("torch.optim.AdamW:foreach=none", "foreach", None),
        ("torch.optim.LBFGS:max_iter=7", "max_iter", 7),
        ("torch.optim.LBFGS:line_search_fn=strong_wolfe", "line_search_fn", "strong_wolfe"),
        ("sgd:lr=1E-2", "lr", 0.01),
    ],
)
def test_values_have_the_type_they_look_like(text, key, value):
    found = one(text).hyperparameters[key]
    assert found == value
    assert type(found) is type(value)


def test_a_whole_number_for_a_real_hyperparameter_is_real():
    assert type(one("adam:lr=1").hyperparameters["lr"]) is float
    assert [type(beta) for beta in one("adam:betas=(0,0.9)").hyperparameters["betas"]] == [
        float
    ] * 2
    assert labels("adam:lr=1|1.0") == ["adam lr=1"]


def test_a_spec_given_twice_is_taken_once():
    assert labels("adam:lr=0.1,sgd,adam:lr=0.1|1e-1") == ["adam lr=0.1", "sgd"]


def test_a_path_leads_to_any_class():
    spec = one("torch.optim.AdamW:weight_decay=0.05")
    assert spec.target == "torch.optim:AdamW"
    assert spec.label == "torch.optim.AdamW weight_decay=0.05"
    assert isinstance(spec.build([torch.nn.Parameter(torch.zeros(1))]), torch.optim.AdamW)


def test_torchs_ways_to_execute_are_no_hyperparameters_unless_given():
    flags = {"foreach", "fused", "capturable", "differentiable"}
    assert not flags & one("torch.optim.Adam").hyperparameters.keys()
    assert one("torch.optim.Adam:foreach=false").hyperparameters["foreach"] is False


def test_a_default_that_is_not_json_stays_with_the_class(mine):
    assert one("mine.Dreamer").hyperparameters == {"lr": 0.1}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1/sqrt(t)", "1/sqrt(t)"),
        ("inverse_sqrt", "1/sqrt(t)"),
        ("1/sqrt(epoch)", "1/sqrt(epoch)"),
        ("inverse_sqrt_epoch", "1/sqrt(epoch)"),
    ],
)
def test_the_suite_takes_schedule_and_warmup(name, kind):
    spec = one(f"adam:schedule={name}:warmup=0.1")
    assert (spec.schedule.kind, spec.schedule.warmup) == (kind, 0.1)
    assert not {"schedule", "warmup"} & spec.hyperparameters.keys()
    assert spec.label == f"adam schedule={name} warmup=0.1"


def test_schedules_can_be_a_grid():
    kinds = [spec.schedule.kind for spec in parse("adam:schedule=constant|cosine")]
    assert kinds == ["constant", "cosine"]


def test_an_optimizer_with_a_warmup_of_its_own_keeps_it(mine):
    spec = one("mine.Plain:lr=0.1:warmup=5")
    assert spec.hyperparameters["warmup"] == 5
    assert spec.schedule.constant


def test_a_class_with_open_arguments_judges_them_itself(mine):
    assert one("mine.Open:lr=0.5").hyperparameters == {"lr": 0.5}
    with pytest.raises(SpecError, match=r"^mine\.Open lrr=0\.5: .*lrr"):
        parse("mine.Open:lrr=0.5")


ERRORS = {
    "": "no optimizer given. Known: sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam",
    " , ": "no optimizer given.",
    "adm": "unknown optimizer 'adm'. Did you mean 'adam' or 'radam' or 'nadam'? Known: "
    f"{', '.join(OPTIMIZERS)}, or an import path such as torch.optim.AdamW, "
    "or a file such as path/to/mine.py:MyOpt",
    "Adam": "unknown optimizer 'Adam'. Did you mean 'adam'?",
    "adam:beta1=0.5": "adam has no hyperparameter 'beta1'. Did you mean 'betas'? "
    "It takes: lr, betas, eps, weight_decay, amsgrad, bias_correction, maximize",
    "adam:warmpu=3": "adam has no hyperparameter 'warmpu'. Did you mean 'warmup'?",
    "adam:lr=-1": "adam lr=-1: Adam: expected lr to be a number >= 0, got -1.0",
    "adam:lr=abc": "adam lr=abc: Adam: expected lr to be a number >= 0, got 'abc'",
    "adam:lr=true": "adam lr=True: Adam: expected lr to be a number >= 0, got True",
    "adam:lr=nan": "'adam:lr=nan': expected lr to be finite, got 'nan'",
    "adam:lr=0.1|-1": "adam lr=-1: Adam: expected lr to be a number >= 0, got -1.0",
    "adam:betas=0.9": "adam betas=0.9: Adam: expected betas to be 2 numbers >= 0 and < 1, got 0.9",
    "torch.optim.AdamW:lr=-1": "torch.optim.AdamW lr=-1: Invalid learning rate: -1",
    "adam:lr": "'adam:lr': expected key=value after ':', got 'lr'",
    "mine:MyOpt": "'mine:MyOpt': expected key=value after ':', got 'MyOpt'. A class is given as "
    "mine.MyOpt",
    "adam:lr=": "'adam:lr=': expected key=value after ':', got 'lr='",
    "adam:lr=1|": "'adam:lr=1|': expected key=value after ':', got 'lr=1|'",
    "adam:=1": "'adam:=1': expected key=value after ':', got '=1'",
    "adam:": "'adam:': expected key=value after ':', got ''",
    "adam:lr=1:lr=2": "'adam:lr=1:lr=2': 'lr' is given twice",
    "adam@:lr=1": "'adam@:lr=1': expected a label after '@'",
    "all:lr=1": "'all:lr=1': 'all' takes no label and no hyperparameters",
    "adam:betas=(0.9,0.99": "'adam:betas=(0.9,0.99': parentheses do not match",
    "adam:betas=)0.9,0.99(": "'adam:betas=)0.9,0.99(': parentheses do not match",
    "adam@a,sgd@a": "two different optimizers are labelled 'a'; rename one",
    "adam:schedule=cosin": "adam: unknown schedule 'cosin'. Known: constant, 1/sqrt(t), cosine, ",
    "adam:warmup=-1": "adam: warmup: expected steps, or a part of all below 1, got -1",
    "torch.optim.AdamWW": "optimizer 'torch.optim.AdamWW': torch.optim has no 'AdamWW'. "
    "Did you mean 'AdamW' or ",
    "torch.optm.Adam": "optimizer 'torch.optm.Adam': torch has no 'optm'. Did you mean 'optim'?",
    "no.such.Optimizer": "optimizer 'no.such.Optimizer': cannot import 'no.such': no module 'no' ",
    "adam,lr=0.1": "'lr=0.1' is no optimizer: ',' begins the next optimizer, and hyperparameters "
    "follow theirs after ':'. Write 'adam:lr=0.1'",
    "adam:lr=0.1,eps=1": "'eps=1' is no optimizer: ',' begins the next optimizer, and "
    "hyperparameters follow theirs after ':'. Write 'adam:lr=0.1:eps=1'",
    "adam:lr=0.1,0.01,1,sgd": "several values of lr are separated by '|': write "
    "'adam:lr=0.1|0.01|1'",
    "adam:betas=0.9,0.99": "betas takes several numbers in parentheses: write "
    "'adam:betas=(0.9,0.99)'",
    "torch.optim.SGD:lr=0.1,0.01": "several values of lr are separated by '|': write "
    "'torch.optim.SGD:lr=0.1|0.01'",
    "adam,0.1": "'0.1' is no optimizer; values follow their name: adam:lr=0.1",
    "0.1": "'0.1' is no optimizer; values follow their name: adam:lr=0.1",
    "adam sgd": "'adam sgd': separate optimizers by commas: 'adam,sgd'",
    "adam;sgd": "'adam;sgd': separate optimizers by commas: 'adam,sgd'",
    "adam(lr=0.1)": "'adam(lr=0.1)': write hyperparameters after ':', as in 'adam:lr=0.1'",
    "adam=0.1": "'adam=0.1': write hyperparameters after ':', as in 'adam:lr=0.1'",
    "adam lr=0.1": "'adam lr=0.1': write hyperparameters after ':', as in 'adam:lr=0.1'",
    "sgd,torch.optim.SGD = 1": "'torch.optim.SGD = 1': write hyperparameters after ':', "
    "as in 'torch.optim.SGD:lr=1'",
    "adam:learning_rate=1": "adam has no hyperparameter 'learning_rate'. Did you mean 'lr'?",
    "adam:wd=1": "adam has no hyperparameter 'wd'. Did you mean 'weight_decay'?",
    "no/such.py:Mine": "optimizer 'no/such.py:Mine': there is no file '/",
    "adam:lr=" + "9" * 5000: f"'{'9' * 60}…{'9' * 19}': expected at most 18 digits",
    "adam:lr=1e999": "'adam:lr=1e999': expected lr to be finite, got '1e999'",
    "adam:betas=" + "(" * 3000 + ")" * 3000: "'adam:betas=((((",
    "a" * 200_000: "expected at most 100,000 characters, got 200,000",
    "adam"
    + ":lr=1|2|3|4|5|6|7|8|9|10"
    + "".join(
        f":{key}=" + "|".join(map(str, range(1, 30))) for key in ("eps", "weight_decay", "warmup")
    ): "'adam:lr=1|2|3|4|5|6|7|8|9|10:eps=1|2|3|4|5|6|",
    "mine.Outer.Iner": "optimizer 'mine.Outer.Iner': Outer has no 'Iner'. Did you mean 'Inner'?",
    "mine.Outer.Inner.Inner": "optimizer 'mine.Outer.Inner.Inner': Outer.Inner has no 'Inner'.",
    "torch.nn.Linear": "optimizer 'torch.nn.Linear': it is not a subclass of torch.optim.Optimizer",
    "mine.factory": "optimizer 'mine.factory': it is not a subclass of torch.optim.Optimizer",
    "mine.Plain": "mine.Plain needs lr: give mine.Plain:lr=…",
    "mine.Plain:lr=1:clop=2": "mine.Plain has no hyperparameter 'clop'. Did you mean 'clip'? "
    "It takes: lr, warmup, clip",
    "mine.Silent:lr=2": "mine.Silent lr=2: AssertionError",
    "mine.NoRate:schedule=cosine": "mine.NoRate schedule=cosine: a schedule needs a learning rate",
    "mine.AnyRate:warmup=3": "mine.AnyRate warmup=3: a schedule needs a number as lr, and it is "
    "None",
    "mine.AnyRate:lr=auto:warmup=3": "mine.AnyRate lr=auto warmup=3: a schedule needs a number as "
    "lr, and it is 'auto'",
    "broken.Optimizer": "optimizer 'broken.Optimizer': cannot import 'broken': two lines",
    "exiting.Optimizer": "optimizer 'exiting.Optimizer': cannot import 'exiting': no GPU",
    ".Adam": "optimizer '.Adam': expected names with a dot between them",
    "..x": "optimizer '..x': expected names with a dot between them",
    "torch..Adam": "optimizer 'torch..Adam': expected names with a dot between them",
    "path/to/mine.py": "optimizer 'path/to/mine.py': add the class, as in 'path/to/mine.py:MyOpt'",
    "adam:gradients=first": "adam: gradients is for classes by import path",
    "sgd:lr=１": "sgd lr=１: SGD: expected lr to be a number >= 0, got '１'",
}


@pytest.mark.parametrize(("text", "message"), ERRORS.items(), ids=[text[:40] for text in ERRORS])
def test_what_cannot_be_followed_is_refused_in_one_line(text, message, mine):
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_is_the_same_optimizer_from_every_folder(tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / "sunk.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    relative = one("deep/down/sunk.py:Outer.Inner:lr=0.5")
    assert relative == one(f"{folder}/sunk.py:Outer.Inner:lr=0.5") == one("sunk.Outer.Inner:lr=0.5")
    assert relative.label == "sunk.Outer.Inner lr=0.5"
    assert labels("deep/down/sunk.py:Outer.Inner@deep") == ["deep"]
    assert type(relative.build([torch.nn.Parameter(torch.zeros(1))])).__name__ == "Inner"


@pytest.mark.parametrize("folder", ["me@host", "@", "a@b/c@d", "x(1)@y", "name=with", "v1.py@x"])
@pytest.mark.parametrize("label", ["", "@mine", "@v1.py"])
def test_a_folder_may_have_an_at_sign(folder, label, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "atsign.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "atsign", raising=False)
    monkeypatch.chdir(tmp_path)
    spec = one(f"{folder}/atsign.py:Outer.Inner{label}:lr=0.5")
    assert spec == one(f"atsign.Outer.Inner{label}:lr=0.5")
    default = f"{folder}/atsign.py:Outer.Inner{label}:default"
    assert labels(default)[0].endswith(label[1:] or "default")
    (tunable,) = describe_tunables(f"{folder}/atsign.py:Outer.Inner{label}:lr=0.1..1")
    assert tunable.name == "atsign.Outer.Inner"


@pytest.mark.parametrize("folder", ["a,b", "a, b", "a,b/c,d", "adam,x", "a:b", "a(b", "a)b,c", ","])
@pytest.mark.parametrize("place", ["{}", "adam,{}", "{},sgd:lr=0.1"])
def test_a_path_that_the_grammar_cuts_is_told(folder, place, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "cutmine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    found = f"{folder}/cutmine.py"
    with pytest.raises(SpecError) as caught:
        describe(place.format(f"{found}:Outer.Inner:lr=0.5"))
    sign = next(each for each in folder if each in ",:()")
    assert str(caught.value) == (
        f"{found!r}: a path cannot have {sign!r} in it; run from the folder of cutmine.py, as "
        "'cutmine.py:MyOpt', or move it to another path"
    )


def test_parentheses_that_match_are_no_reason_for_another_mistake(tmp_path, monkeypatch):
    (tmp_path / "a(b,c)").mkdir()
    (tmp_path / "a(b,c)" / "matching.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="has no hyperparameter 'lrr'"):
        describe("a(b,c)/matching.py:Outer.Inner:lrr=1")


def test_a_label_may_end_as_a_file_does():
    spec = one("adam@v1.py:lr=0.5")
    assert (spec.label, spec.hyperparameters["lr"]) == ("v1.py", 0.5)


def test_a_file_that_another_module_hides_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "random.py").write_text(MODULE)
    with pytest.raises(SpecError, match="the name 'random' leads to .*random.py; rename your file"):
        parse(f"{tmp_path}/random.py:Silent")


WITHOUT_TORCH = """
import pickle, sys
from optimizers.grammar import describe
specs = describe(sys.argv[1])
assert "torch" not in sys.modules
sys.stdout.buffer.write(pickle.dumps(specs))
"""


def test_registered_optimizers_are_described_without_torch():
    text = "all,adam:lr=0.1|1:schedule=cosine,rmsprop@mine:alpha=0.5"
    command = [sys.executable, "-c", WITHOUT_TORCH, text]
    described = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    assert pickle.loads(described) == parse(text)


def test_an_optimizer_without_a_rate_runs_without_a_schedule(mine):
    assert one("mine.NoRate:size=3").hyperparameters == {"size": 3}
