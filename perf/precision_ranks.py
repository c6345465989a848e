"""Agreement of a search in bf16 with one in 32 bits: the order of settings, and the best ones.

Sweeps learning rates of three optimizers on ``mlp/digits`` in both precisions, from equal seeds,
and prints Kendall's tau of the final validation losses, diverged settings last.
"""

import argparse
import sys
import time
from dataclasses import replace

from _trials import report, trials
from scipy.stats import kendalltau

from benchmark.context import Context
from benchmark.runner import run
from benchmark.spec import Trial

RATES = {
    "sgd": (0.01, 0.1, 0.3),
    "adam": (0.0003, 0.001, 0.01),
    "rmsprop": (0.0001, 0.001, 0.01),
}


def final_loss(trial: Trial) -> float:
    """Return the validation loss at the end of `trial`, infinite if it diverged."""
    record = run(trial, Context(), points=1)
    loss = record.metrics["val/loss"] if record.status == "done" else float("inf")
    sys.stderr.write(f"{trial.label} {trial.precision}: {loss:.4f}\n")
    return loss


def main() -> None:
    """Run both sweeps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    opts = ",".join(f"{name}:lr={'|'.join(map(str, rates))}" for name, rates in RATES.items())
    sweep = trials("mlp/digits", opts, epochs=arguments.epochs, seeds=arguments.seeds)
    losses: dict[str, dict[str, float]] = {"32-true": {}, "bf16-mixed": {}}
    seconds = dict.fromkeys(losses, 0.0)
    for trial in sweep:
        for precision, found in losses.items():
            started = time.process_time()
            loss = final_loss(replace(trial, precision=precision))
            seconds[precision] += time.process_time() - started
            found[trial.label] = found.get(trial.label, 0.0) + loss / arguments.seeds
    exact, short = losses.values()
    best = {
        name: [
            min((k for k in found if k.split()[0] == name), key=found.__getitem__)
            for found in losses.values()
        ]
        for name in RATES
    }
    report(
        __file__,
        settings=len(exact),
        kendall_tau=float(kendalltau([*exact.values()], [short[k] for k in exact]).statistic),
        best=best,
        losses={label: [loss, short[label]] for label, loss in exact.items()},
        cpu_seconds=seconds,
    )


if __name__ == "__main__":
    main()
