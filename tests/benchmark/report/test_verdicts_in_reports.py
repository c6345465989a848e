"""A tuned study says the same sentences in the terminal, in Markdown and on W&B."""

import io
import re
from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_fields
from rich.console import Console

from benchmark.__main__ import main
from benchmark.analysis.frame import read
from benchmark.analysis.judging import judgement_of
from benchmark.analysis.summary import ranked, summarize
from benchmark.cli.sentences import print_statements
from benchmark.declaration import write_declaration
from benchmark.report.document import write_document
from benchmark.report.figures.overview import cells_of, draw_overview
from benchmark.report.findings import Findings
from benchmark.report.judgements import opening_sentences, progress_sentence, sentences
from benchmark.report.kept import printed_verdicts
from benchmark.report.printed import Statement
from benchmark.report.studies import read_studies
from benchmark.report.table import print_tables
from benchmark.report.verdicts import PICTURE_COLORS, TERMINAL_COLORS, shown_word
from benchmark.report.wandb_report import Project, build_report
from benchmark.store import Store
from tests.benchmark.analysis.test_judging import SEEDS, declaration, records, study


def loss(problem, label, seed):
    """Return losses of which sgd's are clearly better on one problem and equivalent on another."""
    shift = {"adam": 0.0, "sgd": -0.2 if problem == "logreg/digits" else 1e-4}[label]
    return 1.0 + 0.001 * seed + shift + 1e-5 * (seed % 3) * (label == "sgd")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    asked = study()
    found = Store(tmp_path_factory.mktemp("results"), "s")
    write_declaration(found.folder, declaration(asked))
    for record in records(asked, loss):
        found.begin(record.trial)
        found.write(record)
    return found


@pytest.fixture(scope="module")
def judgement(store):
    return read_studies([store]).judgements["s"]


def printed(*arguments, capsys):
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def test_all_outputs_say_the_same_sentences(store, judgement, capsys, tmp_path):
    said = sentences(judgement)
    assert any("better than adam on logreg/digits" in each for each in said)
    shown = printed("show", "s", "--results", str(store.folder.parent), capsys=capsys)
    assert all(each in shown for each in said)
    write_document([store], tmp_path / "out.md", None)
    text = (tmp_path / "out.md").read_text()
    assert all(each in text.replace("\\", "") for each in said)
    findings = Findings(frames=read([store]), reference="adam")
    report = build_report(findings, Project(name="p"), {"s": judgement})
    blocks = " ".join(getattr(block, "text", "") or "" for block in report.blocks)
    assert all(each in blocks.replace("\\", "") for each in said)


def test_a_document_of_a_tuned_study_begins_with_its_verdicts(store, tmp_path):
    write_document([store], tmp_path / "out.md", None)
    text = (tmp_path / "out.md").read_text()
    opening = text.split("\n\n")[1]
    assert "better: sgd." in opening
    assert "8 points" in opening
    assert "exploratory" in opening
    head, rest = text.split("## Verdicts")
    assert len(head) < 1500
    assert re.search(
        r"\| logreg/digits \| sgd \| −0\.2000 .* \| better \| &lt;\.001, paired t test \|.*\| 8 \|",
        rest,
    )
    assert re.search(r"\| mlp/digits \| sgd \| .* \| equivalent \|", rest)
    assert "Training loss says how well an optimizer optimizes" in rest
    assert "time of its step over that of adam" in rest
    assert "Nothing here is a verdict" not in text


@pytest.mark.parametrize("edge", ["", "high"])
def test_an_opening_has_at_most_six_sentences_and_names_edges(edge):
    asked = study()
    declared = declaration(asked, changes={"sgd": {"edge": edge, "tried": 16}})
    found = opening_sentences(judgement_of(declared, records(asked, loss)))
    assert 3 <= len(found) <= 6
    assert ("sgd lies at an edge" in " ".join(found)) == bool(edge)
    assert "8 to 16 points" in " ".join(found)


def test_every_row_of_a_table_says_how_it_was_tuned_and_its_verdict(store, judgement):
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), verdicts=printed_verdicts(judgement, store.records()))
    text = console.file.getvalue()
    assert text.count("tuned, 8 points") == 4
    assert text.count("reference") == 2
    assert text.count("better") == 1
    assert text.count("equivalent") == 1
    assert "Nothing here is a verdict" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("word", ["better", "worse", "equivalent", "undecided", "untuned", "mixed"])
@pytest.mark.parametrize("width", [30, 60, 100])
def test_sentences_wrap_with_a_hanging_indent_and_their_word_in_colour(word, width):
    shown = shown_word(word)
    text = (
        f"mine.MyOpt (lr=0.1, better, 16 points): {shown} than adam on a problem " + "by far " * 9
    )
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="standard")
    print_statements(console, [Statement(text=text, word=word)])
    found = console.file.getvalue()
    plain = re.sub(r"\x1b\[[\d;]*m", "", found)
    blank, first, *others = plain.rstrip().splitlines()
    assert not blank
    assert others
    assert not first.startswith(" ")
    assert all(line.startswith("  ") and len(line) <= width for line in others)
    code = {"green": 32, "red": 31, "cyan": 36, "yellow": 33}[TERMINAL_COLORS[word]]
    (colored,) = re.findall(
        rf"\x1b\[1;{code}m([^\x1b]*(?:\x1b\[0m\s*\x1b\[1;{code}m[^\x1b]*)?)", found
    )
    assert re.sub(r"\x1b\[[\d;]*m", "", colored).split() == shown.split()


def test_a_pipe_gets_each_sentence_on_one_line(judgement):
    console = Console(file=io.StringIO(), width=40)
    print_statements(console, [Statement(text=each) for each in sentences(judgement)])
    assert console.file.getvalue().splitlines() == ["", *sentences(judgement)]


def test_a_study_that_is_not_complete_says_how_far_it_is():
    asked = study()
    whole = declaration(asked)
    found = records(asked, loss)
    assert progress_sentence(whole, found) == ""
    assert f"{len(found) - 3} of {2 * 2 * len(SEEDS)} trials" in progress_sentence(whole, found[3:])
    begun = replace_fields(whole, chosen=[])
    tuning = [
        replace(record, trial=replace(record.trial, seed=10_000, purpose="tuning"))
        for record in found[:: len(SEEDS)]
    ]
    words = progress_sentence(begun, [*tuning, *others(tuning)])
    assert "0 of 4 searches have ended, and 4 trials of at least 32 are" in words


def others(known):
    """Return records of the same purpose that are no trials of the declared study."""
    changes = ({"epochs": 7}, {"seed": 77}, {"threads": 3}, {"problem": "mlp/mnist"})
    return [replace(r, trial=replace(r.trial, **each)) for r in known for each in changes]


@pytest.mark.parametrize("lacking", [1, 5, 40])
def test_records_of_other_trials_complete_no_evaluation(lacking):
    asked = study()
    found = records(asked, loss)
    known = [*found[lacking:], *others(found)]
    words = progress_sentence(declaration(asked), known)
    assert f"{len(found) - lacking} of {len(found)} trials" in words


def test_rows_are_sorted_by_score_with_variants_folded(trials_of):
    from benchmark.record import Record

    values = {"sgd lr=0.1": 0.5, "sgd lr=1": 0.2, "adam": 0.3, "lion": None, "momentum": 0.1}
    found = []
    for trial in trials_of("logreg/digits", "sgd:lr=0.1|1,adam,lion,momentum", seeds=2):
        value = values[trial.label]
        gone = value is None or (trial.label == "momentum" and trial.seed == 1)
        metrics = {} if gone else {"val/loss": value}
        found.append(Record(trial=trial, status="diverged" if gone else "done", metrics=metrics))
    (rows,) = summarize(found).values()
    assert [[row.trial.label for row in group] for group in ranked(rows)] == [
        ["sgd lr=1", "sgd lr=0.1"],
        ["adam"],
        ["momentum"],
        ["lion"],
    ]


def test_the_users_own_optimizer_is_first_among_equals(trials_of):
    from benchmark.record import Record

    trials = trials_of("logreg/digits", "adam,torch.optim.SGD:lr=0.1", seeds=1)
    found = [Record(trial=trial, status="done", metrics={"val/loss": 0.5}) for trial in trials]
    (rows,) = summarize(found).values()
    assert [group[0].trial.optimizer.name for group in ranked(rows)] == ["torch.optim.SGD", "adam"]


def test_the_overview_has_the_colours_of_the_verdicts(store, judgement):
    findings = Findings(frames=read([store]), reference="adam")
    cells = cells_of(findings, judgement)
    assert cells["logreg/digits"]["sgd"].word == "better"
    assert cells["logreg/digits"]["sgd"].share == pytest.approx(-0.2, abs=0.01)
    assert cells["mlp/digits"]["sgd"].word == "equivalent"
    figure, words = draw_overview(findings, judgement)
    colors = {line.get_color() for line in figure.axes[0].lines}
    assert PICTURE_COLORS["better"] in colors
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["better", "equivalent"]
    assert "from that of adam" in words
