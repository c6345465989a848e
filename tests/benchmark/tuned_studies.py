"""A tuned study on disk: adam, momentum and a reader's own optimizer."""

from dataclasses import replace

import pytest

from benchmark.declaration import write_declaration
from benchmark.record import Record
from benchmark.store import Store
from optimizers.grammar import describe
from tests.benchmark.analysis.test_judging import PROBLEMS, declaration, records, shifted, study

OWN = "readers_own.MyOpt"
RATES = {0.01: 2.0, 0.1: 1.0, 1.0: None}  # by tuning: the last one diverges
_SOURCE = """
from torch.optim import SGD

class MyOpt(SGD):
    pass
"""


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """Return a function that writes a tuned study; its arguments shift the losses by optimizer.

    A report on fewer `metrics` is made faster.
    """
    (tmp_path / "readers_own.py").write_text(_SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def write(*, problems=PROBLEMS, seeds=tuple(range(10)), changes=None, metrics=None, **shifts):
        asked = study(problems, f"adam,momentum,{OWN}", seeds)
        store = Store(tmp_path / "results", "tuned")
        by_label = {OWN if label == "own" else label: shift for label, shift in shifts.items()}
        for record in (*records(asked, shifted(**by_label)), *_tuning(asked)):
            known = {n: v for n, v in record.metrics.items() if metrics is None or n in metrics}
            store.write(replace(record, metrics=known))
        write_declaration(store.folder, declaration(asked, changes=changes))
        return store

    return write


def _tuning(asked):
    for workload in asked.workloads:
        [cell] = asked.cells(workload)
        for tunable in asked.tuned.tunables:
            for rate, loss in RATES.items():
                [spec] = describe(f"{tunable.label}:lr={rate}")
                spec = replace(spec, label=f"{tunable.label} lr={rate:g}")
                yield Record(
                    trial=cell.trial(spec, asked.tuned.tuning_seeds[0], purpose="tuning"),
                    status="diverged" if loss is None else "done",
                    metrics={} if loss is None else {"val/loss": loss},
                )
