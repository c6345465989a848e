"""The table of data sets; importing it loads neither torch nor Lightning."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The task of a data set's targets, and the number that the task needs to know about them.

    Args:
        name: Attribute under which the data module gives the number, `size_name` of the task.
        size: The number, such as 10 classes or 1 real number for each example.
        task: Name of the task, which the data module has as `task`.
    """

    name: str
    size: int
    task: str = "classification"


@dataclass(frozen=True, kw_only=True)
class DatasetRow:
    """One data set: its data module, its content and its source.

    `sparse` inputs are bags of words, and inputs of `text` whole numbers, one for each character;
    all others are dense tensors of real numbers. Images are `croppable` if a small shift and a
    mirror image keep their class, which that of a digit does not. Of data that are `fitted` to the
    training rows of each problem and seed there is a copy of all examples for each.
    """

    name: str
    target: str
    title: str
    input_shape: tuple[int, ...]
    targets: Targets
    sizes: tuple[int, int, int]  # examples for training, validation, test
    source: str
    terms: str
    download_url: str = ""
    files: str = ""  # files to put in place by hand, in words
    preparation: int = 2  # increase it when the same files give other tensors
    from_hub: bool = False  # the download comes from the Hugging Face hub
    embedded: bool = False
    synthetic: bool = False
    sparse: bool = False
    text: bool = False
    croppable: bool = False
    fitted: bool = False


_CIFAR10 = DatasetRow(
    name="cifar10",
    target="datamodules.cifar10:CIFAR10",
    title="CIFAR-10 colour images",
    input_shape=(3, 32, 32),
    targets=Targets(name="num_classes", size=10),
    sizes=(45_000, 5_000, 10_000),
    source="torchvision, or the Hugging Face hub's uoft-cs/cifar10",
    terms="cite Krizhevsky 2009",
    download_url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    files="cifar10/*.parquet as on the hub, or the archives' cifar-10-batches-py or -bin,",
    croppable=True,
)

_ROWS = (
    DatasetRow(
        name="mnist",
        target="datamodules.mnist:MNIST",
        title="MNIST handwritten digits",
        input_shape=(1, 28, 28),
        targets=Targets(name="num_classes", size=10),
        sizes=(55_000, 5_000, 10_000),
        source="torchvision",
        terms="CC BY-SA 3.0, LeCun, Cortes & Burges",
        download_url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        files="the four original files as MNIST/raw/*-ubyte.gz, or the hub's mnist/*.parquet,",
    ),
    DatasetRow(
        name="fashion",
        target="datamodules.fashion:FashionMNIST",
        title="Fashion-MNIST images of clothes",
        input_shape=(1, 28, 28),
        targets=Targets(name="num_classes", size=10),
        sizes=(55_000, 5_000, 10_000),
        source="torchvision",
        terms="MIT, Zalando Research",
        download_url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        files="the four original files as FashionMNIST/raw/*-ubyte.gz (Debian's package "
        "dataset-fashion-mnist has them), or the hub's fashion_mnist,",
    ),
    _CIFAR10,
    replace(
        _CIFAR10,
        name="cifar10_zca",
        target="datamodules.cifar10:CIFAR10ZCA",
        title="CIFAR-10 colour images, whitened (ZCA) by each seed's training rows",
        fitted=True,
    ),
    DatasetRow(
        name="imdb",
        target="datamodules.imdb:IMDB",
        title="IMDB film reviews, bag of the 10,000 words in most reviews",
        input_shape=(10_000,),
        targets=Targets(name="num_classes", size=2),
        sizes=(22_500, 2_500, 25_000),
        source="the Hugging Face hub's stanfordnlp/imdb",
        terms="cite Maas et al. 2011",
        download_url="https://huggingface.co",
        preparation=3,
        from_hub=True,
        sparse=True,
        files="the hub's shards as imdb/*.parquet, or the archive's folder aclImdb,",
    ),
    DatasetRow(
        name="digits",
        target="datamodules.digits:Digits",
        title="scikit-learn's 1,797 handwritten digits",
        input_shape=(1, 8, 8),
        targets=Targets(name="num_classes", size=10),
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
        targets=Targets(name="num_classes", size=2),
        sizes=(2_000, 500, 1_000),
        source="drawn from a fixed seed",
        terms="none",
        embedded=True,
        synthetic=True,
        sparse=True,
    ),
    DatasetRow(
        name="china",
        target="datamodules.china:China",
        title="scikit-learn's photograph of a temple in China, colour by place",
        input_shape=(2,),
        targets=Targets(name="num_targets", size=3, task="image_regression"),
        sizes=(53_160, 5_000, 10_000),
        source="comes with scikit-learn",
        terms="CC BY 2.0, danielbuechele on Flickr",
        embedded=True,
    ),
    DatasetRow(
        name="diabetes",
        target="datamodules.diabetes:Diabetes",
        title="scikit-learn's 442 diabetes patients, progression after a year, standardised",
        input_shape=(10,),
        targets=Targets(name="num_targets", size=1, task="regression"),
        sizes=(266, 88, 88),
        source="comes with scikit-learn",
        terms="cite Efron et al. 2004",
        embedded=True,
    ),
    DatasetRow(
        name="manual",
        target="datamodules.manual:Manual",
        title="Python's manual, windows of 64 characters (a trigram model: 2.62 bits)",
        input_shape=(64,),
        targets=Targets(name="num_characters", size=96, task="language"),
        sizes=(4_630, 600, 600),
        source="comes with this package, from Python 3.11.7",
        terms="PSF licence version 2, Python Software Foundation",
        embedded=True,
        text=True,
    ),
    DatasetRow(
        name="imdb_text",
        target="datamodules.imdb:IMDBText",
        title="IMDB film reviews, windows of 64 characters (a trigram model: 2.90 bits)",
        input_shape=(64,),
        targets=Targets(name="num_characters", size=96, task="language"),
        sizes=(60_000, 4_000, 4_000),
        source="the Hugging Face hub's stanfordnlp/imdb",
        terms="cite Maas et al. 2011",
        download_url="https://huggingface.co",
        from_hub=True,
        text=True,
        files="the hub's shards as imdb/*.parquet, or the archive's folder aclImdb,",
    ),
)

DATASETS = {row.name: row for row in _ROWS}
