import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from benchmark.plain_text import plain, plain_names, valid

ANYTHING = st.text(st.characters(exclude_categories=[]))  # halves of characters too


@given(ANYTHING, st.integers(1, 40))
def test_any_text_becomes_one_short_line_that_can_be_written_and_moves_nothing(text, most):
    found = plain(text, most)
    assert len(found) <= most
    assert found.splitlines() in ([], [found])
    found.encode("utf-8")
    kinds = {unicodedata.category(letter) for letter in found if letter not in "\u200c\u200d"}
    assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert plain(found, most) == found


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=50))
def test_what_is_harmless_stays(text):
    assert plain(text) == text


@given(st.lists(ANYTHING))
def test_names_that_differ_are_shown_differently(names):
    shown = plain_names(names, most=5)
    assert shown.keys() == set(names)
    assert len(set(shown.values())) == len(shown)


@given(ANYTHING)
def test_for_programs_only_halves_of_characters_are_replaced(text):
    found = valid(text)
    found.encode("utf-8")
    pairs = zip(found, text, strict=True)
    assert all(a == b or unicodedata.category(b) == "Cs" for a, b in pairs)
