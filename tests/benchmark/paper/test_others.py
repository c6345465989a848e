"""Results of other reproductions."""

import re

import pytest

from benchmark.paper.others import OTHERS
from benchmark.paper.rules import rules


def test_each_result_is_on_a_claim_of_the_rules():
    claims = {each.name for each in rules().claims}
    assert len(OTHERS) == 2
    for other in OTHERS:
        assert other.results.keys() <= claims
        assert all(other.results.values())


@pytest.mark.parametrize("claim", ["fig4-unstable-early", "fig4-unstable"])
def test_the_words_on_figure_4_follow_from_the_numbers_by_the_rules(claim):
    [own] = [each for each in rules().claims if each.name == claim]
    words = OTHERS[0].results[claim]
    corrected, uncorrected = map(float, re.findall(r"corrected ([\d.]+)", words))
    assert words.startswith("agrees") == (uncorrected - corrected > own.contrasts[0].margin)
    assert words.startswith(("agrees", "contradicts"))
