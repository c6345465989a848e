"""``paper``, as its users call it."""

import json

import pytest

from benchmark.__main__ import main
from benchmark.cli import paper
from benchmark.paper.rules import Changes, Variant
from tests.benchmark.paper.panels import claim, panel, rules


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def digits_rules(monkeypatch):
    """The rules of a paper on digits, in place of those of the Adam paper."""
    constant = Variant(name="rates are constant", changes=Changes(schedule="constant"))
    whitened = Variant(name="images are whitened", changes=Changes(whitening=True))
    experiment = panel(seeds=2, tuning_seeds=1, epochs=2, rates=(0.003, 0.01, 0.03))
    found = rules(claim("faster", constant, whitened, horizon=2), experiment=experiment)
    monkeypatch.setattr(paper, "rules", lambda: found)


def test_the_plan_says_what_it_costs_and_what_it_leaves_out(digits_rules, capsys, tmp_path):
    assert main(["paper", "adam", "--dry-run", "--scale", "full", "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "claims      faster\n" in out
    assert "variants    1 of these claims" in out
    assert "trials      about 20 if no grid is widened, " in out
    assert (
        "left out    1 variant of faster: cannot be run yet: unknown data set 'digits_zca'" in out
    )
    assert list(tmp_path.iterdir()) == []


def test_fewer_epochs_cost_less_and_say_so(digits_rules, capsys):
    words = ["paper", "adam", "--scale", "full", "--jobs", "1"]
    hours = []
    for more in ([], ["--epochs", "1"], ["--epochs", "99"]):
        assert main([*words, *more, "--dry-run", "--json"]) == 0
        hours.append(json.loads(capsys.readouterr().out)["hours"])
    assert hours[1] < hours[0] == hours[2]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--epochs", "1"], "no verdict  faster: it takes 2 epochs\n"),
        (["--scale", "demo"], ""),  # which has the epochs and the seeds of these small rules
    ],
)
def test_a_plan_that_decides_nothing_says_why(digits_rules, capsys, words, reason):
    assert main(["paper", "adam", "--jobs", "1", "--dry-run", *words]) == 0
    out = capsys.readouterr().out
    assert reason in out
    assert ("no verdict" in out) == bool(reason)


def test_claims_can_be_run_without_their_variants(digits_rules, capsys):
    cases = {}
    for scale in ("claims", "full"):
        words = ["--claims", "faster", "--scale", scale, "--dry-run", "--json"]
        assert main(["paper", "adam", *words]) == 0
        cases[scale] = json.loads(capsys.readouterr().out)["cases"]
    assert cases == {"claims": ["faster"], "full": ["faster", "faster, if rates are constant"]}


@pytest.mark.slow
def test_variants_on_record_count_in_verdicts_whatever_is_trained(digits_rules, capsys, tmp_path):
    words = ["paper", "adam", "--jobs", "1", "--cache-dir", str(tmp_path / "c"), "--json"]
    found = []
    for scale in ("full", "claims"):
        assert main([*words, "--scale", scale]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]
    assert any(each["contrasts"] for each in found[0][0]["variants"])


def test_the_estimate_is_that_of_the_stacks_asked_for(digits_rules, capsys):
    hours = []
    for stack in ("auto", "off"):
        words = ["--scale", "full", "--jobs", "1", "--stack", stack, "--dry-run", "--json"]
        assert main(["paper", "adam", *words]) == 0
        hours.append(json.loads(capsys.readouterr().out)["hours"])
    assert hours[0] < hours[1]


def test_the_plan_is_json_too(digits_rules, capsys):
    assert main(["paper", "adam", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cases"] == ["faster", "faster, if rates are constant"]
    assert [each["case"] for each in found["left out"]] == ["faster, if images are whitened"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["paper", "sgd"], "'adam'"),
        (["paper", "adam", "--figures", "7"], "1 left, 1 right, 2a, 2b, 3, 4"),
        (["paper", "adam", "--scale", "ful"], "full"),
        (
            ["paper", "adam", "--claims", "fig3-rapd"],
            "Did you mean 'fig3-rapid'? Known: fig1-m",
        ),
        (
            ["paper", "adam", "--figures", "2b", "--claims", "fig3-rapid"],
            "fig3-rapid is about figure 3",
        ),
        (["paper"], "Missing argument 'PAPER'. Choose from: adam"),
        (["paper", "adam", "--epochs", "0"], "--epochs"),
        (["paper", "adam", "--accelerator", "cuda", "--format", "html"], "no results in results"),
        (["paper", "adam", "--accelerator", "gpus"], "Did you mean 'gpu'? Known: cpu, gpu, mps"),
    ],
)
def test_bad_words_give_one_line_and_the_choices(words, expected, capsys):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--out", "paper.txt"], "expected a name that ends in .html or .md"),
        (
            ["--out", "paper"],
            "expected a name that ends in .html or .md, or --format pdf",
        ),
        (["--out", "paper.md", "--format", "html"], "expected a name that ends in .html"),
        (["--out", "paper.pdf"], "expected a name that ends in .html or .md, or --format pdf"),
        (["--format", "doc"], "pdf"),
        (["--format", "html"], "run the same command without --format first"),
        (["--out", "nowhere/paper.md"], "expected a file in a folder that exists"),
        (["--out", "paper.md", "--dry-run"], "leave out --dry-run and --json"),
        (["--out", "paper.md", "--json"], "leave out --dry-run and --json"),
        (["--out", "paper.md"], "no claim has a result yet"),
        (["--out", "paper.html"], "no claim has a result yet"),
        (["--out", ".", "--format", "pdf"], "no claim has a result yet"),
    ],
)
def test_a_document_that_cannot_be_written_is_said_in_one_line(words, expected, capsys, tmp_path):
    assert main(["paper", "adam", *words]) == 2
    out, err = capsys.readouterr()
    assert expected in err
    assert (len(err.splitlines()), out) == (1, "")
    assert list(tmp_path.iterdir()) == []


def test_missing_data_are_said_in_one_line(monkeypatch, capsys):
    reason = "data set 'mnist': no --data-dir was given, and there is no network"
    monkeypatch.setattr(paper, "which_unavailable", lambda *_: {"mnist": reason})
    assert main(["paper", "adam", "--figures", "1 left"]) == 3
    out, err = capsys.readouterr()
    assert err.splitlines() == [f"Error: {reason}"] or reason in err
    assert "claims      none" in out


@pytest.mark.slow
def test_a_reproduction_ends_in_verdicts_and_again_trains_nothing(digits_rules, capsys, tmp_path):
    words = ["paper", "adam", "--scale", "full", "--jobs", "1", "--cache-dir", str(tmp_path / "c")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "choosing rates" in out
    assert "training at the chosen rates" in out
    assert "new − old" in out
    assert main([*words, "--json"]) == 0
    again = capsys.readouterr()
    assert "choosing rates" not in again.err
    [verdict] = json.loads(again.out)
    assert verdict["contrasts"][0]["n"] == 2
    assert verdict["variants"][0]["contrasts"][0]["difference"] is not None
    assert main([*words, "--epochs", "1"]) == 0
    early = " ".join(capsys.readouterr().out.split())
    assert "not testable with this horizon (1 of 2 epochs)" in early
    assert "paper adam --scale full --epochs 1 --format html" in early
    assert main(["paper", "adam", "--scale", "full", "--out", "paper.md"]) == 0
    written = capsys.readouterr().out.split()
    assert written == ["paper.md", "paper/faster.svg", "paper/faster-variants.svg"]
    assert "new − old" in (tmp_path / "paper.md").read_text()
    assert main(["paper", "adam", "--scale", "full", "--format", "html"]) == 0
    page = tmp_path / "results" / "paper-adam" / "paper.html"
    assert page.as_uri() in capsys.readouterr().out
    assert "new − old" in page.read_text()
    assert main(["paper", "adam", "--scale", "full", "--format", "pdf", "--out", "print"]) == 0
    written = capsys.readouterr().out.split()
    assert written[:2] == ["print/faster.pdf", "print/faster.txt"]
    assert (tmp_path / "print" / "faster.pdf").read_bytes().startswith(b"%PDF")
