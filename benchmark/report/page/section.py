"""A section of the page that another module makes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page that another module makes.

    Args:
        html: The section element, with its data.
        style: The section's style sheet.
        script: The section's ES module, run after those of the page.
    """

    html: str
    style: str
    script: Path
