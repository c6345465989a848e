"""The format of result files: types, ranges and sizes, checked once when a file is read.

Every number is finite, every text is valid Unicode of bounded length, and nesting is no deeper
than the types below. Other content raises `Misfit`, whose message is one short line, so all other
code can rely on these properties. Only hyperparameters may be infinite or NaN, because some
optimizers have such defaults.
"""

import errno
import json
import math
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from benchmark.axes import AXES
from benchmark.errors import Misfit
from benchmark.metrics import SPLITS, Metric
from benchmark.plain_text import plain

Status = Literal["done", "diverged", "failed", "skipped"]
RECORD_BYTES = 4_000_000  # a record takes about 2,500, and 100 more for each metric
_MOST_REPLACEMENTS = 10  # of one file, one after the other
LOG_BYTES = 1_000_000_000  # a row takes about 300
COUNTS = tuple(name for name, axis in AXES.items() if axis.whole)  # JSON writes them as integers

_LARGEST = 1.7976931348623157e308
_EXACT = 2**53  # a float represents all integers up to here exactly
_Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Positive = Annotated[int, Meta(ge=1, le=10**9)]
_Finite = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
_Duration = Annotated[int, Meta(ge=0, le=10**10)] | Annotated[float, Meta(ge=0, le=1e10)]
_Size = _Count | Annotated[float, Meta(ge=0, le=_LARGEST)]
_Number = _Whole | _Finite
_Name = Annotated[str, Meta(max_length=500)]
_Text = Annotated[str, Meta(max_length=10_000)]
_Scalar = None | bool | _Whole | float | _Text
_Flat = _Scalar | list[_Scalar] | dict[_Name, _Scalar]
_Value = _Scalar | list[_Flat] | dict[_Name, _Flat]


class ScheduleFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `optimizers.schedules.Schedule` on disk."""

    kind: _Name
    warmup: _Size


class _PlainOptimizer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: _Name
    label: _Name
    target: _Name
    hyperparameters: dict[_Name, _Value]
    schedule: ScheduleFields
    source: _Name | UnsetType = UNSET
    create_graph: bool | UnsetType = UNSET
    gradients: _Name | UnsetType = UNSET


class OptimizerFields(_PlainOptimizer, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `optimizers.OptimizerSpec` on disk; fields with their default value are unset.

    `rest` is the optimizer for the remaining parameters; it has no `rest` itself.
    """

    rest: _PlainOptimizer | UnsetType = UNSET


class TrialFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `spec.Trial` on disk; fields that an older version did not write are unset."""

    problem: _Name
    model: _Name
    dataset: _Name
    optimizer: OptimizerFields
    seed: _Count
    epochs: _Positive
    batch_size: _Positive
    dropout: bool | UnsetType = UNSET
    l2: _Size | UnsetType = UNSET
    accelerator: _Name | UnsetType = UNSET
    precision: _Name | UnsetType = UNSET
    threads: _Positive | UnsetType = UNSET
    log_every: _Positive | UnsetType = UNSET
    diagnostics_every: _Count | UnsetType = UNSET
    source: _Name | UnsetType = UNSET
    purpose: Literal["evaluation", "tuning", "budget"] | UnsetType = UNSET
    schema: Annotated[int, Meta(ge=1, le=10**6)] | UnsetType = UNSET


class JobFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `jobs.Job` on disk; folders are absolute paths."""

    import_path: list[_Text] = []
    data_dir: _Text | None = None
    cache_dir: _Text | None = None
    prepared: dict[_Name, _Text] = {}
    checksums: dict[_Name, _Text] = {}
    variables: dict[_Name, _Text] = {}
    stack: Literal["auto", "off"] | Annotated[int, Meta(ge=2)] = "off"


class RecordFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `record.Record` on disk; fields that an older version did not write are unset.

    `metrics`, `seconds` and `environment` hold the values of its typed parts.
    """

    trial: TrialFields
    status: Status
    reason: _Text | UnsetType = UNSET
    metrics: dict[_Name, _Number] | UnsetType = UNSET
    seconds: dict[_Name, _Duration] | UnsetType = UNSET
    environment: dict[_Name, _Flat] | UnsetType = UNSET
    weights_sha256: _Name | UnsetType = UNSET
    own_metrics: Annotated[list[dict[_Name, _Value]], Meta(max_length=100)] | UnsetType = UNSET


Row = dict[str, float]
_Row = dict[_Name, _Number]
_RECORD = msgspec.json.Decoder(RecordFields)
_ROW = msgspec.json.Decoder(_Row)
_METRIC_TEXTS = ("name", "words", "heading", "plural", "meaning")


def decode_record(text: bytes) -> RecordFields:
    """Return the fields in the text of a ``record.json``.

    Raises:
        Misfit: the text is not that of a record.
    """
    try:
        fields = _RECORD.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if b"Infinity" not in text and b"NaN" not in text:
            raise Misfit(plain(error, 120)) from None
        fields = _decode_with_infinities(text)
    _check_counts([fields.metrics or {}])
    return fields


def metric_as_json(metric: Metric) -> dict[str, Any]:
    """Return a row of the table of metrics as a JSON-able mapping, as `decode_metric` reads it."""
    found: dict[str, Any] = msgspec.to_builtins(metric)
    return found | {name: plain(found[name]) for name in _METRIC_TEXTS}


def decode_metric(data: Mapping[str, Any]) -> Metric:
    """Return the row of the table of metrics in a mapping that was read from JSON.

    Raises:
        Misfit: the mapping is not such a row.
    """
    found: Metric = _convert(data, Metric)
    texts = [getattr(found, name) for name in _METRIC_TEXTS]
    if not found.name or any(plain(text, len(text) + 1) != text for text in texts):
        raise Misfit(f"expected a name and plain words of a metric, got {plain(texts, 100)}")
    if not all(map(math.isfinite, (found.unit.factor, found.least or 0.0))):
        raise Misfit(f"expected finite numbers of metric {found.name}")
    if not {*found.splits, *found.tabled} <= SPLITS.keys():
        raise Misfit(f"expected splits of a metric among {', '.join(SPLITS)}")
    return found


def decode_trial(data: Mapping[str, Any]) -> TrialFields:
    """Return the fields of a trial in a mapping that was read from JSON.

    Raises:
        Misfit: the mapping is not a trial.
    """
    fields: TrialFields = _convert(data, TrialFields)
    return fields


def decode_trial_text(text: bytes) -> TrialFields:
    """Return the fields in the text of a ``trial.json``.

    Raises:
        Misfit: the text is not that of a trial.
    """
    return decode_trial(_with_infinities(text))


def decode_job(text: bytes) -> JobFields:
    """Return the fields in the text of a job file.

    Raises:
        Misfit: the text is not that of a job.
    """
    try:
        return msgspec.json.decode(text, type=JobFields)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Misfit(plain(error, 120)) from None


def check_optimizer(data: Mapping[str, Any]) -> None:
    """Raise `Misfit` if a record of a trial with this optimizer could not be read back."""
    _convert(data, OptimizerFields)


def check_part(values: Mapping[str, Any], kind: type) -> None:
    """Raise `Misfit` if values by name, read from JSON, are not the fields of a dataclass."""
    _convert(values, kind)


def packed_optimizer(fields: OptimizerFields) -> bytes:
    """Return an optimizer as bytes, equal for equal optimizers; this is fast."""
    return msgspec.msgpack.encode(fields)


def unpacked_optimizer(packed: bytes) -> dict[str, Any]:
    """Return the mapping of JSON values that `packed_optimizer` encoded."""
    found: dict[str, Any] = msgspec.msgpack.decode(packed)
    return found


def given(fields: Struct) -> dict[str, Any]:
    """Return the fields that are set, by name."""
    names = fields.__struct_fields__
    return {name: v for name in names if (v := getattr(fields, name)) is not UNSET}


def decode_rows(text: bytes) -> list[Row]:
    """Return the rows in the lines of a ``metrics.jsonl``.

    Raises:
        Misfit: a line is not a row.
    """
    try:
        rows = _ROW.decode_lines(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misfit(plain(error, 120)) from None
    _check_counts(rows)
    return rows


def check_rows(data: Any) -> list[Row]:
    """Return the rows in a list of mappings, without the numbers that are None.

    Raises:
        Misfit: `data` is not a list of rows.
    """
    rows = _convert(data, list[dict[_Name, _Number | None]])
    found = [{name: v for name, v in row.items() if v is not None} for row in rows]
    _check_counts(found)
    return found


def whole_lines(text: bytes) -> bytes:
    """Return `text` up to its last end of line, without a last line that a crash cut off."""
    end = text.rfind(b"\n") + 1
    last = text[end:]
    try:
        _ROW.decode(last)
    except (ValueError, RecursionError):
        return text[:end]
    return text + b"\n"


def read_file(path: Path, most_bytes: int) -> bytes:
    """Return the content of a regular file; reading a pipe or a device might never end.

    Raises:
        FileNotFoundError: the file does not exist.
        Misfit: it is a folder, a pipe or a device, cannot be read, or is too long.
    """
    for _ in range(_MOST_REPLACEMENTS):
        with suppress(_ReplacedError):
            return _read_once(path, most_bytes)
    raise Misfit("other machines replace it all the time")


class _ReplacedError(Exception):
    """Another machine has replaced a file of a network file system while it was read."""


def _read_once(path: Path, most_bytes: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Misfit("it is no regular file")
        if status.st_size > most_bytes:
            raise Misfit(f"it has {status.st_size} bytes, more than {most_bytes}")
        with path.open("rb", buffering=0) as file:
            return file.readall()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        if error.errno == errno.ESTALE:
            raise _ReplacedError from None
        raise Misfit(f"it cannot be read: {error.strerror}") from None


def _decode_with_infinities(text: bytes) -> RecordFields:
    """Decode a record with ``Infinity`` or ``NaN``."""
    fields: RecordFields = _convert(_with_infinities(text), RecordFields)
    return fields


def _with_infinities(text: bytes) -> Any:
    """Return the JSON in `text`; Python's reader accepts ``Infinity`` and ``NaN``."""
    try:
        return json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise Misfit(plain(error, 120)) from None


def _convert(data: Any, kind: Any) -> Any:
    try:
        found = msgspec.convert(data, kind)
        msgspec.json.encode(found)  # raises if a text is not valid Unicode
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Misfit(plain(error, 120)) from None
    return found


def _check_counts(rows: list[Row]) -> None:
    for name in COUNTS:
        for row in rows:
            value = row.get(name, 0)
            if type(value) is not int or not 0 <= value <= _EXACT:
                raise Misfit(f"expected {name} to be a whole number up to 2^53, got {value!r}")
