"""Variational autoencoder of images.

Papers: Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014; Kingma & Ba, "Adam", ICLR
2015, section 6.4, for its sizes. Initial weights are torch's, where the first paper draws from
N(0, 0.01).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark.models.base import TaskModel
from benchmark.models.drawing import Drawing
from benchmark.models.dropout import Dropout
from benchmark.tasks.vae import EvidenceBound

_WIDTH = 500
_LATENTS = 50
_SEED = 1312_6114  # of the noise in evaluations; the paper's number on arXiv
_ROWS = 10_000  # of this noise, after which it repeats; as many as the largest split evaluated


class Reconstruction(NamedTuple):
    """Outputs of the network for a batch: what `tasks.vae.EvidenceBound` asks for."""

    logits: Tensor  # (batch, pixels)
    mean: Tensor  # (batch, latents)
    log_variance: Tensor  # (batch, latents)


class VariationalAutoencoder(nn.Module):
    """An encoder to a normal posterior of 50 dimensions, and a decoder to pixels.

    Each has one hidden layer of 500 softplus units; mean and log variance have a linear map each.
    `dropout` follows both hidden layers, p = 0.5; the papers have none.

    Args:
        input_shape: Shape of an image, (channels, height, width).
        num_outputs: Number of pixels, all channels counted.
        dropout: Switch dropout on.
        dropout_seed: Seed of the dropout masks and of the noise.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        super().__init__()
        p = 0.5 * dropout
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(math.prod(input_shape), _WIDTH),
            nn.Softplus(),
            Dropout(p, seed=dropout_seed + 1),
        )
        self.mean = nn.Linear(_WIDTH, _LATENTS)
        self.log_variance = nn.Linear(_WIDTH, _LATENTS)
        self.noise = Noise(_LATENTS, seed=dropout_seed)
        self.decoder = nn.Sequential(
            nn.Linear(_LATENTS, _WIDTH),
            nn.Softplus(),
            Dropout(p, seed=dropout_seed + 2),
            nn.Linear(_WIDTH, num_outputs),
        )

    def forward(self, pixels: Tensor, first: int = 0) -> Reconstruction:
        """Return the reconstruction from one draw of the posterior for each image.

        Args:
            pixels: Grey values in [0, 1], (batch, *input_shape).
            first: Place of the first image in its split, from 0; used in evaluations.
        """
        hidden = self.encoder(pixels)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        latents = mean + (log_variance / 2).exp() * self.noise(mean, first)
        return Reconstruction(self.decoder(latents), mean, log_variance)


class Noise(Drawing):
    """Standard normal noise: new for each batch in training, fixed for each image in evaluations.

    The fixed noise belongs to the place of an image in its split. It is the same in all
    evaluations and all trials, whatever the sizes of batches.

    Args:
        size: Numbers for each image.
        seed: Seed of the noise in training; see `Drawing`.
    """

    fixed: Tensor

    def __init__(self, size: int, *, seed: int) -> None:
        super().__init__(seed=seed)
        draw = torch.Generator().manual_seed(_SEED)
        fixed = torch.randn((_ROWS, size), generator=draw, device="cpu", dtype=torch.float32)
        self.register_buffer("fixed", fixed, persistent=False)

    def forward(self, like: Tensor, first: int) -> Tensor:
        """Return noise (batch, size) of the type of `like`, (batch, size).

        Args:
            like: A tensor of the same shape, type and device.
            first: Place of the first image in its split, from 0; used in evaluations.
        """
        if self.training:
            return torch.empty_like(like).normal_(generator=self.generator(like.device))
        places = torch.arange(first, first + len(like), device=like.device) % len(self.fixed)
        return self.fixed.index_select(0, places).to(like.dtype)


class VAE(TaskModel):
    """The autoencoder as a LightningModule that learns the pixels of images."""

    network_class = VariationalAutoencoder
    task_class = EvidenceBound
    takes_pixels = True
