from types import SimpleNamespace

import pytest

from benchmark.report.judgements import edge_words


@pytest.mark.parametrize(
    ("hyperparameters", "words"),
    [
        ({"lr": 0.5, "beta": 0.9}, "lr=0.5 is the highest that mine tried"),
        ({"alpha": 0.5, "optimizer.lr": 0.25}, "optimizer.lr=0.25 is the highest that mine tried"),
        ({"lr": None}, "its learning rate is the highest that mine tried"),
        ({}, "its learning rate is the highest that mine tried"),
    ],
)
def test_an_edge_is_named_by_the_learning_rate_that_the_optimizer_has(hyperparameters, words):
    spec = SimpleNamespace(hyperparameters=hyperparameters)
    assert edge_words(SimpleNamespace(spec=spec, label="mine", edge="high")) == words
    assert edge_words(SimpleNamespace(spec=spec, label="mine", edge="")) == ""
