import json

import pytest

from benchmark.workbench.step_cost.costs import Cost, Heat, MemoryUse, as_json, fastest, ratio

MEMORY = MemoryUse(state=80, kept=80, peak=120)


def cost(mode, seconds, *, rival=False):
    return Cost(
        optimizer="torch.optim.Adam" if rival else "adam",
        mode=mode,
        is_rival=rival,
        seconds=tuple(seconds),
        start_seconds=0.5,
        memory=MEMORY,
    )


def heat(*costs, copies=(1.0, 1.0, 4.0)):
    return Heat(
        shape="small",
        optimizer="adam",
        num_tensors=1,
        num_params=10,
        device="cpu",
        threads=1,
        costs=costs,
        rule_bytes=280,
        copy_bytes=140,
        copy_seconds=copies,
    )


LOOP = cost("loop", [8, 8, 32])
PACKED = cost("packed", [2, 2, 8])
DEFAULT = cost("default", [10, 10, 40], rival=True)
FUSED = cost("fused", [4, 4, 16], rival=True)
BROKEN = Cost(optimizer="adam", mode="compiled", is_rival=False, failure="no compiler")


def test_ratios_are_taken_against_torchs_default_and_its_fastest():
    found = heat(LOOP, PACKED, DEFAULT, FUSED)
    assert found.over_default(PACKED) == 0.2
    assert found.over_best(PACKED) == 0.5
    assert found.over_best(LOOP) == 2.0
    assert found.over_default(FUSED) == 0.4
    assert found.over_best(FUSED) == 1.0


def test_a_round_that_was_slow_for_both_does_not_count_against_one():
    assert ratio(cost("a", [1, 100, 1]), cost("b", [2, 200, 2])) == 0.5


def test_the_fastest_has_the_smallest_median_whatever_a_single_round_took():
    assert fastest([cost("a", [3, 3, 0.1]), cost("b", [2, 2, 50])]).mode == "b"


def test_the_limit_is_the_copys_time_for_the_bytes_of_the_rule():
    found = heat(PACKED, DEFAULT)
    assert found.copy_bandwidth == 140
    assert found.limit_seconds == 2.0
    assert found.limit_share(PACKED) == 1.0
    assert found.limit_share(DEFAULT) == pytest.approx(0.2)


def test_what_failed_takes_no_part():
    found = heat(BROKEN, LOOP, FUSED)
    assert found.own == [LOOP]
    assert found.over_default(LOOP) is None
    assert found.over_best(LOOP) == 2.0
    assert heat(BROKEN, FUSED).own == []


def test_torchs_own_class_is_measured_against_itself():
    found = heat(DEFAULT, FUSED)
    assert found.own == [DEFAULT, FUSED]
    assert found.over_default(FUSED) == 0.4


def test_an_optimizer_without_a_rival_has_no_ratios():
    found = heat(PACKED)
    assert found.over_default(PACKED) is None
    assert found.over_best(PACKED) is None


def test_the_spread_is_that_of_the_middle_half():
    assert cost("a", [1, 2, 3, 4, 5, 6, 7]).spread == pytest.approx(1.0)


def test_json_says_all_of_a_mode_that_ran_and_why_another_failed():
    rows = json.loads(json.dumps(as_json(heat(PACKED, BROKEN, FUSED))))["modes"]
    assert rows[0]["seconds_per_step"] == 2
    assert rows[0]["over_torch_best"] == 0.5
    assert rows[0]["peak_bytes"] == 120
    assert rows[1]["failure"] == "no compiler"
    assert "seconds_per_step" not in rows[1]
    nothing_ran = heat(BROKEN, copies=())
    assert as_json(nothing_ran)["limit_seconds"] is None
