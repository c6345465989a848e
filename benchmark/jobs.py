"""Job files: what a worker that another command started needs to run the trials of a study.

``<results>/<study>/jobs/<digest>.json`` has where the launching process finds modules and data.
Trials themselves are in their ``trial.json``.
"""

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmark.atomic import replacing
from benchmark.context import Context, Stack
from benchmark.decode import RECORD_BYTES, decode_job, read_file
from benchmark.environment import environment
from benchmark.errors import Misfit, UsageError

_FOLDER = "jobs"
CACHE_VARIABLE = "BENCHMARK_CACHE_DIR"
_VARIABLES = ("BENCHMARK_DATA_DIR", CACHE_VARIABLE)
_DIGEST_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Job:
    """Where a launching process finds modules and data; all folders are absolute.

    Args:
        import_path: Folders in which plug-ins are found, of `sys.path`.
        data_dir: Folder of data sets that the user downloaded; None for the default.
        cache_dir: Folder of prepared data sets; None for the default.
        prepared: Folders of prepared data sets by the name of the data set.
        checksums: SHA-256 of the data sets by their names, as in records.
        variables: Environment variables that name folders.
        stack: Trials of one worker that train as one network, as in `Context`.
    """

    import_path: tuple[str, ...] = ()
    data_dir: str | None = None
    cache_dir: str | None = None
    prepared: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    stack: Stack = "off"

    @classmethod
    def here(cls, context: Context) -> "Job":
        """Return the job of this process, for trials with `context`."""
        return cls(
            import_path=tuple(dict.fromkeys(filter(_may_have_plugins, map(_absolute, sys.path)))),
            data_dir=_absolute(context.data_dir) if context.data_dir else None,
            cache_dir=_absolute(context.cache_dir) if context.cache_dir else None,
            prepared={name: _absolute(path) for name, path in sorted(context.prepared.items())},
            checksums=dict(sorted(context.checksums.items())),
            variables={name: _absolute(v) for name in _VARIABLES if (v := os.environ.get(name))},
            stack=context.stack,
        )

    def enter(self) -> None:
        """Let this process find modules and data as the launching process did.

        Environment variables that are set already stay: this machine may keep its data elsewhere.
        """
        sys.path[:0] = [folder for folder in self.import_path if folder not in sys.path]
        for name, value in self.variables.items():
            os.environ.setdefault(name, value)

    def context(self, *, data_dir: Path | None = None, cache_dir: Path | None = None) -> Context:
        """Return the context of trials on this machine.

        Args:
            data_dir: Folder of data sets on this machine; None for that of the job.
            cache_dir: Folder of prepared data sets on this machine; None for BENCHMARK_CACHE_DIR if
                it has another value here than where the job was made, otherwise those of the job.
        """
        cache_dir = cache_dir or self._own_cache()
        prepared = {name: Path(path) for name, path in self.prepared.items()}
        return Context(
            data_dir=data_dir or (Path(self.data_dir) if self.data_dir else None),
            cache_dir=cache_dir or (Path(self.cache_dir) if self.cache_dir else None),
            environment=environment(),
            prepared={}
            if cache_dir
            else {n: path for n, path in prepared.items() if path.is_dir()},
            checksums=self.checksums,
        )

    def _own_cache(self) -> Path | None:
        here = os.environ.get(CACHE_VARIABLE)
        if here and _absolute(here) not in (self.variables.get(CACHE_VARIABLE), self.cache_dir):
            return Path(here).absolute()
        return None


def write_job(study_folder: Path, context: Context) -> Path:
    """Write the job of this process to the folder of a study, and return its file.

    Args:
        study_folder: Folder of the study.
        context: Folders and checksums of the data.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(asdict(Job.here(context)), indent=1) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    path = study_folder / _FOLDER / f"{digest}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:  # an old file too: the newest is the default
        temporary.write_text(text)
    return path


def read_job(path: Path) -> Job:
    """Return the job in a file.

    Raises:
        UsageError: the file does not exist, or is no job file.
    """
    try:
        fields = decode_job(read_file(path, RECORD_BYTES))
    except FileNotFoundError:
        raise UsageError(f"there is no job file {path}") from None
    except Misfit as error:
        raise UsageError(f"{path} is no job file ({error})") from None
    return Job(
        import_path=tuple(fields.import_path),
        data_dir=fields.data_dir,
        cache_dir=fields.cache_dir,
        prepared=fields.prepared,
        checksums=fields.checksums,
        variables=fields.variables,
        stack=fields.stack,
    )


def newest_job(study_folder: Path) -> Job:
    """Return the job of the latest launch of a study; one without folders if there was none."""
    newest = _newest(study_folder)
    return read_job(newest) if newest else Job()


def job_file(study_folder: Path, context: Context) -> Path:
    """Return the file of the latest launch of a study; write one if there was none.

    Raises:
        OSError: the file cannot be written.
    """
    return _newest(study_folder) or write_job(study_folder, context)


def _newest(study_folder: Path) -> Path | None:
    files = (study_folder / _FOLDER).glob("*.json")
    return max(files, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def _absolute(path: Path | str) -> str:
    return str(Path(path).absolute())


def _may_have_plugins(folder: str) -> bool:
    """Return whether a folder of `sys.path` belongs to no installation of Python."""
    own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    path = Path(folder)
    installed = any(path.is_relative_to(each) for each in own) or path.suffix == ".zip"
    return path.is_dir() and not installed
