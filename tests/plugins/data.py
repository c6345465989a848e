"""Data modules that keep the contract for plug-ins, and some that do not."""

import sys

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, TensorDataset

from datamodules.digits import Digits


class Squares(LightningDataModule):
    """Keeps the contract: 2 features, 2 classes, shuffled by its own loader."""

    input_shape = (2,)
    num_classes = 2

    def setup(self, stage=None):
        draw = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(60, 2, generator=draw)
        self.targets = (self.inputs.square().sum(1) > 1).long()

    def _loader(self, begin, end, **options):
        pairs = TensorDataset(self.inputs[begin:end], self.targets[begin:end])
        return DataLoader(pairs, batch_size=7, **options)

    def train_dataloader(self):
        return self._loader(0, 40, shuffle=True)

    def val_dataloader(self):
        return self._loader(40, 50)

    def test_dataloader(self):
        return self._loader(50, 60)


class Shapeless(Squares):
    """Does not say how many classes there are."""

    @property
    def num_classes(self):
        raise AttributeError("num_classes")


class Demanding(Squares):
    """Needs an argument."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder


class FloatTargets(Squares):
    """Yields targets that are no classes."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = self.targets.float() / 2


class TargetsAs(Squares):
    """Yields the targets of `Squares` in a type that a test sets."""

    dtype = torch.int8

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = self.targets.to(self.dtype)


class InputsAs(Squares):
    """Yields the inputs of `Squares`, times a number, in a type; a test sets both."""

    dtype = torch.float64
    factor = 1.0

    def setup(self, stage=None):
        super().setup(stage)
        self.inputs = self.inputs.to(self.dtype) * self.factor


class TargetsFlipped(Squares):
    """Has the inputs of `Squares` and other targets."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = 1 - self.targets


class StopsAtOnce(Squares):
    """Ends as if Ctrl-C had been pressed."""

    def prepare_data(self):
        raise KeyboardInterrupt


class Escapes(Squares):
    """Raises an error that would colour the terminal."""

    def prepare_data(self):
        raise ValueError("line 1\nline 2 \x1b[31m")


class NotFinite(Squares):
    """Yields one input of the value that a test sets."""

    value = float("nan")

    def setup(self, stage=None):
        super().setup(stage)
        self.inputs[3, 1] = self.value


class HugeTest(Squares):
    """Yields test inputs so large that a loss on them is infinite, though all are finite."""

    def setup(self, stage=None):
        super().setup(stage)
        self.inputs[50:] *= 1e38


class Endless(Squares):
    """Its training loader never ends."""

    def train_dataloader(self):
        while True:
            yield self.inputs, self.targets


class TooManyClasses(Squares):
    """Needs more memory than there is."""

    num_classes = 10**9


class TooLarge(Squares):
    """Its examples need more memory than there is."""

    input_shape = (10**5, 10**5)


class OtherShape(Squares):
    """Says another shape than its inputs have."""

    input_shape = (3,)


class LooseShape(Squares):
    """Says its shape as a number."""

    input_shape = 2


class NoClasses(Squares):
    """Says that there are no classes."""

    num_classes = 0


class TooFewClasses(Squares):
    """Has a class more than it says."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets[45] = 2  # in the validation split alone


class Nothing(Squares):
    """Has no examples for the test."""

    def test_dataloader(self):
        return DataLoader(TensorDataset(self.inputs[:1], self.targets[:1]), 7, drop_last=True)


class RaisesWhenBuilt(Squares):
    """Raises when it is built."""

    def __init__(self):
        raise KeyError("no such account")


class RaisesWhenPrepared(Squares):
    """Raises when it is prepared."""

    def prepare_data(self):
        raise ConnectionError("the server is gone\nfor good")


class RaisesWhenSetUp(Squares):
    """Raises when it is set up."""

    def setup(self, stage=None):
        sys.exit("no licence")


class RaisesWhenResident(Digits):
    """A resident data module that raises when it is built."""

    def build(self):
        raise ZeroDivisionError("division by zero")


class Broken(Squares):
    """Raises when it is read."""

    def val_dataloader(self):
        raise OSError("the disk is gone\nfor good")


class Unseeded(Squares):
    """Draws other numbers each time that it is set up."""

    def setup(self, stage=None):
        draw = torch.Generator().manual_seed(torch.Generator().seed() % 2**63)
        self.inputs = torch.randn(60, 2, generator=draw)
        self.targets = (self.inputs.square().sum(1) > 1).long()


class Normalized(Squares):
    """Divides by sums whose last bits depend on the number of threads."""

    def setup(self, stage=None):
        super().setup(stage)
        many = torch.randn(500_000, 2, generator=torch.Generator().manual_seed(1))
        self.inputs = self.inputs / (many + 0.1).sum()
