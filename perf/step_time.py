"""Training time per step of a trial relative to a hand-written loop.

Both have the same optimizer, batches and seeds. Target: a ratio of at most 1.15 on logreg/mnist and
mlp/mnist, and bitwise equal final weights.
"""

import statistics
import time

import torch
from _trials import report, trials
from torch.nn import functional

from benchmark.context import Context
from benchmark.plugins import data_module_class
from benchmark.runner import build_model, derived_seed, run, weights_sha256
from benchmark.spec import Trial

REPEATS = 5


def by_hand(trial: Trial) -> tuple[float, str]:
    """Return seconds per step of a plain loop, and the digest of its final weights."""
    data = data_module_class(trial.dataset)(
        seed=derived_seed(trial, "batches"), split_seed=derived_seed(trial, "split")
    )
    data.setup()
    model = build_model(trial, data)
    network = model.network.train()
    optimizer = trial.optimizer.build(network.parameters())
    loader = data.train_dataloader()
    losses = []
    started = time.perf_counter()
    for _ in range(trial.epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return (time.perf_counter() - started) / len(losses), weights_sha256(network)


def main() -> None:
    """Time both in turn, and print the median of each and of their ratios."""
    torch.set_num_threads(1)
    for problem, epochs in ("logreg/mnist", 3), ("mlp/mnist", 1):
        [trial] = trials(problem, "adam", epochs=epochs)
        data_module_class(trial.dataset)().prepare_data()
        by_hand(trial), run(trial, Context())  # pay first-use costs before timing
        ours, theirs, same_bits = [], [], True
        for _ in range(REPEATS):
            record = run(trial, Context())
            seconds, digest = by_hand(trial)
            ours.append(record.clocks.training / record.progress.step)
            theirs.append(seconds)
            same_bits &= digest == record.weights_sha256
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        report(
            __file__,
            problem=trial.problem,
            trial_ms_per_step=1000 * statistics.median(ours),
            loop_ms_per_step=1000 * statistics.median(theirs),
            ratio=statistics.median(ratios),
            target=1.15,
            same_bits=same_bits,
        )


if __name__ == "__main__":
    main()
