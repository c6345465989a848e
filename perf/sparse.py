"""Step time of logreg/imdb, batch 128 with dropout, sparse over dense. Target: at most 0.15."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from _trials import report, trials

from benchmark.plugins import data_module_class
from benchmark.runner import build_model
from benchmark.spec import Trial

STEPS = 60


def seconds_per_step(trial: Trial, form: Callable[[Any], Any]) -> float:
    """Return the median time of a step, batch included, on inputs put into `form`."""
    data = data_module_class(trial.dataset)()
    data.setup()
    model = build_model(trial, data)
    optimizer = trial.optimizer.build(model.network.parameters())
    model.train()
    times, batches = [], iter(data.train_dataloader())
    for _ in range(min(STEPS, len(data.train_dataloader()))):
        started = time.perf_counter()
        inputs, targets = next(batches)
        optimizer.zero_grad()
        model.loss(form(inputs), targets).backward()
        optimizer.step()
        times.append(time.perf_counter() - started)
    return statistics.median(times[5:])


def main() -> None:
    """Time both forms in turn; the time to make the dense form is subtracted."""
    torch.set_num_threads(1)
    [trial] = trials("logreg/imdb", "adam", epochs=1)
    data = data_module_class(trial.dataset)()
    data.prepare_data()
    features = data.input_shape[0]
    made: list[float] = []

    def dense(bag: Any) -> torch.Tensor:
        started = time.perf_counter()
        full = bag.to_dense(features)
        made.append(time.perf_counter() - started)
        return full

    pairs = []
    for _ in range(3):
        made.clear()
        full = seconds_per_step(trial, dense) - statistics.median(made)
        pairs.append((seconds_per_step(trial, lambda bag: bag), full))
    report(
        __file__,
        problem=trial.problem,
        sparse_ms=1000 * statistics.median(sparse for sparse, _ in pairs),
        dense_ms=1000 * statistics.median(full for _, full in pairs),
        ratio=statistics.median(sparse / full for sparse, full in pairs),
        target=0.15,
    )


if __name__ == "__main__":
    main()
