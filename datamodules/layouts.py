"""The table of layouts: the file names under which users keep each data set.

A data set comes in few formats, which users keep under many names. Only files that match a layout
are read: `datamodules.sources` finds them by this table, and a data module reads them.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["idx", "parquet", "arrow", "pickles", "binary", "texts"]


@dataclass(frozen=True, kw_only=True)
class Role:
    """The purpose of one file or one group of files.

    Args:
        name: The part of the data set, such as ``train`` or ``train-labels``.
        patterns: File-name patterns below the layout's folder, the usual one first.
        many: All files of the first pattern that matches belong to the role, not only one.
    """

    name: str
    patterns: tuple[str, ...]
    many: bool = False


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One way to keep a data set.

    Args:
        kind: The format of the files, by which a data module chooses its reader.
        title: Description for messages.
        folders: Patterns of its folder below --data-dir, the usual one first.
        roles: The files that a complete data set has.
    """

    kind: Kind
    title: str
    folders: tuple[str, ...]
    roles: tuple[Role, ...]


def _idx(name: str, dims: int) -> Role:
    """Return the role of an original MNIST file: packed or not, with '.', or in its own folder."""
    names = [f"{name}-idx{dims}-ubyte", f"{name}.idx{dims}-ubyte"]
    files = tuple(f"{each}{suffix}" for suffix in (".gz", "") for each in names)
    return Role(
        name=name, patterns=files + tuple(f"{each}/{file}" for each in names for file in files)
    )


def _idx_files(*folders: str) -> Layout:
    roles = (
        _idx("train-images", 3),
        _idx("train-labels", 1),
        _idx("t10k-images", 3),
        _idx("t10k-labels", 1),
    )
    return Layout(kind="idx", title="IDX files", folders=folders, roles=roles)


def _single(*names: str) -> tuple[Role, ...]:
    return tuple(Role(name=name, patterns=(name,)) for name in names)


def _parquet(*folders: str) -> Layout:
    roles = tuple(
        Role(name=part, patterns=(f"{part}-*.parquet",), many=True) for part in ("train", "test")
    )
    return Layout(kind="parquet", title="parquet shards", folders=folders, roles=roles)


def _hub(repository: str, config: str) -> tuple[str, str]:
    """Return the shards' folders in a clone of a hub's repository and in the hub's own cache."""
    cached = repository.replace("/", "--")
    return f"{repository}/{config}", f"datasets--{cached}/snapshots/*/{config}"


_BATCHES = [f"data_batch_{number}" for number in range(1, 6)]
_IMDB_PARTS = [f"{part}/{side}" for part in ("train", "test") for side in ("neg", "pos")]

LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "mnist": (
        _idx_files("MNIST/raw", "MNIST", "mnist/raw", "mnist", "."),
        _parquet("mnist", "MNIST", "mnist/mnist", *_hub("ylecun/mnist", "mnist")),
    ),
    "fashion": (  # not in the folder itself, where the same names are MNIST's
        _idx_files("FashionMNIST/raw", "FashionMNIST", "fashion-mnist", "fashion_mnist", "fashion"),
        _parquet(
            "fashion_mnist",
            "fashion-mnist",
            "fashion_mnist/fashion_mnist",
            *_hub("zalando-datasets/fashion_mnist", "fashion_mnist"),
        ),
    ),
    "cifar10": (
        _parquet(
            "cifar10",
            "cifar10/plain_text",
            "cifar-10",
            "cifar-10/plain_text",
            "CIFAR10",
            *_hub("uoft-cs/cifar10", "plain_text"),
        ),
        Layout(
            kind="pickles",
            title="Python batches",
            folders=("cifar-10-batches-py", "*/cifar-10-batches-py"),
            roles=_single(*_BATCHES, "test_batch", "batches.meta"),
        ),
        Layout(
            kind="binary",
            title="binary batches",
            folders=("cifar-10-batches-bin", "*/cifar-10-batches-bin", "cifar10", "cifar-10", "."),
            roles=_single(*(f"{name}.bin" for name in _BATCHES), "test_batch.bin"),
        ),
    ),
    "imdb": (
        _parquet("imdb", "imdb/plain_text", "IMDB", *_hub("stanfordnlp/imdb", "plain_text")),
        Layout(
            kind="texts",
            title="text files",
            folders=("aclImdb", "*/aclImdb", "imdb", "IMDB"),
            roles=tuple(
                Role(name=part, patterns=(f"{part}/*.txt",), many=True) for part in _IMDB_PARTS
            ),
        ),
        Layout(
            kind="arrow",
            title="as the library `datasets` keeps them",
            folders=("stanfordnlp___imdb/plain_text/*/*",),
            roles=tuple(
                Role(name=part, patterns=(f"imdb-{part}*.arrow",), many=True)
                for part in ("train", "test")
            ),
        ),
    ),
}
LAYOUTS["cifar10_zca"] = LAYOUTS["cifar10"]
LAYOUTS["imdb_text"] = LAYOUTS["imdb"]

UNREAD: dict[str, dict[str, str]] = {
    "mnist": {"mnist_train.csv": "a table; the original files are needed"},
    "cifar10": {
        "cifar-10-*.tar.gz": "unpack it there",
        "cifar-100-*": "CIFAR-100, another data set",
        "plain_text/*.parquet": "rename the folder to cifar10",
    },
    "imdb": {
        "aclImdb_v1.tar*": "unpack it there",
        "IMDB Dataset.csv": "a table without the test split; the original files are needed",
        "plain_text/*.parquet": "rename the folder to imdb",
    },
}  # common files that cannot be read in their present place or form, each with its cure
UNREAD["cifar10_zca"] = UNREAD["cifar10"]
UNREAD["imdb_text"] = UNREAD["imdb"]
