import polars as pl
import pytest

from benchmark.analysis.ranks import critical_difference, rank, seed_blocks, setting_blocks


@pytest.fixture
def blocks_of():
    def make(table):
        rows = [(b, o, c) for b, costs in table.items() for o, c in costs.items()]
        schema = {"block": pl.String, "optimizer": pl.String, "cost": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    return make


@pytest.mark.parametrize(
    ("optimizers", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (10, 3.164)],
)
def test_the_critical_difference_has_the_quantiles_of_demsars_table_5a(optimizers, q):
    blocks = 10
    expected = q * (optimizers * (optimizers + 1) / (6 * blocks)) ** 0.5
    assert critical_difference(optimizers, blocks) == pytest.approx(expected, rel=3e-4)


def test_average_ranks_and_p_are_known_on_paper(blocks_of):
    ranking = rank(blocks_of({b: {"c": 3.0, "a": 1.0, "b": 2.0} for b in "wxyz"}))
    assert ranking.optimizers == ("a", "b", "c")
    assert ranking.average_ranks == (1.0, 2.0, 3.0)
    assert ranking.blocks == 4
    # All blocks agree in 3! of the (3!)⁴ ways in which they can be ordered.
    assert ranking.p == pytest.approx(6 / 6**4)


def test_ties_share_their_mean_rank(blocks_of):
    ranking = rank(blocks_of({"x": {"a": 1.0, "b": 1.0, "c": 2.0}}))
    assert dict(zip(ranking.optimizers, ranking.average_ranks, strict=True)) == {
        "a": 1.5,
        "b": 1.5,
        "c": 3.0,
    }


def test_too_few_blocks_tell_nobody_apart(blocks_of):
    ranking = rank(blocks_of({"x": {"a": 1.0, "b": 2.0, "c": 3.0}}))
    assert ranking.p == 1.0
    assert ranking.groups == (("a", "b", "c"),)


def test_the_critical_difference_alone_tells_nobody_apart(blocks_of):
    # One optimizer wins all five: ranks differ by more than Nemenyi's CD, but the exact p is 2/2⁵.
    ranking = rank(blocks_of({b: {"a": 1.0, "b": 2.0} for b in "vwxyz"}))
    assert ranking.critical_difference < 1.0
    assert ranking.p == pytest.approx(1 / 16)
    assert ranking.groups == (("a", "b"),)


def test_groups_are_neighbours_within_the_critical_difference(blocks_of):
    table = {}
    for i in range(20):  # a and b take turns at the top, c and d below
        a, b = (1.0, 2.0) if i % 2 else (2.0, 1.0)
        c, d = (3.0, 4.0) if i % 2 else (4.0, 3.0)
        table[str(i)] = {"a": a, "b": b, "c": c, "d": d}
    ranking = rank(blocks_of(table))
    assert ranking.critical_difference == pytest.approx(2.569 * (20 / 120) ** 0.5, rel=1e-3)
    assert ranking.average_ranks == (1.5, 1.5, 3.5, 3.5)
    assert ranking.p < 0.01
    assert ranking.groups == (("a", "b"), ("c", "d"))


def test_overlapping_groups_are_kept_and_nested_ones_are_not(blocks_of):
    # Three cyclic orders in unequal numbers: a 1.5, b 2, c 2.5 of 24 blocks, CD 0.68.
    table = {str(i): {"a": 1.0, "b": 2.0, "c": 3.0} for i in range(12)}
    table |= {f"x{i}": {"a": 2.0, "b": 1.0, "c": 3.0} for i in range(6)}
    table |= {f"y{i}": {"a": 2.0, "b": 3.0, "c": 1.0} for i in range(6)}
    ranking = rank(blocks_of(table))
    assert ranking.average_ranks == (1.5, 2.0, 2.5)
    assert 0.5 < ranking.critical_difference < 1.0
    assert ranking.p < 0.05
    assert ranking.groups == (("a", "b"), ("b", "c"))


def test_blocks_that_lack_an_optimizer_are_left_out(blocks_of):
    full = {"a": 1.0, "b": 2.0}
    assert rank(blocks_of({"x": full, "y": {"a": 9.0}, "z": full})).blocks == 2


def test_there_is_no_ranking_of_one_or_of_none(blocks_of):
    assert rank(blocks_of({"x": {"a": 1.0}})) is None
    assert rank(blocks_of({"x": {"a": 1.0}, "y": {"b": 1.0}})) is None
    assert rank(blocks_of({})) is None


def test_an_optimizer_may_not_come_twice_in_a_block(blocks_of):
    blocks = blocks_of({"x": {"a": 1.0, "b": 2.0}})
    with pytest.raises(ValueError, match="twice in a block"):
        rank(blocks.vstack(blocks))


def test_a_setting_is_one_block_with_medians_and_divergence_as_worst(scores_of):
    values = {"a": [1.0, 2.0, None], "b": [3.0, None, None], "c": [4.0, 5.0, 6.0]}
    ranking = rank(setting_blocks(scores_of(values)))
    assert ranking.blocks == 1
    assert ranking.optimizers == ("a", "c", "b")


def test_seeds_are_blocks_too_and_high_accuracies_rank_first(scores_of):
    values = {"a": [0.5, 0.6], "b": [0.9, None]}
    ranking = rank(seed_blocks(scores_of(values, metric="val/accuracy")))
    assert ranking.blocks == 2
    assert ranking.average_ranks == (1.5, 1.5)
    assert rank(
        seed_blocks(scores_of({"a": [0.5], "b": [0.9]}, metric="val/accuracy"))
    ).optimizers == ("b", "a")


def test_the_same_blocks_give_the_same_p(blocks_of):
    table = {str(i): {"a": i % 3, "b": i % 2, "c": 1.0, "d": i % 5} for i in range(12)}
    assert rank(blocks_of(table)) == rank(blocks_of(table))
