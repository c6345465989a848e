import json

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optimizers.errors import SpecError
from optimizers.grammar import describe, describe_tunables
from optimizers.registry import OPTIMIZERS
from optimizers.spaces import Choice, Range, Space
from optimizers.tunable import Tunable
from optimizers.unparse import items
from tests.grids import taking_turns

MODULE = """
import torch

class MyOpt(torch.optim.SGD):
    def __init__(self, params, lr, beta=0.9):
        super().__init__(params, lr=lr, momentum=beta)

class Like(torch.optim.Adam):
    def __init__(self, params, lr=None, beta1=0.9, beta2=0.99, rho=None, alpha=0.9, momentum=True):
        super().__init__(params, lr=1e-3 if lr is None else lr, betas=(beta1, beta2))

class Three(torch.optim.Adam):
    def __init__(self, params, lr=0.1, betas=(0.9, 0.9, 0.9)):
        super().__init__(params, lr=lr)

class NoRate(torch.optim.Optimizer):
    def __init__(self, params, nesterov=True, size=2.0):
        super().__init__(params, {"size": size})

class Fixed(torch.optim.Optimizer):
    def __init__(self, params, nesterov=True):
        super().__init__(params, {})

class Open(torch.optim.SGD):
    def __init__(self, params, **values):
        super().__init__(params, **values)

class Lookahead(torch.optim.Optimizer):
    def __init__(self, optimizer, alpha=0.5):
        self.optimizer = optimizer
        super().__init__(optimizer.param_groups, {})

class Counts(torch.optim.SGD):
    def __init__(self, params, lr=1, k=3, pair=(1, 2.0), lr_decay=2, decay_steps=10,
                 scale: float = 2, twice=True, gap: int = 40):
        self.found = [list(range(each)) for each in (k, pair[0], decay_steps, gap)]
        super().__init__(params, lr=lr)

class Asks(torch.optim.SGD):
    def __init__(self, params, every: int, most: "int | None", size: int | float, plain):
        super().__init__(params, lr=0.1)
"""
ITEMS = [
    *OPTIMIZERS,
    "adam@mine",
    "adam:eps=1e-06:amsgrad=true|false",
    "adam@two words:eps=1e-6:schedule=constant|cosine|1/sqrt(t)|inverse_sqrt",
    "adam:betas=(0.8..0.95,0.99)",
    "adam:betas=0.9/0.99..0.9999:lr=0.01",
    "adam:betas.0=0.5|0.6",
    "adamw:weight_decay=0.5:warmup=0.1",
    "sgd:lr=0.1:schedule=constant|cosine",
    "sgd:lr=0.1",
    "totune.MyOpt",
    "totune.MyOpt:lr=1e-4..1e-1:beta=0.8..0.999",
    "totune.Like",
    "totune.Open:lr=0.001..1",
    "totune.Open:lr=0.5",
    "totune.Lookahead:optimizer=sgd:optimizer.lr=1e-3..1",
    "totune.Lookahead:optimizer=sgd|adam:optimizer.lr=0.1",
    "torch.optim.Muon:rest.lr=1e-4..1e-2:lr=1e-4..1e-2",
    "totune.Counts:k=2..10:lr=0.1..10:scale=1..9",
    "totune.Counts:pair=(2..5,1..4):gap=1..2000000",
    "totune.Lookahead:optimizer=totune.Counts:optimizer.k=2..10:optimizer.lr=0.1..10",
    "torch.optim.LBFGS:max_iter=2..50:lr=0.5..2",
]


@pytest.fixture(scope="module", autouse=True)
def mine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    (folder / "totune.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


def one(text, kind="lr"):
    (found,) = describe_tunables(text, kind)
    return found


def names(tunable):
    return [each.name for each in tunable.space.ranges]


def points_of(text, kind, numbers):
    for tunable in describe_tunables(text, kind):
        count = len(tunable.space.ranges)
        yield tunable.defaults()
        yield tunable.point(numbers[:count])


@pytest.mark.one_in(5)
@taking_turns(("item", "kind"), list(ITEMS), ["lr", "full"])
@settings(max_examples=8, deadline=None)
@given(numbers=st.lists(st.floats(0, 1, exclude_max=True), min_size=6, max_size=6))
@example(numbers=[1 - 2**-53] * 6)  # the upper end of each range: often a whole number
@example(numbers=[0.5] * 6)
def test_a_point_and_its_command_are_the_same_spec(item, kind, numbers):
    for spec in points_of(item, kind, numbers):
        (text,) = items([spec])
        (again,) = describe(text)
        assert again == spec
        assert again.text == spec.text  # the trial's key is made of it


@given(u=st.floats(0, 1, exclude_max=True))
def test_six_digits_on_the_command_line_are_the_point(u):
    spec = one("adam").point([u])
    (typed,) = describe(f"adam:lr={spec.hyperparameters['lr']:g}")
    assert typed.text == spec.text


def test_a_point_is_labelled_with_what_was_drawn():
    assert one("adam").point([0.625]).label == "adam lr=0.00316228"
    assert describe("adam:lr=0.00316228") == [one("adam").point([0.625])]
    full = one("adam@mine", "full").point([0.25, 0.5, 0.5]).label
    assert full == "mine lr=0.0001 betas=(0.929289,0.995528)"
    assert one("adam:eps=1e-6").point([0.25]).label == "adam eps=1e-06 lr=0.0001"


@pytest.mark.parametrize("kind", ["lr", "full"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_registered_optimizer_has_the_space_of_its_row_and_begins_at_its_defaults(name, kind):
    tunable = one(name, kind)
    assert (tunable.name, tunable.label, tunable.kind) == (name, name, kind)
    assert tunable.space == OPTIMIZERS[name].spaces[kind]
    (default,) = describe(name)
    assert tunable.defaults().hyperparameters == default.hyperparameters


def test_all_is_every_registered_optimizer():
    assert [each.label for each in describe_tunables("all")] == list(OPTIMIZERS)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("kind", ["lr", "full"])
def test_an_optimizer_to_tune_survives_json(item, kind):
    for tunable in describe_tunables(item, kind):
        text = json.dumps(tunable.to_json())
        assert "null" not in text
        again = Tunable.from_json(json.loads(text))
        assert again == tunable
        assert again.defaults() == tunable.defaults()


def test_none_survives_json():
    tunable = Tunable(name="adam", label="a", fixed={"lr": None}, space=Space(), kind="lr")
    assert Tunable.from_json(json.loads(json.dumps(tunable.to_json()))) == tunable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown: colour"),
        ({"kind": "some"}, "expected kind to be one of lr, full, given, got 'some'"),
        ({"space": {"ranges": [{"name": "lr", "low": 1, "high": 0}]}}, "range of lr: expected"),
        ({"space": {"ranges": [{"name": "lr"}]}}, "low"),
        ({"space": []}, "optimizer to tune 'adam'"),
        ({"fixed": 3}, "optimizer to tune 'adam'"),
    ],
)
def test_a_damaged_description_is_one_line(change, message):
    with pytest.raises(SpecError) as error:
        Tunable.from_json(one("adam").to_json() | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_entry_that_is_missing_is_named():
    found = one("adam").to_json()
    del found["fixed"]
    with pytest.raises(SpecError, match="missing or unknown: fixed"):
        Tunable.from_json(found)


def test_ranges_on_the_command_line_are_the_only_ones():
    tunable = one("totune.MyOpt:beta=0.8..0.999:lr=1e-4..1e-1", "full")
    assert tunable.kind == "given"
    assert tunable.space.ranges == (
        Range(name="lr", low=1e-4, high=1e-1),
        Range(name="beta", low=0.001, high=0.2, one_minus=True),
    )
    assert tunable.space.kinds == ("lr", "momentum/beta1")
    assert names(one("adam:eps=1e-9..1e-3", "full")) == ["eps"]


def test_a_range_with_one_end_outside_of_one_half_to_one_is_log_uniform():
    for text in ("0.5..0.9", "0.8..1", "0.9..2"):
        low, high = map(float, text.split(".."))
        assert one(f"totune.MyOpt:lr={text}").space.ranges == (
            Range(name="lr", low=low, high=high),
        )


def test_numbers_of_a_tuple_have_ranges_of_their_own():
    tunable = one("adam:betas=(0.8..0.95,0.99)")
    assert (names(tunable), tunable.fixed) == (["betas.0"], {"betas.1": 0.99})
    assert tunable.point([0.999999]).hyperparameters["betas"] == (0.8, 0.99)
    assert one("adam:betas.0=0.8..0.95:betas.1=0.99").space == tunable.space


def test_a_given_value_is_fixed_and_its_range_is_removed():
    assert names(one("adam:betas=(0.8,0.9)", "full")) == ["lr"]
    assert names(one("adam:betas.0=0.8", "full")) == ["lr", "betas.1"]
    assert names(one("adam:lr=0.01", "full")) == ["betas.0", "betas.1"]
    alone = one("adam:lr=0.01")
    assert (names(alone), alone.fixed) == ([], {"lr": 0.01})
    assert alone.defaults() == alone.point([]) == describe("adam:lr=0.01")[0]


def test_texts_and_booleans_are_chosen_and_numbers_make_several_optimizers():
    tunable = one("adam:schedule=constant|cosine:amsgrad=true|false", "full")
    assert tunable.space.ranges[3:] == (
        Choice(name="schedule", values=("constant", "cosine")),
        Choice(name="amsgrad", values=(True, False)),
    )
    assert tunable.space.kinds == ("lr", "momentum/beta1", "beta2", "schedule", "amsgrad")
    grid = describe_tunables("adam:eps=1e-8|1e-4:weight_decay=0|0.1")
    assert [each.label for each in grid][:2] == [
        "adam eps=1e-08 weight_decay=0",
        "adam eps=1e-08 weight_decay=0.1",
    ]
    assert [each.fixed["eps"] for each in grid] == [1e-8, 1e-8, 1e-4, 1e-4]
    assert [each.label for each in describe_tunables("adam@a:eps=1e-8|1e-4")] == [
        "a eps=1e-08",
        "a eps=0.0001",
    ]


def test_the_first_values_stay_within_what_the_user_gave():
    assert one("adam:lr=1e-4..1e-1").first_values() == {"lr": 1e-3}
    assert one("adam:lr=0.01..1").first_values() == {"lr": 0.1}
    assert one("totune.MyOpt:lr=1e-4..1e-2").first_values() == {"lr": 1e-3}  # it has no default
    assert one("sgd:schedule=cosine|1/sqrt(t)").first_values()["schedule"] == "cosine"
    assert one("lion", "full").first_values()["weight_decay"] == 0.0  # the registry's are defaults


def test_known_arguments_of_a_class_get_the_ranges_of_the_registry():
    assert names(one("totune.MyOpt")) == ["lr"]
    assert names(one("torch.optim.AdamW", "full")) == ["lr", "betas.0", "betas.1", "weight_decay"]
    assert one("torch.optim.AdamW", "full").space.ranges == OPTIMIZERS["adamw"].space.ranges
    found = one("totune.Like", "full")
    assert names(found) == ["lr", "beta1", "beta2", "alpha"]  # no number is no rho, no momentum
    assert found.first_values()["lr"] is None
    assert names(one("totune.Three", "full")) == ["lr"]
    assert set(names(one("torch.optim.RMSprop", "full"))) == {
        "lr",
        "alpha",
        "momentum",
        "weight_decay",
    }


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            "totune.NoRate",
            "no argument lr: give a range to tune, as in totune.NoRate:size=",
        ),
        ("totune.Fixed", "has no number to tune: give its __init__ an argument such as lr"),
        ("totune.Open", "no argument lr: give a range to tune, as in totune.Open:lr="),
        (
            "totune.Lookahead:optimizer=sgd",
            "as in totune.Lookahead:optimizer=torch.optim.SGD:optimizer.lr",
        ),
        ("totune.Lookahead:optimizer.lr=1e-3..1", "needs optimizer"),
        ("adam:lr=0..1", "give positive ends"),
        ("adam:lr=-1..1", "give positive ends"),
        ("adam:lr=1..0.1", "the smaller end first"),
        ("adam:lr=1..1", "the smaller end first"),
        ("adam:lr=1e-4..", "expected a range of two numbers"),
        ("adam:lr=1e-4..inf", "expected a range of two numbers"),
        ("adam:lr=1e-4...1e-1", "expected a range of two numbers"),
        ("adam:lr=1..1e999", "the smaller end first"),
        ("adam:lr=1e-4..1e-1|1", "has a range and '|'"),
        ("adam:betas=(0.9..0.95,(0.9..0.95,1))", "nested parentheses"),
        ("adam:betas=(0.9,0.99):betas.0=0.8..0.9", "betas is both fixed and drawn"),
        ("adam:betas.3=0.8..0.9", "betas: give all its numbers"),
        ("adam:betas=(0.9..1.5,0.99)", "expected betas to be 2 numbers >= 0 and < 1"),
        ("adam:lrr=1e-4..1e-1", "no hyperparameter 'lrr'. Did you mean 'lr'"),
        ("adam:schedule=constant|cosin", "unknown schedule 'cosin'"),
        ("adam,adam:lr=1e-4..1", "two different optimizers are labelled 'adam'; rename one"),
        ("adm", "unknown optimizer 'adm'. Did you mean 'adam'"),
        ("", "no optimizer given"),
        ("adam:eps=" + "|".join(map(str, range(10_001))), "a grid of at most 10,000"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_give(item, message):
    with pytest.raises(SpecError) as error:
        describe_tunables(item)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("item", ["adam:lr=1e-4..1e-1", "sgd,adam:betas=(0.8..0.9,0.99)"])
def test_a_range_where_nothing_is_tuned_names_the_commands_that_tune(item):
    with pytest.raises(SpecError) as error:
        describe(item)
    assert "--tune" in str(error.value)
    assert "compare" in str(error.value)
    assert "\n" not in str(error.value)


def test_texts_with_two_dots_stay_texts():
    (spec,) = describe("totune.Open:lr=0.1:path=../data:other=a..b")
    assert (spec.hyperparameters["path"], spec.hyperparameters["other"]) == ("../data", "a..b")


@pytest.mark.parametrize("u", [[], [0.5, 0.5], [1.0], [-0.1], [float("nan")]])
def test_a_point_outside_of_the_space_is_refused(u):
    with pytest.raises(ValueError, match=r"adam: expected 1 numbers in \[0, 1\)"):
        one("adam").point(u)


@pytest.mark.parametrize("item", [item for item in ITEMS if "Lookahead" not in item])
def test_the_corners_of_a_space_can_be_built(item):
    for tunable in describe_tunables(item, "full"):
        count = len(tunable.space.ranges)
        for u in (0.0, 0.999999):
            spec = tunable.point([u] * count)
            parameter = torch.nn.Parameter(torch.zeros(2, 2))
            optimizer = spec.build([parameter])
            assert any(parameter is each for g in optimizer.param_groups for each in g["params"])


@pytest.mark.parametrize("low", ["0.51", "0.6", "0.9"])
@pytest.mark.parametrize("high", ["0.95", "0.999"])
def test_a_range_of_learning_rates_near_one_is_log_uniform_in_the_rate(low, high):
    for name in ("adam", "adadelta", "sgd"):
        [space] = one(f"{name}:lr={low}..{high}").space.ranges
        assert space == Range(name="lr", low=float(low), high=float(high))
    [decay] = one(f"adam:betas.0={low}..{high}").space.ranges
    assert decay.one_minus


U = st.floats(0, 1, exclude_max=True)


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("item", "name", "is_whole"),
    [
        ("totune.Counts:k=2..10", "k", True),
        ("totune.Counts:k=2.5..9.5", "k", True),
        ("totune.Counts:gap=1..2000000", "gap", True),
        ("totune.Counts:decay_steps=2..50", "decay_steps", True),
        ("totune.Counts:pair=(2..10,1)", "pair.0", True),
        ("totune.Lookahead:optimizer=totune.Counts:optimizer.k=2..10", "optimizer.k", True),
        ("torch.optim.LBFGS:max_iter=2..50", "max_iter", True),
        ("totune.Counts:lr=1..10", "lr", False),
        ("totune.Counts:lr_decay=1..10", "lr_decay", False),
        ("totune.Counts:k=0.5..10", "k", False),
        ("totune.Counts:scale=1..10", "scale", False),
        ("totune.Counts:pair=(1,2..10)", "pair.1", False),
        ("totune.Counts:twice=2..10", "twice", False),
        ("totune.NoRate:size=1..10", "size", False),
        ("totune.Asks:every=2..10:most=1:size=1:plain=1", "every", True),
        ("totune.Asks:every=2:most=2..10:size=1:plain=1", "most", True),
        ("totune.Asks:every=2:most=1:size=2..10:plain=1", "size", False),
        ("totune.Asks:every=2:most=1:size=1:plain=2..10", "plain", False),
    ],
)
@given(us=st.lists(U, min_size=20, max_size=20, unique_by=lambda u: round(u, 3)))
@example(us=[0.0, 1 - 2**-53, *(i / 20 for i in range(1, 20))])
@settings(max_examples=5, deadline=None)
def test_ranges_of_counts_give_whole_numbers_and_all_others_give_real_ones(
    item, name, is_whole, us
):
    tunable = one(item)
    (drawn,) = tunable.space.ranges
    key, _, index = name.partition(".") if name.startswith("pair") else (name, "", "")
    found = [tunable.point([u]).hyperparameters[key] for u in us]
    found = [each[int(index)] for each in found] if index else found
    if is_whole:
        assert all(type(value) is int and drawn.low <= value <= drawn.high for value in found)
        assert all(
            abs(value - drawn.at(u)) <= 0.5 or drawn.low % 1 or drawn.high % 1
            for value, u in zip(found, us, strict=True)
        )
    else:
        assert found == [drawn.at(u) for u in us]
        assert any(value % 1 for value in found)


@pytest.mark.parametrize(
    ("item", "name", "default"),
    [
        ("totune.Counts:k=2..10", "k", 3),
        ("totune.Counts:lr=0.1..10", "lr", 1),
        ("totune.Counts:lr=1..10", "lr", 1),
        ("totune.Counts:k=4..16", "k", 8),  # the middle, of a range without the default
        ("torch.optim.LBFGS:max_iter=2..50", "max_iter", 20),
        ("totune.NoRate:size=1..10", "size", 2.0),
        ("totune.Asks:every=1..9:most=1:size=1:plain=1", "every", 3),
    ],
)
def test_a_default_keeps_the_type_that_its_class_gives_it(item, name, default):
    found = one(item).defaults()
    value = found.hyperparameters[name]
    assert (value, type(value)) == (default, type(default))
    assert describe(*items([found]))[0].text == found.text


@pytest.mark.parametrize("ends", ["2.2..2.8", "2..2.9", "1.5..2.5"])
def test_a_range_of_counts_has_several_whole_numbers(ends):
    with pytest.raises(SpecError, match=r"range of k: .* two or more .* between"):
        describe_tunables(f"totune.Counts:k={ends}")
