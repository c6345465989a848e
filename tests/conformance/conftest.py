import pytest
import torch


@pytest.fixture
def count_in_64_bits():
    """Let counters and NAdam's Πμ be 64 bits wide, ours and torch's."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def orthogonal_in_full(monkeypatch):
    """Let torch.optim.Muon iterate in the type of the gradients, not in bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
