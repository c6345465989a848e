"""Tiny data sets in the layouts of the real ones."""

import gzip
import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from datamodules.cifar10 import CIFAR10, CIFAR10ZCA
from datamodules.fashion import FashionMNIST
from datamodules.imdb import IMDB, IMDBText
from datamodules.mnist import MNIST

SIZES = (20, 10, 10)


class TinyMNIST(MNIST):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = SIZES


class TinyFashionMNIST(FashionMNIST):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = SIZES


class TinyCIFAR10(CIFAR10):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = SIZES


class TinyCIFAR10ZCA(CIFAR10ZCA):
    """Images of 8×8, because the time to whiten grows with the third power of their size."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = SIZES
        self.input_shape = (3, 8, 8)


class TinyIMDB(IMDB):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = SIZES


class TinyIMDBText(IMDBText):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.sizes = (4, 1, 1)


def write_idx(path: Path, values) -> None:
    array = np.asarray(values, np.uint8)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = header + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(
    root: Path,
    *,
    suffix: str = ".gz",
    num_train: int = 30,
    label: int = 9,
    folder: str = "MNIST",
) -> Path:
    raw = root / folder / "raw"
    rng = np.random.default_rng(0)
    for part, count in (("train", num_train), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 28, 28))
        images[:, 0, 0] = np.arange(count)  # tells the examples apart
        write_idx(raw / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte{suffix}", [label] * count)
    return raw


def write_fashion(root: Path) -> Path:
    return write_mnist(root, folder="FashionMNIST")


def write_cifar10(
    root: Path,
    *,
    column: str = "img",
    cut: bool = False,
    size: int = 32,
    num_train: int = 30,
    seed: int = 0,
) -> Path:
    folder = root / "cifar10"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for part, count in (("train", num_train), ("test", 10)):
        shape = (size, size, 3)
        images = [png(rng.integers(0, 256, shape, dtype=np.uint8)) for _ in range(count)]
        if cut:
            images[0] = images[0][:60]
        rows = {
            column: [{"bytes": image, "path": None} for image in images],
            "label": [row % 10 for row in range(count)],
        }
        pq.write_table(pa.table(rows), folder / f"{part}-00000-of-00001.parquet")
    return folder


def write_small_cifar10(root: Path) -> Path:
    return write_cifar10(root, size=8)


def write_cifar10_batches(root: Path) -> dict[str, Path]:
    """Write the files of the original archive; return those of batches and meta by name."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    content: dict[str, dict] = {"batches.meta": {"label_names": [f"class {n}" for n in range(10)]}}
    for name, count in (*((f"data_batch_{n}", 6) for n in range(1, 6)), ("test_batch", 10)):
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        content[name] = {"data": pixels, "labels": [row % 10 for row in range(count)]}
    for name, values in content.items():
        (folder / name).write_bytes(pickle.dumps(values))
    return {name: folder / name for name in content}


def write_imdb(root: Path, *, labels=(0, 1)) -> Path:
    folder = root / "imdb"
    folder.mkdir(parents=True)
    for part, count in (("train", 30), ("test", 10)):
        rows = {
            "text": [f"film word{row} {'good' if row % 2 else 'bad'}" for row in range(count)],
            "label": [labels[row % 2] for row in range(count)],
        }
        pq.write_table(pa.table(rows), folder / f"{part}-00000-of-00001.parquet")
    return folder


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


# A tiny class of each data set that is read from files, and a function that writes its files.
KINDS = {
    "mnist": (TinyMNIST, write_mnist),
    "fashion": (TinyFashionMNIST, write_fashion),
    "cifar10": (TinyCIFAR10, write_cifar10),
    "cifar10_zca": (TinyCIFAR10ZCA, write_small_cifar10),
    "imdb": (TinyIMDB, write_imdb),
    "imdb_text": (TinyIMDBText, write_imdb),
}
