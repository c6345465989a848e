import json

import pytest
import torch

from benchmark.__main__ import main

QUICK = ["bench-step", "--shapes", "small60", "--seconds", "0.05"]


def test_a_table_shows_every_mode_next_to_torchs_and_the_limit(capsys):
    assert main([*QUICK, "--opts", "tests.plugins.steps.Executed,torch.optim.Adam"]) == 0
    streams = capsys.readouterr()
    assert "small60: 60 tensors, 124,800 parameters; cpu, 1 thread" in streams.out
    for word in ("loop", "packed", "foreach", "fused", "limit", "GB/s", "× torch"):
        assert word in streams.out
    assert "tests.plugins.steps.Executed compiled: failed: no compiler is here" in streams.out
    assert "[2/2] torch.optim.Adam on small60, about" in streams.err


def test_json_goes_to_stdout_alone(capsys):
    opts = "sgd,tests.plugins.steps.Executed"
    assert main([*QUICK, "--opts", opts, "--modes", "loop", "--json"]) == 0
    heat, other = json.loads(capsys.readouterr().out)
    assert heat["shape"] == "small60"
    assert heat["threads"] == 1
    assert [row["mode"] for row in other["modes"]] == ["loop"]
    own = [row for row in heat["modes"] if not row["is_rival"]]
    rivals = [row for row in heat["modes"] if row["is_rival"]]
    assert {row["mode"] for row in rivals} == {"default", "foreach", "fused"}
    assert all(row["over_torch_default"] > 0 and row["state_bytes"] == 0 for row in own)


def test_an_optimizer_that_never_runs_gives_exit_code_1(capsys):
    assert main([*QUICK, "--opts", "torch.optim.LBFGS"]) == 1
    assert "torch.optim.LBFGS default: failed:" in capsys.readouterr().out


def test_threads_are_as_before_afterwards(capsys):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert main([*QUICK, "--opts", "torch.optim.SGD", "--threads", "1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["threads"] == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shapes", "resnet5"], "unknown shape 'resnet5'. Did you mean 'resnet50'"),
        (["--opts", "adm"], "Did you mean 'adam'"),
        (["--modes", "pack"], "unknown mode 'pack'. Did you mean 'packed'?"),
        (["--opts", "torch.optim.Adam", "--modes", "packed"], "leave --modes out"),
        (["--seconds", "0"], "--seconds"),
        (["--threads", "0"], "--threads"),
        (["--accelerator", "tpu"], "--accelerator"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(capsys, arguments, words):
    assert main(["bench-step", *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_what_does_not_fit_is_refused_before_anything_is_timed(capsys, monkeypatch):
    monkeypatch.setattr("benchmark.workbench.step_cost.heat.free_bytes", lambda device: 10**8)
    assert main(["bench-step", "--opts", "torch.optim.SGD", "--shapes", "small60,gpt2"]) == 2
    err = capsys.readouterr().err
    assert "on gpt2: its 3 contestants may need" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_an_absent_gpu_is_refused(capsys):
    assert main([*QUICK, "--accelerator", "gpu"]) == 2
    assert "--accelerator gpu: no CUDA" in capsys.readouterr().err
