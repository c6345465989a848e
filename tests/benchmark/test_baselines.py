"""Shipped baselines as users meet them; the baselines are made by the real tool, from formulas."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet

from benchmark import archive, baselines
from benchmark.__main__ import main
from benchmark.analysis.judging import judgement_of
from benchmark.archive import read_trials
from benchmark.baselines import Setting, read_baselines
from benchmark.complete import complete
from benchmark.declaration import read_declaration
from benchmark.errors import UsageError
from benchmark.launchers import LAUNCHERS, LauncherRow
from benchmark.margins import default_margin
from benchmark.planning import Planner
from benchmark.problems import PROBLEMS
from benchmark.report.differences import margin_words
from benchmark.request import Request
from benchmark.shipped import Shipped, differences
from benchmark.spec import Cell, Trial
from benchmark.store import Store
from optimizers.grammar import describe, describe_tunables
from optimizers.registry import OPTIMIZERS
from tests.plugins.formulas import Formulas
from tools import make_baselines

FORMULAS = LauncherRow(target="tests.plugins.formulas:Formulas")

CONFIG = """
version = "2026.11"
[common]
opts = "adam,sgd,momentum"
seeds = 5
budget = 4
[[slices]]
problem = "logreg/digits"
kind = "lr"
[[slices]]
problem = "mlp/digits"
kind = "lr"
opts = "adam"
"""
RUN = ["run", "--problem", "logreg/digits", "--wandb", "disabled"]


@pytest.fixture(autouse=True)
def _formulas(monkeypatch, tmp_path):
    monkeypatch.setitem(LAUNCHERS, "local", FORMULAS)
    monkeypatch.setattr(Formulas, "ran", [])
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own-baselines"  # for tests that make some
    own.mkdir()
    monkeypatch.setattr(baselines, "FOLDER", own)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder of baselines, made once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("made")
        patch.setitem(LAUNCHERS, "local", FORMULAS)
        patch.setattr(baselines, "FOLDER", folder)
        config = folder / "config"
        config.write_text(CONFIG)
        work = tmp_path_factory.mktemp("work")
        assert make_baselines.main(["--config", str(config), "--work", str(work)]) == 0
    return folder


@pytest.fixture
def shipped(made, monkeypatch):
    monkeypatch.setattr(baselines, "FOLDER", made)
    return read_baselines()


def lines(capsys, begin):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(begin)]


def specs_of(opts, problem="logreg/digits", **others):
    study = Request(problems=(problem,), opts=opts, seeds=1, **others).study("s")
    return [trial.optimizer for trial in study.trials()]


# Which hyperparameters a name stands for.


@pytest.mark.parametrize("name", ["adam", "sgd", "momentum"])
@pytest.mark.parametrize("opts", ["{}", "lion,{}", "all"])
def test_a_bare_name_is_the_very_optimizer_of_the_shipped_evaluation(shipped, name, opts):
    [slice_, _] = shipped.slices
    evaluated = {
        record.trial.key
        for record, _ in read_trials(slice_.parquet)
        if record.trial.purpose == "evaluation"
    }
    request = Request(problems=("logreg/digits",), opts=opts.format(name), seeds=5)
    mine = [trial for trial in request.study("s").trials() if trial.optimizer.name == name]
    assert len(mine) == 5
    assert {trial.key for trial in mine} <= evaluated


@pytest.mark.parametrize(
    "given", ["adam:lr=0.01", "adam:betas=0.8/0.9", "adam@adam:lr=0.001", "torch.optim.Adam"]
)
def test_a_given_hyperparameter_means_the_defaults_of_all_others(shipped, given):
    assert specs_of(given) == describe(given)


def test_default_is_the_papers_setting_under_a_label_of_its_own(shipped):
    tuned, default = specs_of("adam,adam:default")
    assert default.label == "adam default"
    assert default.hyperparameters == describe("adam")[0].hyperparameters
    assert tuned.label.startswith("adam lr=")
    assert tuned.hyperparameters["lr"] != default.hyperparameters["lr"]


def test_a_label_is_kept_before_the_tuned_hyperparameters(shipped):
    [plain], [named] = specs_of("adam"), specs_of("adam@mine")
    assert named == replace(plain, label=plain.label.replace("adam", "mine"))


def test_settings_differ_from_problem_to_problem_in_one_study(shipped):
    request = Request(problems=("logreg/digits", "cnn/digits"), opts="adam", seeds=1)
    labels = {trial.problem: trial.label for trial in request.study("s").trials()}
    assert labels["logreg/digits"].startswith("adam lr=")
    assert labels["cnn/digits"] == "adam"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 3}, "tuned with epochs=20, not with epochs=3"),
        ({"batch_size": 64}, "tuned with batch_size=128, not with batch_size=64"),
        ({"l2": 0.1, "dropout": True}, "tuned with dropout=False, l2=0.0, not with dropout=True"),
        ({"space": "full"}, "no baseline tuned over full"),
    ],
)
def test_the_notice_says_why_the_defaults_are_used(shipped, tmp_path, changes, words):
    request = Request(problems=("logreg/digits",), opts="adam,sgd,adam:lr=1", seeds=1, **changes)
    [notice] = Planner(request, Store(tmp_path, "s")).plan().notices
    assert words in notice
    assert notice.startswith("NOTICE: adam, sgd on logreg/digits: ")
    assert specs_of("adam", **changes) == describe("adam")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"accelerator": "gpu"}, "accelerator=cpu, not with accelerator=gpu"),
        ({"precision": "bf16-true"}, "precision=32-true, not with precision=bf16-true"),
    ],
)
def test_settings_count_only_on_the_accelerator_and_precision_they_were_tuned_on(
    shipped, changes, words
):
    [adam] = Request(problems=("logreg/digits",), opts="adam", seeds=1).study("s").optimizers
    home = Cell(workload=PROBLEMS["logreg/digits"].workload)
    away = replace(home, **changes)
    assert adam.why_default(home) == ""
    assert adam.chosen(home).tried >= 4
    assert words in adam.why_default(away)
    assert adam.chosen(away) is None  # no points tried, so that there is no verdict
    assert adam.spec(away) == describe("adam")[0]


def test_a_study_on_two_precisions_says_on_which_its_settings_are_tuned(shipped, tmp_path):
    request = Request(
        problems=("logreg/digits",), opts="adam", seeds=1, precisions=("32-true", "bf16-true")
    )
    plan = Planner(request, Store(tmp_path, "s")).plan()
    [notice] = plan.notices
    assert notice.startswith("NOTICE: adam on logreg/digits: tuned with precision=32-true")
    assert {t.precision: t.label == "adam" for t in plan.trials} == {
        "32-true": False,
        "bf16-true": True,
    }


def test_without_baselines_names_mean_the_defaults_and_no_word_is_said(tmp_path):
    request = Request(problems=("logreg/digits",), opts="adam,sgd", seeds=1)
    plan = Planner(request, Store(tmp_path, "s")).plan()
    assert (plan.notices, plan.origins, plan.reused) == ((), (), ())
    assert specs_of("adam,sgd") == describe("adam,sgd")


def test_baselines_of_an_older_training_do_not_count(shipped, made, monkeypatch):
    monkeypatch.setattr(baselines, "SCHEMA", 3)
    baselines._read.cache_clear()
    assert read_baselines().slices == []
    monkeypatch.undo()
    baselines._read.cache_clear()


@pytest.mark.parametrize("text", ["version = 3", "slices = [{}]", "=", "[x]", "\x00"])
def test_damaged_settings_are_one_line(text, tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "FOLDER", tmp_path)
    (tmp_path / baselines.FILE).write_text(text)
    with pytest.raises(UsageError, match=r"settings\.toml is damaged \(.*\): install the suite"):
        read_baselines()


def test_only_hyperparameters_of_registered_optimizers_become_settings(shipped, made):
    [chosen, *_] = read_declaration(made, "logreg-digits.lr.toml").chosen
    [other] = describe("adam:schedule=cosine")
    with pytest.raises(ValueError, match="without a schedule"):
        Setting.of(msgspec.structs.replace(chosen, optimizer=other))


# Verdicts of a study of tuned baselines.


def test_tuned_baselines_end_in_verdicts_and_say_where_their_settings_are_from(shipped, capsys):
    assert main([*RUN, "--opts", "adam,sgd,adam:lr=1"]) == 0
    out = capsys.readouterr().out
    assert (
        "settings    as tuned for each problem by the suite (baselines 2026.11): adam, sgd" in out
    )
    told = {line.split(" ")[0]: line for line in out.splitlines() if "tuned over lr" in line}
    assert "optimizers  adam, sgd, adam lr=1\n" in out
    assert "tuned over lr" in told["sgd"]
    assert "no verdict" not in told["sgd"]
    [given] = [line for line in out.splitlines() if line.startswith("adam lr=1 (as given)")]
    assert "no verdict against adam on logreg/digits: not tuned" in given
    chosen = read_declaration(Store("results", "default").folder).chosen
    assert {(each.label, each.source) for each in chosen} == {
        ("adam", "baselines 2026.11"),
        ("sgd", "baselines 2026.11"),
    }


def margin_of(study="default"):
    """Return the margin on logreg/digits with its basis and its source in words."""
    store = Store("results", study)
    found = read_declaration(store.folder)
    words = margin_words(judgement_of(found, store.records()), "logreg/digits")
    return found.margins["logreg/digits"], found.margin_bases["logreg/digits"], words


def shipped_values(made, name="adam"):
    return [
        record.metrics["val/loss"]
        for record, _ in read_trials(made / "logreg-digits.lr.parquet")
        if (record.trial.optimizer.name, record.trial.purpose) == (name, "evaluation")
    ]


SAME_REFERENCE = ["--opts", "sgd,adam", "--reference", "adam"]


@pytest.mark.parametrize(
    "more",
    [[], ["--tune", "4"], ["--tune", "4", "--threads", "2"], ["--tune", "4", "--space", "full"]],
)
def test_the_margin_is_that_of_the_shipped_reference_on_its_seeds(shipped, made, more):
    assert main([*RUN, *SAME_REFERENCE, *more]) == 0
    margin, basis, words = margin_of()
    values = shipped_values(made)
    assert len(values) == 5
    assert margin == basis.margin == default_margin(values)
    assert (basis.source, basis.seeds) == ("baselines 2026.11", 5)
    assert basis.mean == pytest.approx(statistics.fmean(values))
    assert "of adam on 5 seeds of baselines 2026.11" in words


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "more",
    [
        ["--epochs", "3", "--opts", "sgd,adam"],
        ["--opts", "sgd,adam@other", "--reference", "other"],
        ["--opts", "sgd,torch.optim.Adam@adam"],
        ["--opts", "adam,lion", "--reference", "lion"],
        ["--batch-size", "64", "--opts", "sgd,adam"],
    ],
)
def test_without_a_shipped_twin_of_the_reference_the_tuning_seeds_give_the_margin(shipped, more):
    more = more if "--reference" in more else [*more, "--reference", "adam"]
    assert main([*RUN, *more, "--tune", "4"]) == 0
    margin, basis, words = margin_of()
    found = read_declaration(Store("results", "default").folder)
    [reference] = [each for each in found.chosen if each.label == found.reference]
    assert margin == basis.margin == default_margin(reference.values)
    assert (basis.source, basis.seeds) == ("tuning seeds", len(reference.values))
    assert "on tuning seeds" in words


@pytest.mark.parametrize("more", [["--tune", "4"], ["--tune", "4", "--seeds", "6"]])
def test_a_margin_is_never_computed_again(made, monkeypatch, more):
    command = [*RUN, *SAME_REFERENCE]
    assert main([*command, "--tune", "4"]) == 0
    before = margin_of()
    monkeypatch.setattr(baselines, "FOLDER", made)
    assert main([*command, *more]) == 0
    assert margin_of() == before
    assert before[1].source == "tuning seeds"


@pytest.mark.parametrize("status", ["diverged", None])
def test_a_shipped_reference_without_all_of_its_seeds_gives_no_margin(shipped, status, monkeypatch):
    whole = Shipped._trials

    def broken(self, one):
        found = whole(self, one)
        keys = [key for key, (r, _) in found._by_key.items() if r.trial.purpose == "evaluation"]
        for key in keys:
            record, curve = found._by_key.pop(key)
            if status:
                found._by_key[key] = (replace(record, status=status, metrics={}), curve)
        return found

    monkeypatch.setattr(Shipped, "_trials", broken)
    assert main([*RUN, *SAME_REFERENCE, "--tune", "4"]) == 0
    assert margin_of()[1].source == "tuning seeds"


def test_a_file_is_read_once_until_it_changes(shipped, made, tmp_path, monkeypatch):
    [path, *_] = [each.parquet for each in shipped.slices]
    own = Path(shutil.copy(path, tmp_path))
    monkeypatch.setattr(baselines, "FOLDER", tmp_path)
    found, read = [], []
    monkeypatch.setattr(archive, "read_trials", lambda path: read.append(path) or read_trials(path))
    trial = read_trials(own)[0][0].trial
    for changes in (0, 0, 1):
        os.utime(own, ns=(changes, changes))
        found.append(Shipped()._trials(shipped.slices[0]).record(trial))
    assert found == [found[0]] * 3
    assert read == [own] * 2


def test_newer_baselines_with_another_setting_are_a_dated_deviation(
    shipped, monkeypatch, capsys, tmp_path
):
    command = [*RUN, "--opts", "adam,sgd"]
    assert main(command) == 0
    slice_, old = shipped.slices[0], shipped.slices[0].optimizers["adam"]
    values = {**old.hyperparameters, "lr": 0.5}
    new = msgspec.structs.replace(old, label="adam lr=0.5", hyperparameters=values)
    newer = msgspec.structs.replace(slice_, optimizers={**slice_.optimizers, "adam": new})
    monkeypatch.setattr(baselines, "FOLDER", tmp_path)
    baselines.write_baselines(msgspec.structs.replace(shipped, version="2027.01", slices=[newer]))
    capsys.readouterr()
    assert main(command) == 0
    what = f"{old.label} (baselines 2026.11), now adam lr=0.5 (baselines 2027.01)"
    [deviation] = read_declaration(tmp_path / "results" / "default").deviations
    assert deviation.is_look
    assert deviation.what == [f"chosen adam on logreg/digits: {what}"]
    out = capsys.readouterr().out
    assert f"NOTICE: the study differs from its declaration: {deviation.what[0]}" in out
    assert "changed after results were seen" in out


def test_other_epochs_in_the_same_study_are_judged_as_given(shipped, capsys):
    assert main([*RUN, "--opts", "adam,sgd"]) == 0
    assert main([*RUN, "--opts", "adam,sgd", "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert "othing here is a verdict" in out.rpartition("2 epochs")[2]


# Trials that are taken over.


def test_nothing_that_is_shipped_is_trained_but_one_trial_for_the_check(shipped, capsys):
    assert main([*RUN, "--opts", "adam,sgd"]) == 0
    out = capsys.readouterr().out
    assert (
        "reused      10 trials of baselines 2026.11, not trained again, made with the same" in out
    )
    [check] = [line for line in out.splitlines() if line.startswith("spot check")]
    assert "val/loss is off by 0 from" in check
    assert "the weights are equal in every bit" in check
    assert len(Formulas.ran) == 1
    store = Store("results", "default")
    assert len(store.records()) == 10
    assert all(len(store.metrics(record.trial)) == 2 for record in store.records())
    assert main([*RUN, "--opts", "adam,sgd"]) == 0
    assert "all trials were on record" in capsys.readouterr().out
    assert len(Formulas.ran) == 1


def test_compare_trains_only_the_optimizer_that_is_new(shipped, capsys):
    words = ["--on", "logreg/digits", "--against", "adam,sgd,momentum", "--budget", "4"]
    options = [*words, "--seeds", "5", "--wandb", "disabled"]
    assert main(["compare", "lion", *options]) == 0
    assert capsys.readouterr().out.count("spot check") == 1
    check, *others = Formulas.ran
    assert check.optimizer.name != "lion"
    new = [trial for trial in others if trial.optimizer.name != "lion"]
    assert {trial.purpose for trial in new} <= {"tuning"}  # as many points as lion's wider range
    assert [trial for trial in others if trial.optimizer.name == "lion"]


@pytest.mark.parametrize("name", ["adam", "sgd", "momentum"])
def test_each_baseline_by_itself_is_shipped_whole(shipped, name):
    request = Request(problems=("logreg/digits",), opts=name, seeds=5, tune=4)
    complete(request, Store("results", "alone"))
    assert len(Formulas.ran) == 1


def test_trials_to_come_that_are_shipped_count_in_no_plan(shipped, capsys):
    asked = ["compare", "torch.optim.NAdam", "--on", "logreg/digits", "--budget", "4"]
    later = []
    for more in ([], ["--no-reuse-baselines"]):
        assert main([*asked, "--seeds", "5", "--dry-run", "--json", *more]) == 0
        later.append(json.loads(capsys.readouterr().out)["later"])
    own = 5 + 2  # trials of NAdam on fresh seeds, and of its best point on the other tuning seeds
    assert own <= later[0] <= later[1] - 3 * own  # without those of three baselines


def test_a_plan_warns_of_a_change_that_takes_verdicts_away(shipped, capsys):
    asked = [*RUN, "--opts", "adam,sgd"]
    assert main([*asked, "--seeds", "5"]) == 0
    gone = "no verdict any more in this study: changed after results were seen (seeds: 0, 1, 2,"
    for seeds, warns in (("5", False), ("8", True)):
        capsys.readouterr()
        assert main([*asked, "--seeds", seeds, "--dry-run"]) == 0
        assert (gone in capsys.readouterr().out) == warns
        assert main([*asked, "--seeds", seeds, "--study", "other", "--dry-run"]) == 0
        assert gone not in capsys.readouterr().out


def test_a_plan_counts_what_is_reused_and_writes_nothing(shipped, capsys, tmp_path):
    assert main([*RUN, "--opts", "adam,lion", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to run"], found["reused"]) == (5, 5)
    assert not (tmp_path / "results").exists()


def test_without_reuse_all_is_trained(shipped, capsys):
    assert main([*RUN, "--opts", "adam,sgd", "--no-reuse-baselines"]) == 0
    assert "spot check" not in capsys.readouterr().out
    assert len(Formulas.ran) == 10


def test_all_problems_can_be_trained_here(shipped, capsys):
    assert main([*RUN, "--opts", "adam", "--train-here", "all"]) == 0
    assert not lines(capsys, "spot check")
    assert len(Formulas.ran) == 5


def test_the_problems_to_train_here_are_and_others_are_taken_over(shipped, capsys):
    both = [*RUN, "--problem", "logreg/digits,mlp/digits", "--opts", "adam"]
    assert main([*both, "--train-here", "mlp/digits"]) == 0
    assert lines(capsys, "spot check")[0].startswith("spot check  adam lr=0.01 on logreg/digits")
    checked, *trained = Formulas.ran
    assert checked.problem == "logreg/digits"
    assert {(trial.problem, trial.seed) for trial in trained} == {
        ("mlp/digits", seed) for seed in range(5)
    }


@pytest.mark.parametrize(
    ("problems", "train_here", "count"),
    [
        ("mlp/mnist", "", 0),
        ("mlp/mnist", "mlp/mnist", 5),
        ("mlp/mnist", "mlp/digits", 5),
        ("mlp/mnist,mlp/digits", "mlp/mnist", 0),
        ("mlp/mnist,mlp/digits", "mlp/digits", 5),
        ("mlp/mnist,mlp/digits", ",".join(PROBLEMS), 5),
    ],
)
def test_what_replaces_a_problem_to_train_here_is_trained_here(
    shipped, problems, train_here, count
):
    here = tuple(filter(None, train_here.split(",")))
    asked = Request(problems=tuple(problems.split(",")), opts="adam", train_here=here)
    plan = Planner(asked, Store("results", "s")).plan({"mnist": "gone"})
    assert {trial.problem for trial in plan.trials} == {"mlp/digits"}
    assert (len(plan.missing), len(plan.reused)) == (count, 5 - count)


def test_a_problem_to_train_here_must_be_asked_for(shipped, capsys):
    assert main([*RUN, "--opts", "adam", "--train-here", "mlp/digits"]) == 2
    assert "--train-here 'mlp/digits' is none of the problems: logreg/digits" in (
        capsys.readouterr().err
    )


def test_the_check_says_how_far_off_a_shipped_trial_is(shipped, capsys, monkeypatch):
    monkeypatch.setattr(Formulas, "shift", 0.25)
    main([*RUN, "--opts", "adam"])
    [check] = lines(capsys, "spot check")
    assert "val/loss is off by 0.25 from" in check
    assert "the weights are not equal in every bit" in check


def test_a_check_that_fails_is_said(shipped, capsys, monkeypatch):
    monkeypatch.setattr(Formulas, "status", "diverged")
    main([*RUN, "--opts", "adam"])
    assert "diverged () instead of done" in lines(capsys, "spot check")[0]


def test_versions_and_processors_that_differ_are_named(shipped):
    record = read_trials(shipped.slices[0].parquet)[0][0]
    here = replace(
        record.environment, cpu="Other CPU", packages={"torch": "9.9"}, commit="x", cores=99
    )
    words = differences([record], here)
    assert any(word.endswith("(here Other CPU)") for word in words)
    assert any(word.startswith("torch ") and word.endswith("(here 9.9)") for word in words)
    assert not any(word.startswith(("commit", "cores", "data", "device")) for word in words)
    assert differences([record], record.environment) == []


def test_trials_on_other_data_are_trained_here(shipped, capsys, monkeypatch):
    monkeypatch.setattr(Formulas, "checksum", "b" * 64)
    assert main([*RUN, "--opts", "adam,sgd"]) == 0
    out = capsys.readouterr().out
    assert "NOTICE: shipped baselines are of other data of digits: they are trained here" in out
    assert len(Formulas.ran) == 10
    assert {r.environment.data for r in Store("results", "default").records()} == {"b" * 64}


def test_without_data_the_shipped_trials_are_shown_unchecked(shipped, capsys, monkeypatch):
    monkeypatch.setattr(Formulas, "unavailable", True)
    assert main([*RUN, "--opts", "adam,sgd"]) == 0
    assert "none, because the data are not available here" in lines(capsys, "spot check")[0]
    assert Formulas.ran == []


def test_a_trial_with_a_result_here_is_kept(shipped):
    request = Request(problems=("logreg/digits",), opts="adam", seeds=1)
    store = Store("results", "s")
    complete(replace(request, reuse_baselines=False), store)
    before = store.records()
    complete(replace(request, seeds=5), store)
    assert before[0] in store.records()
    assert len(store.records()) == 5


@pytest.mark.filterwarnings("ignore:NOTICE")  # with other epochs, the defaults are used
@pytest.mark.parametrize(
    "changes", [{"threads": 2}, {"log_every": 10}, {"epochs": 2}, {"seeds": (100, 101)}]
)
def test_trials_with_any_other_setting_or_seed_are_trained(shipped, changes):
    request = Request(problems=("logreg/digits",), opts="adam,sgd", **{"seeds": 2, **changes})
    complete(request, Store("results", "s"))
    assert len(Formulas.ran) == 4


@pytest.mark.one_in(2)
@pytest.mark.parametrize("reuse", [True, False])
def test_planning_loads_neither_polars_nor_pyarrow_where_nothing_is_shipped(reuse):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from benchmark import baselines\n"
        "baselines.FOLDER = Path('nowhere')\n"
        "from benchmark.planning import Planner\n"
        "from benchmark.request import Request\n"
        "from benchmark.store import Store\n"
        f"asked = Request(problems=('logreg/digits',), opts='adam', reuse_baselines={reuse})\n"
        "assert Planner(asked, Store('results', 's')).plan().missing\n"
        "print([name for name in ('polars', 'pyarrow', 'torch') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Listing and making.


def test_the_list_has_what_is_shipped_and_the_command_for_what_is_not(shipped, capsys):
    assert main(["list", "baselines", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {(row["problem"], row["optimizer"]) for row in found["baselines"]} == {
        ("logreg/digits", "adam"),
        ("logreg/digits", "sgd"),
        ("logreg/digits", "momentum"),
        ("mlp/digits", "adam"),
    }
    places = {(each["problem"], each["kind"]) for each in found["missing"]}
    assert len(places) == 2 * len(PROBLEMS)
    commands = [each["command"].split() for each in found["missing"]]
    assert all(main([*words[3:], "--dry-run"]) == 0 for words in commands[-2:])
    assert main(["list", "baselines"]) == 0
    out = capsys.readouterr().out
    assert "logreg/digits  lr  adam" in out
    assert "missing: mlp/mnist lr: sgd, " in out


def test_only_missing_slices_are_made(made, shipped):
    config = made / "config"
    assert make_baselines.main(["--config", str(config), "--work", "work"]) == 0
    assert Formulas.ran == []
    kept = (made / "mlp-digits.lr.parquet").rename(made / "kept")
    try:
        assert make_baselines.main(["--config", str(config), "--work", "work"]) == 0
    finally:
        kept.replace(made / "mlp-digits.lr.parquet")
    assert {trial.problem for trial in Formulas.ran} == {"mlp/digits"}


def _interrupt(*_):
    raise KeyboardInterrupt


def test_an_interrupted_slice_leaves_nothing_behind_and_goes_on(monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text(CONFIG)
    words = ["--config", str(config), "--work", "work", "--only", "mlp-digits.lr"]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(make_baselines, "compact", _interrupt)
        make_baselines.main(words)
    assert read_baselines().slices == []
    count = len(Formulas.ran)
    assert make_baselines.main(words) == 0
    assert [each.problem for each in read_baselines().slices] == ["mlp/digits"]
    assert len(Formulas.ran) == count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"), [('opts = "adam"', 'opts = "adam,lion"'), ('"adam"', '"adam"\nseeds = 7')]
)
def test_a_slice_gets_optimizers_and_seeds_that_it_lacks(made, tmp_path, old, new):
    shutil.copytree(made, tmp_path / "own-baselines", dirs_exist_ok=True)
    before, first = (tmp_path / "own-baselines" / "mlp-digits.lr.parquet"), {}
    for record, _ in read_trials(before):
        first[record.trial.key] = record
    config = tmp_path / "config"
    config.write_text(CONFIG.replace(old, new))
    words = ["--config", str(config), "--work", "work"]
    assert make_baselines.main(words) == 0
    after = {record.trial.key: record for record, _ in read_trials(before)}
    assert {key: after[key] for key in first} == first
    assert {trial.key for trial in Formulas.ran} == {*after} - {*first}
    [made_now] = [each for each in read_baselines().slices if each.problem == "mlp/digits"]
    assert (len(made_now.seeds), len(made_now.optimizers)) in ((5, 2), (7, 1))
    assert read_declaration(before.parent, "mlp-digits.lr.toml").deviations
    Formulas.ran.clear()
    assert make_baselines.main(words) == 0
    assert Formulas.ran == []


@pytest.fixture
def growing(made, tmp_path):
    """Return the words that add an optimizer to one of the slices that are made."""
    shutil.copytree(made, tmp_path / "own-baselines", dirs_exist_ok=True)
    config = tmp_path / "config"
    config.write_text(CONFIG.replace('opts = "adam"', 'opts = "adam,lion"'))
    return ["--config", str(config), "--work", str(tmp_path / "work")]


def _optimizers_with_trials(problem):
    """Return the optimizers of a slice by its settings, and by its trials."""
    [found] = [each for each in read_baselines().slices if each.problem == problem]
    trained = {record.trial.optimizer.name for record, _ in read_trials(found.parquet)}
    return {*found.optimizers}, trained


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compact", "shutil.move"])
def test_a_slice_that_grows_survives_an_error_while_its_files_are_written(
    growing, monkeypatch, name
):
    def fails(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(f"tools.make_baselines.{name}", fails)
        with pytest.raises(OSError, match="disk full"):
            make_baselines.main(growing)
    assert make_baselines.main(growing) == 0
    assert _optimizers_with_trials("mlp/digits") == ({"adam", "lion"}, {"adam", "lion"})


@pytest.mark.slow
def test_the_declaration_of_an_interrupted_slice_counts_only_if_it_has_all_that_is_wanted(
    growing, made, tmp_path
):
    (tmp_path / "work").mkdir()
    shutil.copy(made / "mlp-digits.lr.toml", tmp_path / "work")
    assert make_baselines.main(growing) == 0
    assert _optimizers_with_trials("mlp/digits") == ({"adam", "lion"}, {"adam", "lion"})


@pytest.mark.slow
def test_damaged_trials_of_a_slice_that_grows_are_told(growing, tmp_path):
    path = tmp_path / "own-baselines" / "mlp-digits.lr.parquet"
    found = parquet.ParquetFile(path).read()
    keys = ["damaged", *found["key"].to_pylist()[1:]]
    parquet.write_table(found.set_column(1, "key", [keys]), path)
    with pytest.warns(UserWarning, match="1 of .* trials are damaged and left out"):
        assert make_baselines.main(growing) == 0


def test_the_slices_to_make_are_valid():
    version, orders = make_baselines.read_orders(make_baselines.CONFIG)
    assert version
    assert len({order.name for order in orders}) == len(orders)
    for order in orders:
        # Shipped settings are those of registered optimizers.
        assert {each.name for each in describe_tunables(order.opts, order.kind)} <= set(OPTIMIZERS)
        trials = order.request(order.opts).study(order.name).trials()
        assert all(isinstance(trial, Trial) for trial in trials)
