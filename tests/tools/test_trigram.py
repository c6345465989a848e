"""The trigram model that a language model has to beat."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datamodules.registry import DATASETS
from tools.trigram import _counts, _interpolated, bits_per_character, measure

texts = st.integers(0, 60).flatmap(lambda n: arrays(np.uint8, n, elements=st.integers(0, 4)))


def by_hand(seen, asked, size):
    """Witten and Bell's model, one probability at a time."""

    def chance(context, character):
        shorter = chance(context[1:], character) if context else 1 / size
        n = len(context)
        after = [seen[k + n] for k in range(len(seen) - n) if tuple(seen[k : k + n]) == context]
        if not after:
            return shorter
        kinds = len(set(after))
        return (after.count(character) + kinds * shorter) / (len(after) + kinds)

    asked = asked.tolist()
    places = range(2, len(asked))
    return -sum(math.log2(chance(tuple(asked[k - 2 : k]), asked[k])) for k in places) / len(places)


@given(texts, arrays(np.uint8, 12, elements=st.integers(0, 4)))
def test_it_is_the_papers_model(seen, asked):
    expected = by_hand(seen.tolist(), asked, 5)
    assert bits_per_character(seen, asked, 5) == pytest.approx(expected, rel=1e-9)


@given(texts)
def test_probabilities_after_every_context_add_up_to_one(seen):
    model = np.full((1, 1, 5), 0.2)
    for order in range(3):
        model = _interpolated(_counts(seen, order, 5), model)
    assert np.allclose(model.sum(-1), 1)
    assert (model > 0).all()


def test_the_bits_in_the_title_of_the_manual_are_those_of_the_model():
    assert f"trigram model: {measure('manual'):.2f} bits" in DATASETS["manual"].title
