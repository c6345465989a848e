"""Python's manual: the topics of its reference that ``help()`` shows, as one text.

tools/freeze_manual.py says how the text was made; its licence is datamodules/texts/LICENSE.txt.
"""

import bz2
import hashlib
from collections.abc import Mapping
from pathlib import Path

from datamodules.errors import DataCorruptError, reading
from datamodules.text import TextDataModule

FILE = Path(__file__).parent / "texts" / "manual.txt.bz2"
SHA256 = "dd12ab04aa72d7c2f9edc993f1375647974f2b88c58790eb4f9ba3210b57f720"  # of the text, unpacked


def manual_text() -> str:
    """Return the frozen text, in the characters of `text.ALPHABET`.

    Raises:
        DataCorruptError: the file of the package is damaged.
    """
    with reading(FILE):
        content = bz2.decompress(FILE.read_bytes())
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataCorruptError(
            FILE, f"expected a text of SHA-256 {SHA256}, found {found}", "install the package again"
        )
    return content.decode("ascii")


class Manual(TextDataModule):
    """Windows of 64 characters of Python's manual; the last tenth of the text is for test.

    Each paragraph occurs once. In the original, topics repeat a fifth of each other's text, which
    would put the same sentences into training and test.
    """

    dataset = "manual"

    def texts(self) -> Mapping[str, str]:
        """Return the text before and after the place where the test part begins."""
        text, (length,) = manual_text(), self.input_shape
        end = (self.sizes[0] + self.sizes[1]) * length
        return {"pool": text[: end + 1], "test": text[end:]}
