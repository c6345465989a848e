import math
import subprocess
import sys
from importlib.util import find_spec

import pytest

from benchmark.errors import UsageError
from benchmark.protocols import SAMPLERS, points, sampler
from benchmark.protocols.halton import halton
from optimizers.errors import UnknownNameError
from optimizers.grammar import describe_tunables
from tests.grids import quick_if

has_optuna = find_spec("optuna") is not None
names = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(name == "optuna" and not has_optuna, reason=""))
        for name in SAMPLERS
    ],
)
FIRST = [
    [0.329532, 0.410015, 0.572811],
    [0.996199, 0.610015, 0.144239],
    [0.440643, 0.010015, 0.858525],
]  # of bases 3, 5 and 7
TEXTS = ("adam", "adamw:schedule=constant|cosine", "sgd", "adam:betas=(0.8..0.9,0.99)")


def one(text, kind="full"):
    (found,) = describe_tunables(text, kind)
    return found


def decades(specs):
    return [math.log10(spec.hyperparameters["lr"]) for spec in specs]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("dimension", "base"), list(enumerate((2, 3, 5, 7, 11, 13))))
def test_every_interval_of_every_power_has_one_point(dimension, base, seed):
    power = 1
    while (power := power * base) < 200:
        found = [halton(i, dimension + 1, seed=seed)[dimension] for i in range(power)]
        assert sorted(math.floor(u * power + 1e-9) for u in found) == list(range(power))
        assert all(0 <= u < 1 for u in found)


def test_base_two_is_not_scrambled_and_the_others_are_the_same_for_ever():
    assert [halton(i, 1)[0] for i in range(8)] == [0, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875]
    found = [[round(u, 6) for u in halton(i, 4)[1:]] for i in (1, 2, 3)]
    assert found == FIRST


def test_dimensions_do_not_depend_on_how_many_there_are():
    assert halton(77, 5)[:3] == halton(77, 3)


def test_pairs_of_dimensions_are_not_correlated():
    found = [halton(i, 6) for i in range(1, 65)]
    for a in range(6):
        for b in range(a):
            x, y = ([point[i] - 0.5 for point in found] for i in (a, b))
            spread = math.sqrt(sum(v * v for v in x) * sum(v * v for v in y))
            assert abs(sum(p * q for p, q in zip(x, y, strict=True))) / spread < 0.35


@pytest.mark.parametrize("power", [1, 2, 3, 4, 5])
def test_budgets_that_are_powers_of_two_are_even_grids_in_the_rate(power):
    found = sorted(decades(points(one("sgd"), 2**power)[1:]))  # without the defaults
    step = 4 / 2**power  # of four decades
    assert found == pytest.approx([-3 + step * i for i in range(1, 2**power)], abs=1e-5)


@names
@pytest.mark.parametrize("text", TEXTS)
def test_the_first_point_has_the_defaults(name, text):
    tunable = one(text)
    assert sampler(name, tunable).ask(1) == [tunable.defaults()]


@pytest.mark.parametrize("text", TEXTS)
def test_a_smaller_budget_is_a_prefix_and_no_point_comes_twice(text):
    tunable = one(text)
    most = points(tunable, 33)
    assert len({spec.text for spec in most}) == 33
    assert all(points(tunable, budget) == most[:budget] for budget in (0, 1, 2, 7, 16))


@pytest.mark.parametrize("name", ["halton", "random"])
@pytest.mark.parametrize("text", TEXTS)
def test_asking_little_by_little_gives_the_same_points(name, text):
    tunable = one(text)
    by_parts = sampler(name, tunable, seed=3)
    found = [spec for count in (1, 4, 0, 3) for spec in by_parts.ask(count)]
    assert found == sampler(name, tunable, seed=3).ask(8)


@names
def test_another_seed_gives_other_points(name):
    found = [tuple(sampler(name, one("adam"), seed=seed).ask(4)[1:]) for seed in (0, 1)]
    assert found[0] != found[1]


def test_the_rates_of_halton_points_are_those_of_every_seed():
    found = [points(one("adamw"), 16, seed=seed) for seed in (0, 1)]
    assert decades(found[0]) == decades(found[1])
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("sgd:lr=0.1", 1),
        ("sgd:lr=0.1:schedule=constant|cosine", 2),
        ("sgd:lr=0.1:schedule=cosine|1/sqrt(t)", 2),
        ("adam:lr=0.1:betas=(0.9,0.99):schedule=constant|cosine|1/sqrt(t):amsgrad=true|false", 6),
        ("adam:lr=0.1..0.100001", 2),
    ],
)
def test_a_space_that_has_no_more_points_ends(text, count):
    assert len(points(one(text), 50)) == count


@pytest.mark.one_in(5)
@names
@pytest.mark.parametrize("seed", quick_if((0).__eq__, range(3)))
@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("sgd:lr=0.1:schedule=constant|cosine", 2),
        ("adam:lr=0.1:betas=(0.9,0.99):schedule=constant|cosine|1/sqrt(t):amsgrad=true|false", 6),
        ("adam:schedule=constant|cosine", math.inf),
    ],
)
def test_no_point_of_choices_comes_twice_and_every_one_comes(name, text, size, seed):
    tunable = one(text)
    for budget in (1, 2, 5, 9):
        source = sampler(name, tunable, seed=seed)
        found = []
        for count in (budget - budget // 2, budget // 2):
            new = source.ask(count)
            found += new
            for spec in new:
                source.tell(spec, 1.0)
        assert len(set(found)) == len(found) == min(budget, size)


def test_a_point_outside_of_the_space_does_not_hide_one_in_it():
    lion = one("lion")
    assert lion.defaults().hyperparameters["weight_decay"] == 0.0
    assert len(points(lion, 9)) == 9


@names
@pytest.mark.parametrize("text", TEXTS)
def test_a_search_that_is_repeated_asks_for_the_same_points(name, text):
    def search():
        one_sampler = sampler(name, one(text), seed=5)
        asked = []
        for count in (1, 1, 3, 12, 4):
            batch = one_sampler.ask(count)
            asked += batch
            for spec in batch:
                rate = spec.hyperparameters["lr"]
                one_sampler.tell(spec, None if rate > 0.5 else (math.log10(rate) + 2) ** 2)
        return asked

    assert search() == search()


@pytest.mark.skipif(not has_optuna, reason="the extra `tuning` is not installed")
def test_optuna_learns_from_values_and_takes_diverged_ones_as_worst():
    search = sampler("optuna", one("sgd"))
    found = []
    for _ in range(40):
        (spec,) = search.ask(1)
        rate = spec.hyperparameters["lr"]
        search.tell(spec, math.nan if rate > 0.3 else abs(math.log10(rate) + 1.5))
        found.append(rate)
    late = [abs(math.log10(rate) + 1.5) < 1 for rate in found[-15:]]
    assert sum(late) >= 12


def test_without_optuna_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError) as error:
        sampler("optuna", one("sgd"))
    message = str(error.value)
    assert message == "sampler optuna needs Optuna: pip install 'optimizer-benchmark[tuning]'"


def test_an_unknown_sampler_is_answered_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown sampler 'sobol'. Known: halton, random"):
        sampler("sobol", one("sgd"))


def test_protocols_load_neither_torch_nor_optuna():
    code = (
        "import sys; from benchmark.protocols import points; "
        "from optimizers.grammar import describe_tunables; "
        "[points(each, 16) for each in describe_tunables('all', 'full')]; "
        "print(*sys.modules.keys() & {'torch', 'numpy', 'optuna', 'lightning'})"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert ended.stdout == b"\n"


@names
@pytest.mark.parametrize(("ends", "values"), [("2..10", range(2, 11)), ("19..21", range(19, 22))])
def test_a_range_of_whole_numbers_has_each_of_them_once(name, ends, values):
    tunable = one(f"torch.optim.LBFGS:max_iter={ends}")
    found = [spec.hyperparameters["max_iter"] for spec in sampler(name, tunable).ask(20)]
    assert found[0] == tunable.defaults().hyperparameters["max_iter"]
    assert sorted(found) == sorted({*values, found[0]})
    assert {type(value) for value in found} == {int}


@pytest.mark.slow
def test_a_space_of_whole_numbers_is_tried_to_its_last_point():
    tunable = one("torch.optim.LBFGS:max_iter=2..50:line_search_fn=none|strong_wolfe")
    assert tunable.size == 98
    assert len(points(tunable, 1000)) == 98
    assert one("torch.optim.LBFGS:max_iter=2..50:lr=0.1..1").size == math.inf
