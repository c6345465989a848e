"""What a trial needs to know that does not decide its outcome; sent to every worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where things are, as seen from a worker.

    Args:
        data_dir: Where data sets were laid down by hand; None for the default place.
        cache_dir: Where prepared data sets are; None for the default place.
        environment: Versions and machine, for the record.
        prepared: Folders of data sets that are prepared, by the name of the data set; the others
            are looked for in the two places.
    """

    data_dir: Path | None = None
    cache_dir: Path | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    prepared: Mapping[str, Path] = field(default_factory=dict)
