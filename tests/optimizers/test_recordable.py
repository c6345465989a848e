"""What is planned can be read again: records hold every value and label of a description."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.errors import Misfit
from benchmark.spec import Trial
from optimizers.errors import SpecError
from optimizers.grammar import describe, describe_tunables, parse
from optimizers.recordable import is_recordable
from optimizers.spec import OptimizerSpec

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, 2**63 - 1, -(2**63), -(2**63) - 1, 10**40])
    | st.floats(allow_nan=False)
    | st.text(st.characters())  # surrogates, too
    | st.sampled_from([9_999, 10_000, 10_001]).map("x".__mul__)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
MODULE = """
import numpy as np
import torch

class Odd(torch.optim.SGD):
    def __init__(self, params, lr=0.1, big=10**40, text="\\ud800", long="x" * 10_001, kind=None,
                 deep=(((1,),),), pair=(1, 2**64), count=2**63 - 1, inside=((1, 2), (3, "a"))):
        super().__init__(params, lr=lr)

class Numpy(torch.optim.SGD):
    def __init__(self, params, lr=np.float32(0.1), momentum=np.float64(0.5)):
        super().__init__(params, lr=float(lr), momentum=momentum)
"""


def read_again(spec):
    trial = Trial(
        problem="logreg/digits",
        model="logreg",
        dataset="digits",
        optimizer=spec,
        seed=0,
        epochs=1,
        batch_size=8,
    )
    again = Trial.from_json(json.loads(json.dumps(trial.to_json())))
    return again.optimizer == spec and again.key == trial.key


@settings(max_examples=60, deadline=None)
@given(value=VALUES)
@example(value=(((1,),),))
@example(value="\ud800")
def test_a_value_is_recordable_if_a_trial_with_it_can_be_read_again(value):
    spec = OptimizerSpec(name="a.B", label="b", target="a:B", hyperparameters={"k": value})
    if is_recordable(value):
        assert read_again(spec)
    else:
        with pytest.raises(Misfit):
            read_again(spec)


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    (tmp_path / "unrecordable.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)


def test_defaults_that_no_record_holds_stay_with_the_class():
    (spec,) = parse("unrecordable.Odd")
    assert spec.hyperparameters == {
        "lr": 0.1,
        "kind": None,
        "count": 2**63 - 1,
        "inside": ((1, 2), (3, "a")),
    }
    assert read_again(spec)


@pytest.mark.parametrize("kind", ["lr", "full"])
@pytest.mark.parametrize("name", ["Odd", "Numpy", "Numpy:momentum=0.6..0.9"])
def test_points_of_classes_with_odd_defaults_can_be_read_again(name, kind):
    (tunable,) = describe_tunables(f"unrecordable.{name}", kind)
    assert read_again(tunable.defaults())
    assert read_again(tunable.point([0.25] * len(tunable.space.ranges)))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("unrecordable.Odd:kind=a\ud800", "expected kind to be whole numbers of 64 bits, "),
        ("unrecordable.Odd@mine:kind=" + "x" * 10_001, "expected kind to be whole numbers of "),
        ("unrecordable.Odd:deep=(((1,2),3),4)", "expected deep to be whole numbers of 64 bits, "),
        ("unrecordable.Odd:kind=" + "x" * 500, "expected a label of at most 500 characters"),
        ("adam@" + "x" * 501, "expected a label of at most 500 characters"),
        ("adam@a\ud800", "expected a label of at most 500 characters in valid Unicode"),
    ],
    ids=["surrogate", "long", "deep", "named", "label", "label with a surrogate"],
)
def test_what_no_record_holds_is_refused_when_it_is_given(item, message):
    with pytest.raises(SpecError, match=message) as caught:
        describe(item)
    str(caught.value).encode()  # can be printed
    assert len(str(caught.value)) < 400
    assert read_again(describe("adam@" + "x" * 500)[0])
