"""The part of a grid of test cases that is quick."""

import pytest

from tests.grids import mark_samples


class Item:
    """What `mark_samples` asks of a test that pytest has collected."""

    def __init__(self, nodeid, *marks):
        self.nodeid = nodeid
        self.marks = {mark.name: mark for mark in (each.mark for each in marks)}

    def get_closest_marker(self, name):
        return self.marks.get(name)

    def add_marker(self, decorator):
        self.marks[decorator.mark.name] = decorator.mark

    @property
    def is_quick(self):
        return "slow" not in self.marks


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_the_first_of_every_n_cases_is_quick(every):
    items = [Item(f"test_it[{i}]", pytest.mark.one_in(every)) for i in range(11)]
    mark_samples(items)
    assert [i for i, item in enumerate(items) if item.is_quick] == [*range(0, 11, every)]


def test_each_test_is_counted_by_itself_and_others_stay_as_they_are():
    items = [
        Item("test_one[0]", pytest.mark.one_in(2)),
        Item("test_other[0]", pytest.mark.one_in(2)),
        Item("test_one[1]", pytest.mark.one_in(2)),
        Item("test_whole[0]"),
        Item("test_whole[1]"),
    ]
    mark_samples(items)
    assert [item.is_quick for item in items] == [True, True, False, True, True]


def test_cases_that_are_slow_anyway_take_no_turn():
    sampled = pytest.mark.one_in(2)
    items = [Item("test_it[0]", sampled, pytest.mark.slow), Item("test_it[1]", sampled)]
    mark_samples(items)
    assert [item.is_quick for item in items] == [False, True]


def test_every_value_of_the_last_factor_has_its_turn():
    items = [Item(f"test_it[{a}-{b}]", pytest.mark.one_in(5)) for a in "abcdef" for b in "xyz"]
    mark_samples(items)
    quick = "".join(item.nodeid for item in items if item.is_quick)
    assert set("xyz") <= set(quick)
