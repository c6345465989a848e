"""Make the text of the data set `manual` from the topics of the running Python's manual.

`python -m tools.freeze_manual` overwrites datamodules/texts/manual.txt.bz2 and prints the digest
for datamodules/manual.py. The file in the package was made with CPython 3.11.7; the topics of other
versions differ, and every result on the data set would change with them.
"""

import bz2
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from datamodules.manual import FILE
from datamodules.text import plain


def main() -> None:
    """Write the file, and print its sizes and the digest of the text."""
    from pydoc_data.topics import topics

    text = without_repetition(map(plain, topics.values()))
    content = text.encode("ascii")
    Path(FILE).write_bytes(bz2.compress(content, 9))
    print(f"Python {sys.version.split()[0]}, {len(text)} characters")
    print(f"{FILE.stat().st_size} bytes, SHA-256 of the text {hashlib.sha256(content).hexdigest()}")


def without_repetition(texts: Iterable[str]) -> str:
    r"""Return the paragraphs of all texts, each once; spaces and line breaks make no difference.

    >>> without_repetition(["One\ntwo.\n\nThree.\n", "One two.\n\nFour.\n"])
    'One\ntwo.\n\nThree.\n\nFour.\n'
    """
    found: dict[str, str] = {}
    for paragraph in (each for text in texts for each in text.split("\n\n")):
        found.setdefault(" ".join(paragraph.split()), paragraph.strip("\n"))
    found.pop("", None)
    return "\n\n".join(found.values()) + "\n"


if __name__ == "__main__":
    main()
