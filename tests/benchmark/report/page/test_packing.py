import base64
import json

import numpy as np
import polars as pl
import pytest

from benchmark.report.page.packing import pack, table_of, to_json
from benchmark.report.page.tables import ProfileStairs


def unpack(packed):
    codes = np.frombuffer(base64.b64decode(packed.codes), dtype="<u2").astype(float)
    numbers = packed.unit * np.sinh(packed.low + codes * packed.step)
    return np.where(codes == 65535, np.nan, numbers)


def test_packed_numbers_come_back_within_a_twentieth_of_a_per_cent():
    values = np.concatenate([np.geomspace(1e-6, 1e3, 1000), -np.geomspace(1e-3, 10, 50)])
    assert unpack(pack(values)) == pytest.approx(values, rel=5e-4)


def test_beside_a_trial_that_explodes_other_losses_stay_what_they_are():
    values = np.array([0.02, 2.3, 7e5, 3e38])
    assert unpack(pack(values)) == pytest.approx(values, rel=8e-4)


def test_packed_accuracies_come_back_to_two_digits_of_a_per_cent():
    values = np.linspace(0.1, 1.0, 777)
    assert unpack(pack(values)) == pytest.approx(values, abs=5e-5)


def test_what_is_absent_or_infinite_stays_absent():
    found = unpack(pack(np.array([1.0, np.nan, 2.0, np.inf])))
    assert np.isnan(found).tolist() == [False, True, False, True]


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [3.5], [np.nan], [-2.0, -2.0]])
def test_odd_arrays_survive(values):
    assert unpack(pack(np.array(values))) == pytest.approx(values, nan_ok=True)


def test_json_can_neither_close_nor_open_a_script_element():
    text = to_json({"name": "</script><!--&"})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"name": "</script><!--&"}


def test_numbers_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json([float("nan")])


def test_a_table_has_the_columns_of_its_class_and_no_others():
    frame = pl.DataFrame({"optimizer": [0], "tau": [1.0], "share": [0.12345678]})
    assert table_of(frame, ProfileStairs).share == [0.123457]
    for wrong in (frame.drop("tau"), frame.with_columns(label=pl.lit("sgd"))):
        with pytest.raises(TypeError, match="tau|label"):
            table_of(wrong, ProfileStairs)
