"""The reproduction of a paper as a page."""

import re
from base64 import b64decode

import pytest
from msgspec import structs

from benchmark.errors import UsageError
from benchmark.paper.cases import cases_of
from benchmark.paper.evidence import evidence
from benchmark.paper.judgement import judge_paper
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rules import Changes, Variant
from benchmark.report.paper.found import Reproduction
from benchmark.report.paper.page import paper_page
from tests.benchmark.paper.panels import MadeUp, claim, panel, rate, rules

FOREIGN = "<script>alert(1)</script>"


def _page(cost, *claims):
    found = rules(*claims, experiment=panel(seeds=6))
    plan = Plan(rules=found, cases=cases_of(found), extent=EXTENTS["full"])
    known = MadeUp(cost)
    verdicts = judge_paper(found, evidence(plan, known))
    return paper_page(Reproduction(plan=plan, known=known, verdicts=verdicts))


def _cost(new, old):
    def cost(trial):
        level = new if trial.optimizer.name == "adam" else old
        return level + 1e-4 * (trial.seed % 7) + abs(rate(trial) - 0.01)

    return cost


@pytest.mark.parametrize(
    ("new", "old", "tone", "word"),
    [(0.1, 0.5, "better", "holds"), (0.5, 0.1, "worse", "does not hold")],
)
def test_a_verdict_has_its_colour_in_the_strip_and_leads_to_its_block(new, old, tone, word):
    page = _page(_cost(new, old), claim("faster"))
    strip, block = page.split('<h3 id="faster">')
    assert f'<strong class="{tone}">{word}</strong>' in strip
    assert f'<strong class="{tone}">{word.capitalize()}.</strong>' in block
    assert '<a href="#faster">faster</a>' in strip


def test_a_verdict_that_a_condition_flips_has_a_colour_of_its_own():
    def cost(trial):
        is_flipped = trial.optimizer.schedule.kind == "constant"
        return _cost(*((0.5, 0.1) if is_flipped else (0.1, 0.5)))(trial)

    constant = Variant(name="rates are constant", changes=Changes(schedule="constant"))
    page = _page(cost, claim("faster", constant))
    assert '<strong class="mixed">holds, but not if rates are constant</strong>' in page


def test_a_cell_names_its_column_for_screens_without_columns():
    page = _page(_cost(0.1, 0.5), claim("faster"))
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert len(tables) >= 2
    for table in tables:
        names = re.findall(r"<th\b.*?>(.*?)</th>", table)
        _, *rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
        assert rows
        assert all(re.findall(r'data-column="(.*?)"', row) == names for row in rows)


def test_the_page_is_one_file_with_its_pictures_inside():
    page = _page(_cost(0.1, 0.5), claim("faster"))
    [picture] = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert b"</svg>" in b64decode(picture)
    assert not re.search(r'id="[^"]*\s', page)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


def test_foreign_text_is_shown_as_text():
    page = _page(_cost(0.1, 0.5), structs.replace(claim("faster"), quotation=FOREIGN))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_page_needs_a_result():
    with pytest.raises(UsageError, match="no claim has a result yet"):
        _page(lambda trial: "", claim("faster"))
