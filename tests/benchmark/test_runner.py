import itertools
import math
import os
import re
import textwrap
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from benchmark.context import Context
from benchmark.errors import ClosureNotCalledError, UsageError
from benchmark.evaluation import schedule_of
from benchmark.problems import is_augmented
from benchmark.runner import build_model, derived_seed, run, set_up_data, weights_sha256
from benchmark.stacked.run import run_pack
from benchmark.store import Store
from datamodules import Digits
from tests.datamodules.fakes import TinyCIFAR10, write_cifar10

PURPOSES = ("weights", "batches", "dropout", "split")


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.mark.parametrize("pack", [False, True])
def test_data_that_changed_since_the_launch_end_a_trial_and_a_pack(trials_of, pack):
    trials = trials_of("logreg/digits", "adam,sgd")
    context = Context(checksums={"digits": "f" * 64})
    with pytest.raises(UsageError, match="not ffffffffffff as at the launch: its files"):
        run_pack(trials, context) if pack else run(trials[0], context)


def generator_of(trial, purpose):
    return torch.Generator().manual_seed(derived_seed(trial, purpose))


def permutation(size, generator):
    return torch.randperm(size, generator=generator)


def train_by_hand(trial):
    """What `run` must equal to the last bit: a plain loop that cuts its batches itself."""
    data = Digits()
    data.setup()
    model = build_model(trial, data)
    network = model.network.train()
    spec = trial.optimizer
    # Convolutions may round by where weights lie in memory, so that it is packed as a trial's is.
    optimizer = spec.build(network.parameters(), execution="packed")
    tensors = torch.load(data.prepared_folder / "tensors.pt", weights_only=True)
    rows = permutation(1257 + 180, generator_of(trial, "split"))[:1257]
    orders, losses = generator_of(trial, "batches"), []
    for _ in range(trial.epochs):
        for batch in rows[permutation(1257, orders)].split(trial.batch_size):
            inputs, targets = tensors["pool.inputs"][batch], tensors["pool.targets"][batch]
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return weights_sha256(network), losses


@pytest.mark.parametrize(
    ("problem", "opts", "dropout", "epochs"),
    [
        ("logreg/digits", "adam", False, 2),
        ("logreg/digits", "nesterov:lr=0.1", True, 2),
        ("mlp/digits", "torch.optim.AdamW", True, 1),
        pytest.param("cnn/digits", "rmsprop:lr=1e-4", False, 1, marks=pytest.mark.slow),
    ],
)
def test_a_trial_gives_the_bits_of_a_plain_loop(trials_of, problem, opts, dropout, epochs):
    trial = trials_of(problem, opts, epochs=epochs, dropout=dropout, log_every=3)[0]
    rows = []
    record = run(trial, Context(), watch=rows.append)
    digest, losses = train_by_hand(trial)
    assert record.status == "done"
    assert record.weights_sha256 == digest
    running = [row["train/running_loss"] for row in rows if "train/running_loss" in row]
    assert running[0] == pytest.approx(sum(losses[:3]) / 3, rel=1e-6)


def test_the_same_trial_gives_the_same_bits_and_curves(trials_of):
    trial = trials_of("mlp/digits", dropout=True)[0]
    first, second = [], []
    records = [run(trial, Context(), watch=rows.append) for rows in (first, second)]
    assert records[0].weights_sha256 == records[1].weights_sha256
    drop_clock = [
        [{k: v for k, v in r.items() if k != "train_seconds"} for r in rows]
        for rows in (first, second)
    ]
    assert drop_clock[0] == drop_clock[1]


def test_optimizers_share_initial_weights_and_batches_of_a_seed_and_seeds_do_not(trials_of):
    trials = trials_of(opts="adam:lr=0,sgd:lr=0", seeds=2)
    records = {(t.seed, t.optimizer.name): run(t, Context()) for t in trials}
    assert records[0, "adam"].weights_sha256 == records[0, "sgd"].weights_sha256
    assert records[0, "adam"].weights_sha256 != records[1, "adam"].weights_sha256
    seeds = {derived_seed(trials[0], purpose) for purpose in PURPOSES}
    assert len(seeds) == len(PURPOSES)


def test_optimizers_share_the_split_of_a_seed_and_seeds_do_not(trials_of, monkeypatch):
    drawn = {}
    draw = Digits.train_val_rows

    def noted(self, size):
        rows = draw(self, size)
        drawn[trial.seed, trial.optimizer.name] = rows[1].tolist()
        return rows

    monkeypatch.setattr(Digits, "train_val_rows", noted)
    checksums = set()
    for trial in trials_of(opts="adam,sgd", seeds=3):
        checksums.add(run(trial, Context()).environment.data)
    assert all(drawn[seed, "adam"] == drawn[seed, "sgd"] for seed in range(3))
    assert len({tuple(rows) for rows in drawn.values()}) == 3
    assert len(checksums) == 1


def test_rows_have_axes_step_zero_and_the_evaluations_of_the_schedule(trials_of):
    rows = []
    run(trials_of(epochs=3, log_every=4)[0], Context(), watch=rows.append, points=4)
    evaluations = [row for row in rows if "val/loss" in row]
    assert [row["step"] for row in evaluations] == [0, 8, 15, 22, 30]
    assert [row["epoch"] for row in evaluations] == [0, 0.8, 1.5, 2.2, 3]
    assert [row["samples"] for row in evaluations] == [0, 1024, 1897, 2770, 3771]
    assert [row["step"] for row in rows if "lr" in row] == [4, 8, 10, 14, 18, 20, 24, 28, 30]
    assert evaluations[0]["train/loss"] == pytest.approx(math.log(10), abs=0.5)
    others = {"train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    assert [len(others & row.keys()) for row in evaluations] == [4, 0, 0, 0, 4]


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("problem", "opts", "changes"),
    [
        pytest.param("logreg/digits", "adam", {}, marks=pytest.mark.slow),
        ("mlp/digits", "momentum", {"dropout": True, "log_every": 3, "epochs": 1}),
        (
            "logreg/digits",
            "tests.plugins.contracts.Twice:lr=0.1",
            {"dropout": True, "log_every": 1},
        ),
        ("logreg/digits", "tests.plugins.contracts.Averaging:lr=0.1", {"epochs": 1}),
        ("logreg/digits", "adam:schedule=1/sqrt(t)", {"precisions": ("bf16-mixed",)}),
    ],
)
def test_neither_weights_nor_running_losses_depend_on_evaluation(trials_of, problem, opts, changes):
    trial = trials_of(problem, opts, **{"epochs": 3, **changes})[0]
    seen = []
    for points in (20, 7, 2):
        rows = []
        record = run(trial, Context(), watch=rows.append, points=points)
        training = [
            {k: v for k, v in row.items() if k != "train_seconds"} for row in rows if "lr" in row
        ]
        ends = [{k: v for k, v in record.metrics.items() if k != "lr"}]
        seen.append((record.weights_sha256, training, ends, record.progress.step))
    assert seen[0] == seen[1] == seen[2]


def test_evaluations_during_training_take_the_first_validation_rows_of_the_seed(trials_of):
    trial = trials_of("mlp/digits", "adam:lr=0", epochs=1)[0]
    data = Digits(split_seed=derived_seed(trial, "split"))
    data.setup()
    network = build_model(trial, data).network.eval()
    rows = []
    run(trial, Context(), watch=rows.append)
    [(inputs, targets)] = list(data.val_dataloader())
    with torch.no_grad():
        losses = functional.cross_entropy(network(inputs), targets, reduction="none")
    num = schedule_of(trial, data.num_train, data.num_evaluated).examples
    assert 0 < num < len(losses)
    found = [row["val/loss"] for row in rows if "val/loss" in row]
    part, whole = losses[:num].mean().item(), losses.mean().item()
    assert found == pytest.approx([whole, *[part] * (len(found) - 2), whole], rel=1e-5)


def test_the_load_is_the_share_of_the_processor_that_training_got(trials_of, monkeypatch):
    wall, cpu = itertools.count(), itertools.count()
    clocks = SimpleNamespace(
        perf_counter=lambda: next(wall) * 4.0, process_time=lambda: next(cpu) * 3.0
    )
    monkeypatch.setattr("benchmark.callbacks.clock.time", clocks)
    assert run(trials_of()[0], Context()).clocks.load == 0.75


def test_metrics_file_holds_the_rows_that_were_watched(trials_of, tmp_path):
    trial, rows = trials_of()[0], []
    store = Store(tmp_path, "study")
    store.begin(trial)
    record = run(trial, Context(), folder=store.trial_folder(trial), watch=rows.append)
    assert store.metrics(trial) == rows
    assert record.metrics["test/accuracy"] == rows[-1]["test/accuracy"]


def test_clocks_add_up(trials_of):
    clocks = run(trials_of("mlp/digits")[0], Context()).clocks
    parts = clocks.training + clocks.evaluation + clocks.startup
    assert 0 < parts <= clocks.total
    assert 0 < clocks.per_step < clocks.training


def test_schedule_sets_the_learning_rate_of_every_step(trials_of):
    rows = []
    trial = trials_of(opts="sgd:lr=0.5:schedule=1/sqrt(t)", log_every=1)[0]
    run(trial, Context(), watch=rows.append)
    rates = [row["lr"] for row in rows if "lr" in row]
    assert rates == pytest.approx([0.5 / math.sqrt(t) for t in range(1, 11)])


def test_a_schedule_of_epochs_changes_the_learning_rate_where_an_epoch_begins(trials_of):
    rows = []
    opts = "sgd:lr=0.5:schedule=inverse_sqrt_epoch"
    trial = trials_of(opts=opts, log_every=1, epochs=3, batch_size=1_000)[0]
    run(trial, Context(), watch=rows.append)
    rates = [row["lr"] for row in rows if "lr" in row]
    assert rates == pytest.approx([0.5 / math.sqrt(k) for k in (1, 1, 2, 2, 3, 3)])


@pytest.mark.parametrize(
    ("model", "dataset", "expected"),
    [
        ("resnet", "cifar10", True),
        ("resnet", "cifar10_zca", True),
        ("resnet", "digits", False),
        ("cnn", "cifar10", False),
        ("resnet", "tests.plugins.data.Squares", False),
        ("tests.plugins.networks.Tiny", "cifar10", False),
    ],
)
def test_only_some_models_train_on_crops_of_only_some_images(model, dataset, expected):
    assert is_augmented(model, dataset) is expected


def test_crops_are_those_of_the_seed_for_every_optimizer(trials_of, monkeypatch):
    monkeypatch.setattr("benchmark.runner.is_augmented", lambda model, dataset: True)
    first, second, other = (
        next(iter(set_up_data(trial, Context()).train_dataloader()))
        for trial in [*trials_of("cnn/digits", "adam,sgd"), trials_of("cnn/digits", seeds=2)[1]]
    )
    [first_batch], [second_batch], [other_batch] = (
        [*chunk][:1] for chunk in (first, second, other)
    )
    assert torch.equal(first_batch[0], second_batch[0])
    assert not torch.equal(first_batch[0], other_batch[0])


@pytest.mark.slow
def test_a_trial_of_the_residual_network_learns_crops_and_has_the_same_bits_again(
    trials_of, monkeypatch, tmp_path
):
    write_cifar10(tmp_path)
    monkeypatch.setattr("benchmark.runner.data_module_class", lambda name: TinyCIFAR10)
    context = Context(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    data = TinyCIFAR10(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    data.prepare_data()
    [trial] = trials_of("resnet/cifar10", "adam:lr=0.001", batch_size=10, log_every=1)
    assert set_up_data(trial, context).augmentation_seed is not None
    first, again = (run(trial, context, points=1) for _ in range(2))
    assert (first.status, first.progress.step) == ("done", 2)
    assert math.isfinite(first.metrics["test/loss"])
    assert first.weights_sha256 == again.weights_sha256


def test_optimizers_that_need_the_closure_work(trials_of):
    record = run(trials_of(opts="torch.optim.LBFGS:lr=0.1")[0], Context())
    assert record.metrics["train/accuracy"] > 0.8


class Closureless(torch.optim.SGD):
    """An optimizer whose step takes no closure, of which there are many."""

    def step(self):
        return super().step()


@pytest.mark.slow
def test_optimizers_of_matrices_alone_train_every_network(trials_of):
    for problem in ("logreg/digits", "cnn/digits"):
        record = run(trials_of(problem, "torch.optim.Muon:lr=0.02")[0], Context())
        assert record.status == "done"
        assert record.metrics["test/accuracy"] > 0.3


def test_optimizers_whose_step_takes_no_closure_work_alike(trials_of):
    path = f"{__name__}.Closureless:lr=0.1"
    theirs = run(trials_of(opts=path)[0], Context())
    ours = run(trials_of(opts="torch.optim.SGD:lr=0.1")[0], Context())
    assert theirs.weights_sha256 == ours.weights_sha256


@pytest.mark.parametrize("careful", ["true", "false"])
def test_an_optimizer_that_takes_a_closure_and_does_not_call_it_is_told_so(trials_of, careful):
    opts = f"tests.plugins.optimizers.IgnoresClosure:careful={careful}"
    with pytest.raises(ClosureNotCalledError, match=r"IgnoresClosure\.step takes a closure and"):
        run(trials_of(opts=opts)[0], Context())


def test_a_mistake_after_the_closure_was_called_stays_what_it_is(trials_of):
    with pytest.raises(TypeError, match="a mistake of its own"):
        run(trials_of(opts="tests.plugins.optimizers.Buggy")[0], Context())


def test_a_closure_has_its_gradients_under_no_grad_too(trials_of):
    path = "tests.plugins.optimizers.CallsUnderNoGrad:lr=0.1"
    theirs = run(trials_of(opts=path)[0], Context())
    ours = run(trials_of(opts="torch.optim.SGD:lr=0.1")[0], Context())
    assert theirs.weights_sha256 == ours.weights_sha256


def test_the_optimizer_of_the_readme_learns(trials_of, tmp_path, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    code = re.search(r"( {4}# mine\.py\n(?: {4}.*\n|\n)+)", readme)[1]
    (tmp_path / "readme_optimizer.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(tmp_path)
    rows = []
    record = run(trials_of(opts="readme_optimizer.MyOpt")[0], Context(), watch=rows.append)
    assert record.status == "done"
    assert record.metrics["train/loss"] < rows[0]["train/loss"]


def test_non_finite_loss_ends_the_trial_as_diverged_with_its_step(trials_of):
    trial = trials_of("mlp/digits", "sgd:lr=1e30", epochs=5)[0]
    rows = []
    record = run(trial, Context(), watch=rows.append)
    assert record.status == "diverged"
    assert "step" in record.reason
    assert record.progress.step <= 10
    assert all(math.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize(("points", "epoch"), [(20, 1), (4, 1.2), (1, 5)])
def test_loss_far_above_its_start_after_an_epoch_is_divergence(trials_of, points, epoch):
    record = run(trials_of(opts="sgd:lr=1e6", epochs=5)[0], Context(), points=points)
    assert record.status == "diverged"
    assert "times its start" in record.reason
    assert record.progress.epoch == epoch


def test_a_loss_far_above_its_start_within_the_first_epoch_is_no_divergence(trials_of):
    rows = []
    trial = trials_of(opts="sgd:lr=1e6:schedule=1/sqrt(t)")[0]
    record = run(trial, Context(), watch=rows.append)
    losses = [row["val/loss"] for row in rows if "val/loss" in row]
    assert losses[1] > 100 * losses[0]
    assert record.progress.step == 10


def test_l2_shrinks_weights_and_stays_out_of_the_evaluated_loss(trials_of):
    trial = trials_of(opts="sgd:lr=0", l2=10.0)[0]
    rows = []
    run(trial, Context(), watch=rows.append)
    running = next(row["train/running_loss"] for row in rows if "lr" in row)
    evaluated = next(row["train/loss"] for row in rows if "val/loss" in row)
    assert running > evaluated + 1


@pytest.mark.one_in(3)
@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true", "bf16-true"])
@pytest.mark.parametrize(
    ("problem", "opts"),
    [
        ("logreg/digits", "adam:lr=0.01"),
        pytest.param("mlp/digits", "adam", marks=pytest.mark.slow),  # in 16 bits, 15 s on a CPU
    ],
)
def test_other_precisions_train(trials_of, problem, opts, precision):
    trial = trials_of(problem, opts, epochs=2, precisions=(precision,))[0]
    record = run(trial, Context())
    assert record.metrics["train/accuracy"] > 0.7
    single = run(replace(trial, precision="32-true"), Context())
    assert record.weights_sha256 != single.weights_sha256


def test_a_diverged_record_holds_no_loss_from_before_its_last_steps(trials_of):
    trial = trials_of("logreg/digits", "torch.optim.SGD:lr=1e38", epochs=2)[0]
    record = run(trial, Context())
    assert record.status == "diverged"
    assert record.progress.step > 0
    assert not any(name.endswith("/loss") for name in record.metrics)


def test_evaluated_losses_are_not_rounded_to_the_type_of_the_network(trials_of):
    trial = replace(trials_of("logreg/digits", "adam")[0], precision="bf16-true")
    loss = run(trial, Context()).metrics["train/loss"]
    assert torch.tensor(loss).bfloat16().item() != loss


@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_NTASKS": "4"},
        {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "1"},
        {"SLURM_JOB_NAME": "bash", "SLURM_NTASKS": "1"},
        {"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"},
    ],
    ids=str,
)
def test_no_variable_of_a_scheduler_changes_a_trial(trials_of, tmp_path, monkeypatch, variables):
    [trial] = trials_of()
    expected = run(trial, Context()).weights_sha256
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hpc_ckpt_1.ckpt").write_text("what Lightning would resume from")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    for name, value in {"SLURM_JOB_ID": "7", **variables}.items():
        monkeypatch.setenv(name, value)
    assert run(trial, Context()).weights_sha256 == expected
    assert {name: os.environ.get(name) for name in variables if name != "WORLD_SIZE"} == {
        name: value for name, value in variables.items() if name != "WORLD_SIZE"
    }
