import pytest
import torch


@pytest.fixture
def count_in_64_bits():
    """Let counters and NAdam's Πμ be 64 bits wide, ours and torch's."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)
