import dataclasses
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.axes import AXES
from benchmark.context import Context
from benchmark.decode import RecordFields
from benchmark.errors import Misfit
from benchmark.metrics import LOSS
from benchmark.record import Clocks, Cost, Environment, Progress, Record, known
from benchmark.runner import run

NUMBERS = st.floats(0, 1e9) | st.integers(0, 10**9)  # JSON may write a whole float as an integer
COUNTS = st.integers(0, 2**53)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = {
    kind: [each.name for each in dataclasses.fields(kind)] for kind in (Progress, Clocks, Cost)
}
FACTS = [each.name for each in dataclasses.fields(Environment)]


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


def some(names, values):
    """Return a strategy of mappings of some of the names, in their order."""
    given_values = st.tuples(*(st.none() | values(name) for name in names))
    pairs = given_values.map(lambda found: zip(names, found, strict=True))
    return pairs.map(lambda found: {name: value for name, value in found if value is not None})


def number(name):
    return COUNTS if name in ("step", "samples") else NUMBERS


def fact(name):
    return COUNTS if name in ("cores", "stacked") else TEXTS


METRICS = st.dictionaries(TEXTS.map("val/{}".format) | st.just("lr"), NUMBERS, max_size=5)
PACKAGES = st.dictionaries(TEXTS.filter(lambda name: name not in FACTS), TEXTS, max_size=5)
SPLIT = FACTS.index("packages")  # the place of the packages in JSON


@given(
    progress=some(NAMES[Progress], number),
    metrics=METRICS,
    cost=some(NAMES[Cost], lambda _: COUNTS),
    clocks=some(NAMES[Clocks], number),
    before=some(FACTS[:SPLIT], fact),
    packages=PACKAGES,
    after=some(FACTS[SPLIT + 1 :], fact),
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_text_is_read_into_parts_and_written_byte_for_byte(
    trials_of, progress, metrics, cost, clocks, before, packages, after
):
    text = json.dumps(
        {
            "trial": trials_of()[0].to_json(),
            "status": "done",
            "reason": "",
            "metrics": progress | metrics | cost,
            "seconds": clocks,
            "environment": before | packages | after,
            "weights_sha256": "0f",
        }
    )
    record = Record.from_text(text.encode())
    assert json.dumps(record.to_json()) == text
    assert (known(record.progress), record.metrics) == (progress, metrics)
    assert (known(record.clocks), known(record.cost)) == (clocks, cost)
    assert record.environment.packages == packages
    assert known(record.environment) == before | packages | after


def test_the_fields_on_disk_are_those_that_are_written(trials_of):
    record = Record(trial=trials_of()[0], status="done", own_metrics=(LOSS,))
    assert list(record.to_json()) == list(RecordFields.__struct_fields__)


def test_parts_that_share_a_mapping_in_json_share_no_name():
    assert not {*NAMES[Progress]} & {*NAMES[Cost]}
    assert NAMES[Progress] == list(AXES)


@pytest.mark.parametrize("diagnostics_every", [0, 2])
@pytest.mark.parametrize("log_every", [1, 1000])  # many chunks, or one per epoch
def test_a_trial_knows_every_part_and_its_record_comes_back(
    trials_of, log_every, diagnostics_every
):
    [trial] = trials_of(log_every=log_every, diagnostics_every=diagnostics_every)
    here = Environment(suite="1", packages={"torch": "2"}, cores=2)
    record = run(trial, Context(environment=here))
    for kind, part in (
        (Progress, record.progress),
        (Clocks, record.clocks),
        (Cost, record.cost),
    ):
        assert list(known(part)) == NAMES[kind]
    assert known(record.environment).keys() == {"suite", "torch", "cores", "device", "data"}
    assert not record.metrics.keys() & {*AXES, *NAMES[Cost]}
    written = record.to_json()
    assert Record.from_text(json.dumps(written).encode()) == record
    names = list(written["metrics"])
    assert names[: len(AXES)] == list(AXES)
    assert names[-len(NAMES[Cost]) :] == NAMES[Cost]


@pytest.mark.parametrize(
    ("mapping", "values", "message"),
    [
        ("seconds", {"idle": 1.0}, "no clock has the name idle"),
        ("seconds", {"total": 1.0, "a\nb": 1.0, "c": 2.0}, "no clock has the name a b, c"),
        ("metrics", {"state_bytes": 0.5}, r"Expected `int \| null`, got `float`.*state_bytes"),
        ("environment", {"cores": "two"}, r"Expected `int \| null`, got `str`.*cores"),
        ("environment", {"device": ["cpu"]}, r"Expected `str \| null`, got `array`.*device"),
        ("environment", {"torch": 2}, "Expected `str`, got `int`.*packages"),
    ],
)
def test_a_value_that_belongs_to_no_part_or_has_a_wrong_type_does_not_fit(
    trials_of, mapping, values, message
):
    data = Record(trial=trials_of()[0], status="done").to_json() | {mapping: values}
    with pytest.raises(Misfit, match=f"^[^\n]*{message}[^\n]*$"):
        Record.from_text(json.dumps(data).encode())
