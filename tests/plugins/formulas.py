"""A launcher without training: the loss is a formula of the learning rate, the seed and a shift."""

import json
import math
from contextlib import nullcontext
from dataclasses import replace
from typing import ClassVar

from benchmark.prepared import Prepared
from benchmark.record import Clocks, Cost, Record
from datamodules.errors import DataUnavailableError


class Formulas:
    """What ran is in `ran`, over all launchers; a test may change the other attributes."""

    ran: ClassVar[list] = []
    shift = 0.0
    checksum = "a" * 64
    unavailable = False
    packages = None
    status = "done"

    def __init__(self, limits):
        pass

    def warm_up(self):
        return nullcontext()

    def num_at_once(self, threads, accelerator="cpu"):
        return 1

    def why_not(self, accelerator, precision):
        return ""

    def check_hyperparameters(self, specs):
        pass

    def prepare(self, wanted, context):
        if self.unavailable:
            raise DataUnavailableError("no data here")
        return [
            Prepared(dataset=dataset, checksum=self.checksum, origin="a formula")
            for dataset in (each.dataset for each in wanted)
        ]

    def rehearse(self, trials, context):
        pass

    def __call__(self, trials, store, context, watcher):
        for trial in trials:
            self.ran.append(trial)
            store.begin(trial)
            loss = 1 + math.log10(trial.optimizer.hyperparameters["lr"] / 0.01) ** 2
            loss += 0.01 * math.sin(3 * trial.seed + len(trial.label)) + self.shift
            rows = [{"step": step, "val/loss": loss + 1 - step} for step in (0, 1)]
            path = store.trial_folder(trial) / "metrics.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            environment = replace(context.environment, data=self.checksum, device="cpu")
            if self.packages:
                environment = replace(environment, packages=self.packages)
            store.write(
                Record(
                    trial=trial,
                    status=self.status,
                    metrics=dict.fromkeys(("train/loss", "val/loss", "test/loss"), loss),
                    clocks=Clocks(per_step=0.001, training=1.0, total=1.0),
                    cost=Cost(state_bytes=8, parameters=1),
                    environment=environment,
                    weights_sha256=f"{trial.key} {self.shift}",
                )
            )
