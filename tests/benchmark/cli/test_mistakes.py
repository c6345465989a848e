"""What other tools call things, and what people write by mistake: the answer is what to write."""

import os

import pytest

import datamodules.places
from benchmark.__main__ import main

CURES = {
    "--model mlp --lr 0.1": "belongs to its optimizer: --opts adam:lr=0.1",
    "--model mlp --learning-rate --dry-run": "belongs to its optimizer: --opts adam:lr=VALUE",
    "--model mlp --weight-decay=0.1": "belongs to its optimizer: --opts adam:weight_decay=0.1",
    "--model mlp --optimizer adam": "no such option --optimizer: write --opts adam",
    "--model mlp --optimizer": "no such option --optimizer: write --opts adam,sgd",
    "--model mlp --bs=64": "no such option --bs: write --batch-size 64",
    "--model mlp --accelerator cuda": "accelerator 'cuda' is 'gpu' here",
    "--model mlp --seeds 1;2": "expected how many seeds (5 means seeds 0 to 4) or which ones",
    "--model mlp --opts adam sgd": "unexpected 'sgd': the names of a list are separated by commas",
    "--model mlp --opts adam, sgd": "without spaces, as in --opts adam,sgd",
    "list optimizer": "unknown kind of names 'optimizer'. Did you mean 'optimizers'?",
    "list": "Missing argument 'KIND'. Choose from: optimizers, models",
    "compare": "compare expects OPTIMIZERS, as in compare mine.MyOpt --on logreg/digits",
    "check": "check expects OPTIMIZERS, as in check mine.MyOpt",
    "report": "report expects STUDY, the name of a folder in results",
    "show": "show expects STUDY, the name of a folder in results",
    "compact": "compact expects STUDY, the name of a folder in results",
    "restore": "restore expects FILE, a file of compact",
    "adam": "'adam' is an optimizer: write --model mlp --opts adam",
    "adam:lr=0.1,sgd": "write --model mlp --opts adam:lr=0.1,sgd",
    "mlp/mnist": "'mlp/mnist' is a problem: write --problem mlp/mnist",
    "bench-step adam": "got unexpected extra argument (adam): optimizers are given as --opts",
    "landscape adam sgd": "optimizers are given as --opts adam,sgd",
    "check --opts adam": "no such option --opts: optimizers follow the verb, as in check adam",
    "compare lion --opts adam": "optimizers follow the verb, as in compare adam,mine.MyOpt",
    "compare --opts lion": "optimizers follow the verb, as in compare adam,mine.MyOpt",
    "compare lion --tune 4": "no such option --tune of compare: write --budget 4",
    "compare lion --problem vae/digits --dry-run": "of compare: write --on vae/digits",
    "compare lion --model mlp": "of compare: write --on MODEL/DATASET",
    "compare lion --dataset mnist": "of compare: write --on MODEL/DATASET",
    "compare lion --reference sgd": "write --against sgd, whose first is the reference",
    "compare lion --lr 0.1": "belongs to its optimizer: compare adam:lr=0.1",
    "compare lion --device gpu": "no such option --device: write --accelerator gpu",
    "--model mlp --budget 4": "no such option --budget of run: write --tune 4",
    "--on mlp/mnist": "no such option --on of run: write --problem mlp/mnist",
    "--model mlp --against adam": "of run: write --reference adam, with adam among --opts",
    "mlp": "'mlp' is a model: write --model mlp",
    "--model no/such.py:Net": "'no/such.py:Net': there is no file '/",
    "--model mlp --dataset no/such.py:Data": "'no/such.py:Data': there is no file '/",
    "--model mlp --opts nobodys.Calm": "Run from the folder that holds nobodys.py, or give",
    "--model mlp --opts no/such.py:Calm": "'no/such.py:Calm': there is no file '/",
}


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCHMARK_DATA_DIR", raising=False)
    monkeypatch.setattr(datamodules.places, "reachable", lambda url: False)


@pytest.mark.parametrize("line", CURES)
def test_a_mistake_is_answered_with_what_to_write(line, capsys):
    assert main(line.split()) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert CURES[line] in said


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("--model", "class Net: pass", "is not a torch.nn.Module class"),
        ("--model", "raise OSError('no GPU')", "cannot be imported (OSError: no GPU)"),
        ("--dataset", "class Data: pass", "is no LightningDataModule class"),
        ("--opts", "class Calm: pass", "is not a subclass of torch.optim.Optimizer"),
    ],
)
def test_a_dry_run_looks_at_files_of_ones_own(option, text, words, tmp_path, capsys):
    name = f"dry_{option.strip('-')}_{len(text)}"
    (tmp_path / f"{name}.py").write_text(text)
    attribute = {"--model": "Net", "--dataset": "Data", "--opts": "Calm"}[option]
    usual = {"--model": "logreg", "--dataset": "digits", "--opts": "sgd"}
    options = usual | {option: f"{tmp_path}/{name}.py:{attribute}"}
    assert main([*(word for pair in options.items() for word in pair), "--dry-run"]) == 2
    assert words in capsys.readouterr().err


WITH_OPTS = {"run": ["--model", "mlp"], "bench-step": [], "landscape": ["--out", "p.html"]}


@pytest.mark.parametrize("wrong", ["adm", "adam:beta=1", "adam:lr"])
@pytest.mark.parametrize("verb", [*WITH_OPTS, "compare", "check"])
def test_an_error_of_an_optimizer_begins_with_the_option_that_has_it(
    verb, wrong, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    given = [*WITH_OPTS[verb], "--opts", wrong] if verb in WITH_OPTS else [wrong]
    assert main([verb, *given]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.count("--opts: ") == (verb in WITH_OPTS)
    assert line.startswith("Error: --opts: ") == (verb in WITH_OPTS)


@pytest.mark.parametrize("kind", ["a pipe", "too large", "not text", "a folder"])
def test_a_config_that_is_no_small_file_of_text_is_refused(kind, tmp_path, capsys):
    path = tmp_path / "c.toml"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.write_bytes(b"#" * 1_000_001 if kind == "too large" else b"\xff\xfe")
    assert main(["--model", "mlp", "--config", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("file", ["fifo", "/dev/zero"])
def test_what_could_be_read_for_ever_is_not_restored(file, tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo")
    assert main(["restore", file]) == 2
    assert "is a pipe or a device, not a regular file" in capsys.readouterr().err
