"""Sums of metrics for all members against torchmetrics for each."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmark.stacked.totals import Totals
from benchmark.tasks.classification import Classification


class _Given(nn.Module):
    """A network whose outputs are known."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self._outputs = outputs

    def forward(self, inputs: Tensor) -> Tensor:
        return self._outputs


def _alone(task: Classification, batches: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    meters = task.meters()
    for logits, targets in batches:
        task.evaluate(_Given(logits), (logits, targets), meters)
    return {f"val/{name}": float(value) for name, value in meters.compute().items()}


@given(
    members=st.integers(1, 9),
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    classes=st.integers(2, 12),
    seed=st.integers(0, 2**16),
)
def test_totals_have_the_bits_of_torchmetrics(
    members: int, sizes: list[int], classes: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    task = Classification(classes)
    totals, batches = Totals(), []
    for size in sizes:
        logits = 5 * torch.randn(members, size, classes, generator=random)
        targets = torch.randint(classes, (size,), generator=random)
        totals.add("val", task.stacked_values(logits, (None, targets)))
        batches.append((logits, targets))
    alone = [
        _alone(task, [(each[k], targets) for each, targets in batches]) for k in range(members)
    ]
    assert list(totals.means()) == alone


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_member_that_is_not_finite_leaves_the_others_alone(value: float) -> None:
    task, targets = Classification(3), torch.tensor([0, 1])
    logits = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(0))
    logits[0] = value
    totals = Totals()
    totals.add("val", task.stacked_values(logits, (None, targets)))
    broken, fine = totals.means()
    assert fine == _alone(task, [(logits[1], targets)])
    assert str(broken) == str(_alone(task, [(logits[0], targets)]))


def test_splits_come_in_the_order_of_their_evaluation() -> None:
    totals = Totals()
    for split in ("train", "val", "train"):
        totals.add(split, {"loss": torch.ones(2, 3), "accuracy": torch.zeros(2, 3)})
    names = ["train/accuracy", "train/loss", "val/accuracy", "val/loss"]
    assert [list(each) for each in totals.means()] == [names, names]
