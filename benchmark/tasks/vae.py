"""Images without targets: a bound on the evidence of their pixels, by a variational autoencoder.

Paper: Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014, equation 10 with one draw for
each image, and appendix C.1 for its terms. Pixels are Bernoulli variables. As in the authors' code,
grey values are not drawn as black or white, but taken for the probabilities of white: the first
term is a cross-entropy with soft targets, which is not zero for a perfect reconstruction.
"""

import math
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric

from benchmark.metrics import KL_DIVERGENCE, LOSS, RECONSTRUCTION, Metric
from benchmark.tasks.base import Batch, Meters, multiplies, number_fault


class EvidenceBound:
    """A task with the negative evidence lower bound in nats, a mean over images, and its terms.

    Targets of batches are not used.

    Args:
        num_pixels: Number of values of an image, all channels counted.
    """

    name: ClassVar[str] = "vae"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, RECONSTRUCTION, KL_DIVERGENCE)
    size_name: ClassVar[str] = "num_pixels"
    network_contract: ClassVar[str] = (
        "built as Model(input_shape, num_pixels) and called as model(pixels) in training and "
        "model(pixels, first=number of images before them) in evaluations, that maps pixels "
        "(batch, *input_shape) to logits (batch, num_pixels), and mean and log variance of latent "
        "variables, both (batch, latents)"
    )
    data_contract: ClassVar[str] = (
        "with attributes input_shape and num_pixels, their product, whose train, val and test "
        "dataloaders yield (images (batch, *input_shape), values from 0 to 1, and anything else of "
        "the same length)"
    )

    def __init__(self, num_pixels: int) -> None:
        self.num_pixels = num_pixels

    @property
    def num_outputs(self) -> int:
        """The number of pixels: one logit for each."""
        return self.num_pixels

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean negative bound in nats, estimated with one draw for each image."""
        reconstruction, divergence = _terms(network(batch[0]), batch[0])
        return (reconstruction + divergence).mean()

    def meters(self) -> Meters:
        """Return new meters."""
        means = {metric.name: MeanMetric(nan_strategy="disable") for metric in self.metrics}
        return Meters(dict(means), compute_groups=False)

    def evaluate(self, network: nn.Module, batch: Batch, meters: Meters) -> None:
        """Add one batch to the meters; every image has the same weight."""
        seen = int(cast(MeanMetric, meters[LOSS.name]).weight)  # images of this split before these
        reconstruction, divergence = _terms(network(batch[0], first=seen), batch[0])
        meters[LOSS.name].update(reconstruction + divergence)
        meters[RECONSTRUCTION.name].update(reconstruction)
        meters[KL_DIVERGENCE.name].update(divergence)

    def is_diverged(self, loss: float, initial: float) -> bool:
        """Return whether the loss has diverged by `multiplies`; neither term is ever negative."""
        return multiplies(loss, initial)

    def output_fault(self, outputs: Any, batch: Batch) -> str:
        """Return the fault in number or shapes of the outputs, or ""."""
        several = isinstance(outputs, (tuple, list))
        found = [tuple(each.shape) for each in (outputs if several else [outputs])]
        size = len(batch[0])
        latents = found[-1][1:]
        expected = [(size, self.num_pixels), (size, *latents), (size, *latents)]
        if found == expected and len(latents) == 1:
            return ""
        return f"gives {found}, not {[expected[0], (size, 'latents'), (size, 'latents')]}"

    def as_targets(self, targets: Tensor) -> Tensor:
        """Return the targets as they are, because they are not used."""
        return targets

    def data_fault(self, inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...]) -> str:
        """Return the fault in types, shapes or values of the images, or ""."""
        if not inputs.is_floating_point():
            return f"yields inputs {inputs.dtype}"
        if tuple(inputs.shape[1:]) != input_shape or len(inputs) != len(targets):
            found = f"inputs {tuple(inputs.shape)} and {len(targets)} targets"
            return f"yields {found}, with input_shape {input_shape}"
        if math.prod(input_shape) != self.num_pixels:
            return f"has input_shape {input_shape} and num_pixels {self.num_pixels}"
        return number_fault(inputs, "inputs") or _value_fault(inputs)


def _terms(outputs: tuple[Tensor, Tensor, Tensor], pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Return −log p(x|z) and KL(q(z|x) ‖ p(z)) of each image, (batch,), both in nats."""
    wide = torch.promote_types(outputs[0].dtype, torch.float32)  # sums of 784 numbers of 16 bits
    logits, mean, log_variance = (each.to(wide) for each in outputs)
    grey = pixels.flatten(1).to(wide)
    errors = functional.binary_cross_entropy_with_logits(logits, grey, reduction="none")
    divergences = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
    return errors.sum(dim=1), divergences.sum(dim=1)


def _value_fault(inputs: Tensor) -> str:
    low, high = float(inputs.min()), float(inputs.max())
    return "" if low >= 0 and high <= 1 else f"yields inputs from {low:g} to {high:g}, not 0 to 1"
