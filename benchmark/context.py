"""The context of a trial: facts that do not affect its outcome, and are sent to every worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmark.record import Environment

# Trials of one problem that train as one network: as many as keep their bits and gain time, none,
# or at most so many wherever possible.
Stack = Literal["auto", "off"] | int


@dataclass(frozen=True, kw_only=True)
class Context:
    """Folders and environment, as seen from a worker.

    Args:
        data_dir: Folder of data sets that the user downloaded; None for the default.
        cache_dir: Folder of prepared data sets; None for the default.
        environment: Versions and machine, for the record.
        prepared: Folders of prepared data sets by the name of the data set; other data sets are
            looked for in the two folders above.
        checksums: SHA-256 of data sets as the launching process read them, by the name of the data
            set; a trial on other data fails.
        stack: Trials that a launcher may train as one network; a worker of one trial ignores it.
        first_steps: Steps after which a trial ends, without evaluation: for checks. 0 trains it
            whole.
    """

    data_dir: Path | None = None
    cache_dir: Path | None = None
    environment: Environment = field(default_factory=Environment)
    prepared: Mapping[str, Path] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    stack: Stack = "off"
    first_steps: int = 0
