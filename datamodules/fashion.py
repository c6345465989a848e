"""Fashion-MNIST. Source: Xiao, Rasul & Vollgraf, arXiv:1708.07747, 2017."""

from typing import ClassVar

from datamodules.mnist import MNIST


class FashionMNIST(MNIST):
    """28×28 grey images of ten kinds of clothes, in files with the names and forms of MNIST's."""

    dataset = "fashion"
    original: ClassVar[str] = "FashionMNIST"
    unpacked: ClassVar[dict[str, str]] = {
        "train-images": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels": "15d484375f8d13e6eb1aabb0c3f46965",
    }
