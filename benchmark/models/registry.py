"""The table of models, with their import paths; torch is not loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One model: the import path of its LightningModule, and the data it takes.

    Args:
        name: Name for ``--model``.
        target: Its class as ``module:attribute``.
        dataset: Data set of the paper's experiment.
        twin: Embedded data set that replaces it if it is unavailable; empty if it is embedded.
        summary: One line for ``list``.
        task: Name of the task that it learns on any data set; empty if the data set names it.
        takes_images: True if inputs must be images, (channels, height, width).
        takes_sparse: True if inputs may be bags of words.
        takes_text: True if inputs must be text, the numbers of characters.
        augments: True if its training batches are random crops and mirror images, where those of
            the data set keep their class.
        variant_of: Model that differs in little, whose epochs, batch size and times it takes over
            where it has no problem of its own.
        stacked_megabytes: Memory of one member of a stack with its gradients, optimizer and
            activations, roughly and rather too much; 0 if the network has no `forward_stacked`.
        stacked_gain: Processor time of a trial alone over its share of a pack of 64, where packs
            keep every bit of single trials (launchers/test_packs.py); 0 where they do not, or gain
            nothing. docs/performance.md has the measurements.
    """

    name: str
    target: str
    dataset: str
    twin: str = ""
    summary: str
    task: str = ""
    takes_images: bool = False
    takes_sparse: bool = False
    takes_text: bool = False
    augments: bool = False
    variant_of: str = ""
    stacked_megabytes: int = 0
    stacked_gain: float = 0.0


_ROWS = (
    ModelRow(
        name="logreg",
        target="benchmark.models.logreg:LogReg",
        dataset="mnist",
        twin="digits",
        summary="multinomial logistic regression (Adam paper, 6.1)",
        takes_sparse=True,
        stacked_megabytes=2,
        stacked_gain=5.0,  # an epoch of logreg/mnist: 0.41 s (sgd), 0.46 s (adam) over 0.083 s
    ),
    ModelRow(
        name="mlp",
        target="benchmark.models.mlp:MLP",
        dataset="mnist",
        twin="digits",
        summary="two hidden layers of 1000 ReLU units (Adam paper, 6.2)",
        stacked_megabytes=100,
    ),
    ModelRow(
        name="cnn",
        target="benchmark.models.cnn:CNN",
        dataset="cifar10",
        twin="digits",
        summary="c64-c64-c128-1000, 5×5 filters, 3×3 max-pooling (Adam paper, 6.3)",
        takes_images=True,
        stacked_megabytes=300,
    ),
    ModelRow(
        name="cnn_valid",
        target="benchmark.models.cnn:UnpaddedCNN",
        dataset="cifar10",
        twin="digits",
        summary="cnn without padding before max-pooling: 32, 15, 7, 3 pixels",
        takes_images=True,
        variant_of="cnn",
        stacked_megabytes=300,
    ),
    ModelRow(
        name="resnet",
        target="benchmark.models.resnet:ResNet",
        dataset="cifar10",
        twin="digits",
        summary="ResNet-18 with group normalisation, on random crops (He et al. 2016); for a GPU",
        takes_images=True,
        augments=True,
    ),
    ModelRow(
        name="image",
        target="benchmark.models.image:Image",
        dataset="china",
        summary="64 Fourier features, three hidden layers of 128 ReLU units (Tancik et al. 2020)",
    ),
    ModelRow(
        name="regression",
        target="benchmark.models.regression:Regressor",
        dataset="diabetes",
        summary="one hidden layer of 100 ReLU units",
    ),
    ModelRow(
        name="charlm",
        target="benchmark.models.charlm:CharLM",
        dataset="manual",
        summary="transformer: two blocks of width 64 with four heads (Radford et al. 2019)",
        takes_text=True,
    ),
    ModelRow(
        name="vae",
        target="benchmark.models.vae:VAE",
        dataset="mnist",
        twin="digits",
        summary="variational autoencoder, 500 softplus units, 50 latents (Adam paper, 6.4)",
        task="vae",
        takes_images=True,
    ),
)

MODELS = {row.name: row for row in _ROWS}
