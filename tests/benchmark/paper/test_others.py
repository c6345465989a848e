"""Results of other reproductions."""

from benchmark.paper.others import OTHERS
from benchmark.paper.rules import rules


def test_each_result_is_on_a_claim_of_the_rules():
    claims = {each.name for each in rules().claims}
    assert len(OTHERS) == 2
    for other in OTHERS:
        assert other.results.keys() <= claims
        assert all(other.results.values())
