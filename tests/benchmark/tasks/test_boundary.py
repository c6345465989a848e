"""What a loss or a metric means is known to tasks alone; the table of metrics has its words."""

import io
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "benchmark"
KNOWN = {PACKAGE / "metrics.py", *(PACKAGE / "tasks").glob("*.py")}
STRANGERS = sorted(set(PACKAGE.rglob("*.py")) - KNOWN)
# Since Python 3.12 the text of an f-string is a token of its own.
_CODE = (tokenize.NAME, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
WORDS = ("cross_entropy", "crossentropy", "accuracy", "accuracies")


def names_in(source):
    """Return names and strings of the code, without comments and docstrings."""
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type in _CODE
    ]
    return [
        token.string.lower() for token in tokens if not token.string.startswith(('"""', 'r"""'))
    ]


def test_no_file_outside_tasks_knows_a_loss_or_a_metric_of_one():
    assert len(STRANGERS) > 100
    known = [
        (str(path.relative_to(PACKAGE)), name)
        for path in STRANGERS
        for name in names_in(path.read_text(encoding="utf-8"))
        if any(word in name for word in WORDS)
    ]
    assert known == []


@pytest.mark.parametrize(
    "source",
    [
        "functional.cross_entropy(a, b)",
        "x = 'val/accuracy'",
        "x = f'{split}/accuracy'",
        "MulticlassAccuracy(3)",
        "x = 'Losses and accuracies'",
    ],
)
def test_the_search_finds_what_it_is_for(source):
    assert any(word in name for name in names_in(source) for word in WORDS)
