"""Texts as windows of characters, for the task of predicting each next character.

A window of n characters is an example; its targets are the characters that follow each of them. The
windows of a text do not overlap. Characters are numbers by their place in `ALPHABET`.
"""

import re
import unicodedata
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from datamodules.base import PARTS, ResidentDataModule
from datamodules.cache import Tensors

ALPHABET = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))  # and printable ASCII: 96
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\t": " "}
)
_OTHERS = re.compile(f"[^{re.escape(ALPHABET)}]")


def plain(text: str) -> str:
    """Return `text` in the characters of `ALPHABET`.

    Typographic quotes and dashes become plain ones, letters lose their accents, and characters that
    have no plain form are left out.

    >>> plain("naïve “café” – …½°")
    'naive "cafe" - ...12'
    """
    return _OTHERS.sub("", unicodedata.normalize("NFKD", text.translate(_PLAIN)))


def codes(text: str) -> Tensor:
    r"""Return the numbers of the characters of `text`, uint8 (characters,).

    Raises:
        ValueError: a character is not in `ALPHABET`.

    >>> codes("a\n b").tolist()
    [66, 0, 1, 67]
    """
    found = _OTHERS.search(text)
    if found:
        raise ValueError(f"expected newlines and printable ASCII, got {found[0]!r}: use `plain`")
    values = np.frombuffer(text.encode("ascii"), np.uint8)
    return torch.from_numpy(np.where(values == ord("\n"), 0, values - ord(" ") + 1).astype("u1"))


def window_tensors(part: str, text: str, count: int, length: int) -> dict[str, Tensor]:
    """Return inputs and targets of the first `count` windows of `text`, each (count, length).

    Args:
        part: Prefix of the names, ``pool`` or ``test``.
        text: Text of at least count·length + 1 characters.
        count: Number of windows.
        length: Characters in a window.

    Raises:
        ValueError: the text is too short, or has characters that are not in `ALPHABET`.
    """
    needed = count * length + 1
    if len(text) < needed:
        raise ValueError(f"expected {needed} characters of text, found {len(text)}")
    numbers = codes(text[:needed])
    return {
        f"{part}.inputs": numbers[:-1].view(count, length),
        f"{part}.targets": numbers[1:].view(count, length),
    }


class TextDataModule(ResidentDataModule):
    """A data set of windows of characters, in contiguous parts. A subclass gives `texts`.

    Validation windows are consecutive, and the seed draws where they begin in the training part;
    the training windows are all others. The training part counts as a ring, its end joined to its
    start, so every window is validated equally often. Within both, the seed also draws an order, so
    the first windows are a random sample.
    """

    task = "language"
    _eval_batch_size = 128  # windows; on a CPU 1,000 take 2.4 times as long per window

    def texts(self) -> Mapping[str, str]:
        """Return the text of the training part, ``pool``, and of the test part, ``test``.

        Raises:
            DataCorruptError: a file is damaged.
        """
        raise NotImplementedError

    def build(self) -> Tensors:
        """Cut the windows."""
        num_train, num_val, num_test = self.sizes
        texts, (length,) = self.texts(), self.input_shape
        tensors: dict[str, Tensor] = {}
        for part, count in zip(PARTS, (num_train + num_val, num_test), strict=True):
            tensors |= window_tensors(part, texts[part], count, length)
        return tensors

    def draw_order(self, num_examples: int, generator: torch.Generator) -> Tensor:
        """Return the windows of training, then the consecutive ones of validation, shuffled."""
        num_val = self.sizes[1]
        begin = torch.randint(num_examples, (), generator=generator)
        ring = (begin + torch.arange(num_examples)) % num_examples
        val, train = ring[:num_val], ring[num_val:]
        orders = [torch.randperm(len(rows), generator=generator) for rows in (train, val)]
        return torch.cat([train[orders[0]], val[orders[1]]])
