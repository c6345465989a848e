import pytest

from benchmark.analysis.frame import read
from benchmark.report.verdicts import compare, references, short_p, verdict_in_short, versus
from benchmark.spec import UsageError
from benchmark.store import Record


def verdicts(store, reference=None):
    frames = read([store])
    labels = dict(frames.trials.select("variant", "label").rows())
    chosen = references(frames, reference)
    found = {labels[variant]: "ref." for variant in chosen.values()}
    for family in compare(frames, chosen, is_named=reference is not None).values():
        found |= {labels[one.variant]: verdict_in_short(one) for one in family}
    return found


def finals(**values):
    return lambda trial: values[trial.label]


def test_a_clear_difference_over_enough_seeds_has_its_p(studied):
    store = studied(seeds=8, final=finals(adam=0.2, sgd=0.6))
    # All of 8 pairs one way: 2 × ½⁸ = 0.0078, rounded up, one comparison.
    assert verdicts(store) == {"adam": "ref.", "sgd": "▼ .008"}
    assert verdicts(store, "sgd") == {"sgd": "ref.", "adam": "▲ .008"}


def test_the_same_difference_with_few_seeds_says_how_many_it_takes(studied):
    store = studied("adam,sgd,momentum", seeds=3, final=finals(adam=0.2, sgd=0.6, momentum=0.7))
    # Three pairs take 7 seeds: 2 × ½⁷ × 3 = 0.047, and 2 × ½⁶ × 3 = 0.09.
    assert verdicts(store) == {"adam": "ref.", "sgd": "n<7", "momentum": "n<7"}


def test_equal_results_over_enough_seeds_show_no_difference(studied):
    store = studied(seeds=8, final=finals(adam=0.2, sgd=0.2))
    assert sorted(verdicts(store).values()) == ["= 1", "ref."]


def test_more_comparisons_make_each_harder(studied):
    values = {"adam": 0.2, "sgd": 0.6, "momentum": 0.5, "adagrad": 0.4}
    store = studied(",".join(values), seeds=8, final=finals(**values))
    others = [name for name in values if name != "adam"]
    # 2 × ½⁸ = 0.0078, for 3 comparisons with a reference that was named, for 6 pairs otherwise.
    assert {verdicts(store, "adam")[name] for name in others} == {"▼ .024"}
    assert {verdicts(store)[name] for name in others} == {"▼ .047"}


def test_only_the_best_of_a_grid_is_compared(studied):
    values = {"adam": 0.2, "sgd lr=0.1": 0.5, "sgd lr=0.01": 0.9}
    store = studied("adam,sgd:lr=0.1|0.01", seeds=6, final=lambda trial: values[trial.label])
    # One comparison takes 6 seeds: 2 × ½⁶ = 0.031; two would take 7.
    assert verdicts(store) == {"adam": "ref.", "sgd lr=0.1": "▼ .032"}


def test_a_reference_with_several_variants_is_its_best(studied):
    values = {"adam": 0.2, "sgd lr=0.1": 0.5, "sgd lr=0.01": 0.9}
    store = studied("adam,sgd:lr=0.1|0.01", final=lambda trial: values[trial.label])
    assert verdicts(store, "sgd")["sgd lr=0.1"] == "ref."
    assert verdicts(store, "sgd lr=0.01")["sgd lr=0.01"] == "ref."


def test_of_a_diverging_reference_the_variant_that_diverges_least_is_compared_with(studied):
    values = {"adam": 0.2, "sgd lr=0.1": 0.5, "sgd lr=0.01": 0.9}
    store = studied("adam,sgd:lr=0.1|0.01", seeds=8, final=lambda trial: values[trial.label])
    for record in store.records():
        if record.trial.label == "sgd lr=0.1" or (record.trial.label, record.trial.seed) == (
            "sgd lr=0.01",
            0,
        ):
            store.write(Record(trial=record.trial, status="diverged", reason="loss is nan"))
    assert verdicts(store, "sgd") == {"sgd lr=0.01": "ref.", "adam": "▲ .008"}
    assert verdicts(store, "sgd lr=0.1")["sgd lr=0.1"] == "ref."


def test_a_setting_without_a_result_of_the_reference_misses_it(studied):
    store = studied()
    for record in store.records():
        if record.trial.label == "adam":
            store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    frames = read([store])
    (found,) = versus(frames, "adam").values()
    assert (found.reference, found.missing, list(found.family)) == (None, "adam", [])
    (found,) = versus(frames, "sgd").values()
    assert (found.reference is None, found.missing) == (False, "")


def test_an_unknown_reference_is_refused_with_those_that_there_are(studied):
    with pytest.raises(UsageError, match=r"no trials of reference 'lion'\. Known: \w+, \w+$"):
        verdicts(studied(), "lion")


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0001, "<.001"), (0.0311, ".032"), (0.05, ".050"), (0.0501, ".051"), (0.2, ".20"), (1, "1")],
)
def test_p_is_rounded_up_so_that_it_never_looks_smaller(p, text):
    assert short_p(p) == text
