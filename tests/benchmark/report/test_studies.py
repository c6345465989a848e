"""Every report decodes each record and each declaration of a study once."""

from collections import Counter

import pytest
from msgspec import structs

from benchmark import declaration
from benchmark.__main__ import main
from benchmark.errors import UsageError
from benchmark.record import Record
from benchmark.report.studies import read_studies
from benchmark.store import Store

FORMS = {
    "page": ["report", "--format", "html"],
    "document": ["report", "--format", "md"],
    "figures": ["report", "--format", "svg"],
    "W&B Report": ["report", "--wandb"],
    "tables": ["show"],
}


@pytest.fixture
def decoded(monkeypatch):
    """Return how often each text was decoded since: records, and declarations by their folder."""
    counts = Counter()
    record_in, text_of = Record.from_text, declaration.declaration_text

    def from_text(text):
        counts[text] += 1
        return record_in(text)

    def declaration_text(folder, *name):
        counts[folder] += 1
        return text_of(folder, *name)

    monkeypatch.setattr(Record, "from_text", from_text)
    monkeypatch.setattr(declaration, "declaration_text", declaration_text)
    monkeypatch.setattr("benchmark.report.document.draw_all", lambda *_: [])  # takes seconds
    monkeypatch.setattr("benchmark.report.figures.write.draw_all", lambda *_: [])
    return counts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.one_in(2)
def test_a_report_decodes_each_record_and_each_declaration_once(form, tuned, decoded, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    store = tuned(own=-0.1, metrics=["val/loss"])
    verb, *options = FORMS[form]
    assert main([verb, store.study, "--results", str(store.folder.parent), *options]) == 0
    declarations = decoded.pop(store.folder)
    assert declarations == (2 if verb == "show" else 1)  # kept verdicts need no frames
    assert set(decoded.values()) == {1}
    assert len(decoded) == len(list(store.folder.glob("*/record.json")))


def test_studies_have_records_of_all_purposes_and_the_declared_reference(tuned):
    store = tuned(own=-0.1)
    found = read_studies([store])
    assert {each.trial.key for each in found.records["tuned"]} == {
        each.trial.key for each in store.records()
    }
    assert {each.trial.purpose for each in found.records["tuned"]} == {"tuning", "evaluation"}
    assert found.reference == found.judgements["tuned"].reference == "adam"
    assert found.searches()["tuned"]
    assert any("compare" in line for line in found.commands())
    found.check_any()


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"page", "tables"}))
def test_studies_without_a_record_are_one_line(form, tmp_path, capsys):
    (tmp_path / "empty" / "planned").mkdir(parents=True)
    with pytest.raises(UsageError, match="no records yet in empty"):
        read_studies([Store(tmp_path, "empty")]).check_any()
    verb, *options = FORMS[form]
    assert main([verb, "empty", "--results", str(tmp_path), *options]) == 2
    assert capsys.readouterr().err.strip().endswith("no records yet in empty")
    assert [each.name for each in (tmp_path / "empty").glob("*")] == ["planned"]


def test_planned_trials_without_a_record_are_counted_in_every_form(
    studied, trials_of, capsys, monkeypatch
):
    monkeypatch.setattr("benchmark.report.document.draw_all", lambda *_: [])  # takes seconds
    store = studied(seeds=1, metrics=["val/loss"])
    where = [store.study, "--results", str(store.folder.parent)]
    assert not read_studies([store]).unfinished
    store.plan(trials_of(opts="adam,sgd", seeds=4))  # two of them have records
    words = "Not finished: 6 planned trials without a result;"
    assert main(["show", *where]) == 0
    assert words in capsys.readouterr().out
    for kind in ("md", "html"):
        assert main(["report", *where, "--format", kind]) == 0
        assert words in (store.folder / f"report.{kind}").read_text()


def test_a_study_on_shipped_settings_counts_what_lacks_of_them(tuned, capsys):
    store = tuned(own=-0.1, metrics=["val/loss"])
    found = declaration.read_declaration(store.folder)
    declaration.write_declaration(store.folder, structs.replace(found, tuning=None))
    assert not read_studies([store]).unfinished
    lost = next(r.trial for r in store.records() if r.trial.purpose == "evaluation")
    (store.trial_folder(lost) / "record.json").unlink()
    (words,) = read_studies([store]).unfinished
    assert words.startswith("Evaluation is not finished: ")
    assert main(["show", store.study, "--results", str(store.folder.parent)]) == 0
    assert "Evaluation is not finished" in capsys.readouterr().out


def test_a_tuned_study_that_is_not_finished_says_so_by_its_declaration(tuned, studied):
    store, other = tuned(own=-0.1, metrics=["val/loss"]), studied(seeds=1)
    assert not read_studies([store, other]).unfinished
    lost = next(r.trial for r in store.records() if r.trial.purpose == "evaluation")
    (store.trial_folder(lost) / "record.json").unlink()
    (words,) = read_studies([store]).unfinished
    assert words.startswith("Evaluation is not finished: ")
    assert read_studies([store, other]).unfinished == [f"Study tuned: {words}"]
