import pytest

from benchmark.report.verdicts import short_p


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0001, "<.001"), (0.0311, ".032"), (0.05, ".050"), (0.0501, ".051"), (0.2, ".20"), (1, "1")],
)
def test_p_is_rounded_up_so_that_it_never_looks_smaller(p, text):
    assert short_p(p) == text
