from benchmark.models.watching import Watchers


class Writes:
    def __init__(self, name, steps, book):
        self.name, self.steps, self.book = name, steps, book

    def wants(self, step):
        return step in self.steps

    def step_starts(self):
        self.book.append(f"{self.name} step {{")

    def closure_starts(self):
        self.book.append(f"{self.name} closure {{")

    def closure_ends(self):
        self.book.append(f"{self.name} closure }}")

    def step_ends(self):
        self.book.append(f"{self.name} step }}")


def test_the_first_watcher_is_the_closest_to_the_optimizer():
    book = []
    watchers = Watchers([Writes("a", {1}, book), Writes("b", {1}, book)], 1)
    watchers.step_starts()
    watchers.closure_starts()
    watchers.closure_ends()
    watchers.step_ends()
    assert book == [
        *("b step {", "a step {"),
        *("a closure {", "b closure {", "b closure }", "a closure }"),
        *("a step }", "b step }"),
    ]


def test_a_watcher_is_told_only_of_the_steps_it_wants():
    book = []
    Watchers([Writes("a", {1}, book), Writes("b", {2}, book)], 2).step_starts()
    assert book == ["b step {"]
