import pytest

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.launchers.rehearse import distinct
from benchmark.problems import problems_of
from benchmark.rehearsal import rehearse
from benchmark.runner import run, set_up_data
from benchmark.spec import Trial
from optimizers.grammar import parse
from tests.plugins.networks import Tiny

NETWORKS, DATA = "tests.plugins.networks", "tests.plugins.data"
NUM_TRAIN = 40  # training examples of Squares


def trial_of(model, batch_size, opts="torch.optim.SGD:lr=0.1", **changes):
    workload = problems_of(f"{NETWORKS}.{model}", f"{DATA}.Squares").workload
    settings = {"seed": 0, "epochs": 1} | changes
    return Trial(
        problem=workload.problem,
        model=workload.model,
        dataset=workload.dataset,
        optimizer=parse(opts)[0],
        batch_size=batch_size,
        **settings,
    )


def rehearsed(trial):
    """Return what a rehearsal says; "" if it refuses nothing."""
    try:
        rehearse(trial, set_up_data(trial, Context()))
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("batch_size", [3, 7, 13, 20, 38, 39, 40, 41])
def test_a_rehearsal_refuses_what_would_fail_at_the_end_of_an_epoch_and_nothing_else(batch_size):
    trial = trial_of("Normed", batch_size)
    said = rehearsed(trial)
    if NUM_TRAIN % batch_size == 1:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            run(trial, Context())
        assert f"last batch of an epoch, which has 1 of {batch_size} examples: ValueError" in said
        assert said.endswith("Another --batch-size leaves another number of examples")
        assert "\n" not in said
    else:
        assert run(trial, Context(), points=1).status == "done"
        assert said == ""


@pytest.mark.parametrize("log_every", [1, 4])
@pytest.mark.parametrize(("batch_size", "last"), [(7, 5), (16, 8), (39, 1), (40, 40), (64, 40)])
def test_the_steps_take_the_first_and_the_last_batch_of_an_epoch(
    monkeypatch, batch_size, last, log_every
):
    sizes, forward = [], Tiny.forward

    def noted(network, inputs):
        if network.training:
            sizes.append(len(inputs))
        return forward(network, inputs)

    monkeypatch.setattr(Tiny, "forward", noted)
    assert rehearsed(trial_of("Tiny", batch_size, "sgd", log_every=log_every)) == ""
    assert sizes == [min(batch_size, NUM_TRAIN), last]


@pytest.mark.parametrize("batch_size", [8, 39])
def test_an_optimizer_that_fails_on_every_batch_is_not_said_to_fail_on_the_last(batch_size):
    said = rehearsed(trial_of("Tiny", batch_size, "tests.plugins.contracts.Hidden"))
    assert " fails: " in said
    assert "last batch" not in said
    assert said.endswith("It runs as tests.plugins.contracts.Hidden:create_graph=true")


def test_trials_of_several_batch_sizes_are_rehearsed_each():
    trials = [trial_of("Tiny", size) for size in (7, 8, 7, 9)]
    assert [trial.batch_size for trial in distinct(trials)] == [7, 8, 9]


@pytest.mark.parametrize("opts", ["adam,sgd", "adam,torch.optim.SGD:lr=0.1"])
def test_a_users_network_is_rehearsed_once_with_a_registered_optimizer(opts):
    names = opts.split(",")
    trials = [trial_of("Tiny", 8, name, seed=seed) for name in names for seed in (0, 1)]
    (rehearsed_one,) = distinct(trials)
    assert rehearsed_one.optimizer.name == ("adam" if opts == "adam,sgd" else "torch.optim.SGD")


def test_a_network_that_cannot_learn_is_refused_before_a_trial_in_one_line():
    said = rehearsed(trial_of("NoBackward", 8, "adam"))
    assert said == (
        f"{NETWORKS}.NoBackward/{DATA}.Squares with optimizer 'adam' fails: RuntimeError: no "
        "kernel for the gradient. docs/plugins.md says what is asked of a network and of data"
    )


def test_one_that_forgot_its_closure_is_told_how_to_call_it_and_its_words_are_whole():
    said = rehearsed(trial_of("Tiny", 8, "tests.plugins.contracts.ForgetsClosure"))
    assert said.endswith(
        "ForgetsClosure.step takes a closure and did not call it, so there are no gradients: begin "
        "it with loss = closure(), or let step take no closure. If it needs gradients before that, "
        "give it as NAME:gradients=first (docs/plugins.md)"
    )
