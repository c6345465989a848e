"""The context of a trial: facts that do not affect its outcome, and are sent to every worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.record import Environment


@dataclass(frozen=True, kw_only=True)
class Context:
    """Folders and environment, as seen from a worker.

    Args:
        data_dir: Folder of data sets that the user downloaded; None for the default.
        cache_dir: Folder of prepared data sets; None for the default.
        environment: Versions and machine, for the record.
        prepared: Folders of prepared data sets by the name of the data set; other data sets are
            looked for in the two folders above.
    """

    data_dir: Path | None = None
    cache_dir: Path | None = None
    environment: Environment = field(default_factory=Environment)
    prepared: Mapping[str, Path] = field(default_factory=dict)
