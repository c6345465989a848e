"""The table of data sets; neither torch nor Lightning is imported for it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DatasetRow:
    """One data set: where its data module lives, what it holds and where it comes from."""

    name: str
    target: str
    title: str
    input_shape: tuple[int, ...]
    num_classes: int
    sizes: tuple[int, int, int]  # examples for training, validation, test
    source: str
    terms: str
    embedded: bool = False
    synthetic: bool = False


_ROWS = (
    DatasetRow(
        name="mnist",
        target="datamodules.mnist:MNIST",
        title="MNIST handwritten digits",
        input_shape=(1, 28, 28),
        num_classes=10,
        sizes=(55_000, 5_000, 10_000),
        source="torchvision",
        terms="CC BY-SA 3.0, LeCun, Cortes & Burges",
    ),
    DatasetRow(
        name="cifar10",
        target="datamodules.cifar10:CIFAR10",
        title="CIFAR-10 colour images",
        input_shape=(3, 32, 32),
        num_classes=10,
        sizes=(45_000, 5_000, 10_000),
        source="torchvision, or the Hugging Face hub's uoft-cs/cifar10",
        terms="cite Krizhevsky 2009",
    ),
    DatasetRow(
        name="imdb",
        target="datamodules.imdb:IMDB",
        title="IMDB film reviews, bag of the 10,000 most frequent words",
        input_shape=(10_000,),
        num_classes=2,
        sizes=(22_500, 2_500, 25_000),
        source="the Hugging Face hub's stanfordnlp/imdb",
        terms="cite Maas et al. 2011",
    ),
    DatasetRow(
        name="digits",
        target="datamodules.digits:Digits",
        title="scikit-learn's 1,797 handwritten digits",
        input_shape=(1, 8, 8),
        num_classes=10,
        sizes=(1_257, 180, 360),
        source="comes with scikit-learn",
        terms="CC BY 4.0, Alpaydin & Kaynak 1998",
        embedded=True,
    ),
    DatasetRow(
        name="reviews",
        target="datamodules.reviews:Reviews",
        title="SYNTHETIC bags of words with Zipf frequencies",
        input_shape=(2_000,),
        num_classes=2,
        sizes=(2_000, 500, 1_000),
        source="drawn from a fixed seed",
        terms="none",
        embedded=True,
        synthetic=True,
    ),
)

DATASETS = {row.name: row for row in _ROWS}
