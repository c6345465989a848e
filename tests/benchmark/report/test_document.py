import re
import shutil
from dataclasses import replace

import pytest

from benchmark.__main__ import main
from benchmark.problems import PROBLEMS
from benchmark.record import Record
from benchmark.store import Store

OPTS = "sgd:lr=0.1|0.01,adam,lion"


def final(trial):
    return {"sgd lr=0.1": 0.2, "sgd lr=0.01": 0.5, "adam": 0.1}.get(trial.label, 0.3)


def document(store, *options, pictures=False):
    """Return the text that the verb writes, by default without pictures, which take the longest."""
    target = store.folder.parent / "out.md"
    arguments = ["report", store.study, "--results", str(store.folder.parent), "--format", "md"]
    with pytest.MonkeyPatch.context() as patched:
        if not pictures:
            patched.setattr("benchmark.report.document.draw_all", lambda *_: [])
        assert main([*arguments, "--out", str(target), *options]) == 0
    return target.read_text()


@pytest.fixture(autouse=True)
def _no_targets_in_the_table(monkeypatch):
    for name, row in PROBLEMS.items():
        monkeypatch.setitem(PROBLEMS, name, replace(row, target=None))


@pytest.fixture(scope="module")
def written(studied_once):
    options = {"seeds": 8, "final": final, "metrics": ["val/loss", "val/accuracy"]}
    studied_once(OPTS, **options)
    return studied_once(OPTS, **options, problem="mlp/digits")


@pytest.fixture
def store(written, tmp_path):
    shutil.copytree(written.folder, tmp_path / "results" / "study")
    return Store(tmp_path / "results", "study")


def headings(text):
    return re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)


def test_it_has_a_section_for_each_setting_and_all_that_the_page_has(store):
    text = document(store)
    setting = "1 epoch of batches of 128, cpu 32-true"
    assert headings(text)[:7] == [
        "Optimizers: study",
        f"logreg/digits, {setting}",
        "Time to target",
        "Learning rate",
        f"mlp/digits, {setting}",
        "Time to target",
        "Learning rate",
    ]
    assert headings(text)[7:] == ["Performance profiles", "Average ranks", "Cost", "What was run"]


@pytest.mark.slow
def test_every_picture_is_there_and_none_else(store):
    text = document(store, pictures=True)
    folder = store.folder.parent / "out"
    shown = re.findall(r"!\[[^]]+\]\((.*?)\)", text)
    assert sorted(shown) == sorted(f"out/{path.name}" for path in folder.iterdir())
    assert {"out/logreg-digits-learning-rate.svg", "out/overview.svg"} <= set(shown)


def test_the_claim_is_backed_by_the_table(store):
    text = document(store, "--reference", "adam")
    # Mean of 0.1 + 0.01 × seed over 8 seeds.
    assert "adam reached the lowest validation loss on logreg/digits: 0.135" in text
    lion = next(line for line in text.splitlines() if line.startswith("| lion | 0.3350 ± 0.0205 |"))
    assert "| 8 done | 0.2000 " in lion  # 0.335 − 0.135, the same in every seed
    assert not set("▲▼") & set(text)
    assert "Significantly" not in text
    assert "Nothing here is a verdict" in text


def test_a_search_has_its_worth_and_a_race_its_prize(store):
    text = document(store)
    # The means of sgd over 8 seeds are 0.235 and 0.535: a random one is 0.385 on average, the
    # better one 0.235.
    assert re.search(r"\| sgd \| 0\.385 \| 0\.235 \|", text)
    assert re.search(r"\| optimizer \| reached \| steps \| samples \| training seconds \|", text)
    assert re.search(r"\| adam \| 8 of 8 \| 30 \| 3840 \| 0\.375 \|", text)
    assert "of 0.235\u00a0nats (from the race: half of the optimizers reach it): medians" in text


def test_profiles_over_too_few_settings_are_left_out_in_one_line(store, monkeypatch):
    why = (
        "Performance profiles are left out: they need 5 settings or more that all optimizers ran, "
        "with 5 seeds or more each."
    )
    assert f"## Performance profiles\n\n{why}\n\n## Average ranks" in document(store)
    monkeypatch.setattr("benchmark.analysis.profiles.FEWEST_SETTINGS", 2)
    text = document(store)
    assert why not in text
    # Both settings have the same order: the optimizer that reaches the targets first scores 1.
    assert re.search(r"\| adam \| 1\.000 \| 1\.000 \|", text)
    assert re.search(r"\| lion \| 0\.000 \| 0\.000 \|", text)


def test_an_interval_that_leans_has_two_ends_and_the_text_says_how(studied):
    text = document(studied("adam", seeds=12, final=final))
    assert re.search(r"\| adam \| 0\.1550 ± 0\.0229 \|", text)
    ends = re.search(r"96\.1\d \((9\d\.\d\d) … (9\d\.\d\d)\)", text)
    assert float(ends[1]) < 96.1 < float(ends[2])
    assert "on the logit scale" in text


def test_a_reference_without_a_result_in_a_setting_is_said_to_lack_one(store):
    for record in store.records():
        if record.trial.label == "adam" and record.trial.problem == "mlp/digits":
            store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    text = document(store, "--reference", "adam")
    before, after = text.split("## mlp/digits")
    assert "nothing is compared" not in before
    assert "adam has no trial here that is done or diverged: nothing is compared" in after
    assert "▼" not in after


def test_unequal_numbers_of_seeds_are_pointed_at(store):
    assert "Rows rest on" not in document(store)
    record = next(r for r in store.records() if r.trial.label == "adam")
    store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    assert "Rows rest on 7 to 8 seeds" in document(store)


def test_the_leaderboard_has_each_optimizers_best_and_the_rest_is_folded(store):
    before, folded = document(store).split("<details>")[:2]
    assert "| sgd lr=0.01 |" not in before
    assert "| sgd lr=0.01 |" in folded.split("</details>")[0]


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes(studied):
    store = studied(OPTS, final=final, metrics=["val/loss"])
    first, again = (document(store, pictures=True) for _ in range(2))
    assert first == again


def test_what_diverged_is_listed_and_never_the_best(store):
    for record in store.records():
        if record.trial.label == "adam" and record.trial.problem == "mlp/digits":
            store.write(Record(trial=record.trial, status="diverged", reason="nan | at step 7"))
    text = document(store)
    assert r"nan \| at step 7" in text
    assert "sgd lr=0.1 reached the lowest validation loss on mlp/digits" in text


def test_a_better_mean_with_a_diverged_seed_is_named_and_is_not_the_best(store):
    gone = [r for r in store.records() if r.trial.label == "adam" and r.trial.seed == 7]
    for record in gone:
        store.write(Record(trial=record.trial, status="diverged", reason="nan"))
    claim = "sgd lr=0.1 reached the lowest validation loss on mlp/digits of those of which no seed"
    text = document(store)
    assert f"{claim} diverged: 0.235" in text
    assert "adam reached 0.13\u00a0nats in 7 seeds, but diverged in 1." in text


def test_a_reference_that_is_not_its_optimizers_best_is_in_the_table(store):
    text = document(store, "--reference", "sgd lr=0.01")
    assert re.search(r"\| sgd lr=0\.01 \|.*\| reference \|", text.split("<details>")[0])


def test_an_unknown_reference_leaves_no_pictures(store):
    arguments = ["report", "study", "--results", str(store.folder.parent), "--format", "md"]
    assert main([*arguments, "--reference", "nobody"]) == 2
    assert not (store.folder / "report").exists()


def test_nothing_done_says_so(studied):
    store = studied(seeds=1)
    for record in store.records():
        store.write(Record(trial=record.trial, status="diverged", reason="nan"))
    assert "On logreg/digits, no trial is done: there is nothing to compare." in document(store)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "no/such/folder/a.md"], "in a folder that exists"),
        (["--out", "a.txt"], "expected a name that ends in .md"),
        (["--reference", "nope"], "no trials of reference 'nope'"),
        (["--landscape"], "--landscape is a part of the page"),
    ],
)
def test_bad_input_is_one_line(studied, options, message, capsys, monkeypatch, tmp_path):
    store = studied(seeds=1)
    monkeypatch.chdir(tmp_path)
    arguments = ["report", "study", "--results", str(store.folder.parent), "--format", "md"]
    assert main([*arguments, *options]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_a_target_is_given_or_that_of_the_problem_or_from_the_race(store, monkeypatch):
    row = PROBLEMS["mlp/digits"]
    monkeypatch.setitem(PROBLEMS, row.name, replace(row, target=0.31))
    race, table = document(store).split("## mlp/digits")
    assert "(from the race: half of the optimizers reach it)" in race
    words = "which the median seed of tuned Adam has after three quarters of the problem's 8 epochs"
    assert f"a validation loss of 0.31\u00a0nats ({words}): medians" in table
    given = document(store, "--target", "val/loss=0.4", "--target", "val/accuracy=0.9")
    assert given.count("a validation loss of 0.4\u00a0nats (as given): medians") == 2
    assert given.count("a validation accuracy of 90.00\u00a0% (as given): medians") == 2


def test_seconds_of_a_busy_machine_are_pointed_at(store):
    assert "busy" not in document(store)
    for record in store.records():
        load = 0.79 if record.trial.seed < 2 else 0.8
        clocks = replace(record.clocks, load=load)
        environment = replace(record.environment, device="cpu")
        store.write(replace(record, clocks=clocks, environment=environment))
    assert "The machine was busy during 16 of 64 trials: their seconds are too long." in document(
        store
    )
