"""A small transformer that predicts each next character of a text.

Papers: Vaswani et al., "Attention Is All You Need", NeurIPS 2017; Radford et al., "Language Models
are Unsupervised Multitask Learners", 2019 (GPT-2), for its blocks, which normalise before they
transform, and for its initial weights.
"""

import math

import torch
from torch import Tensor, nn

from benchmark.models.base import TaskModel
from benchmark.models.dropout import Dropout
from benchmark.tasks.language import Language

_WIDTH = 64
_HEADS = 4
_LAYERS = 2
_DEVIATION = 0.02  # of initial weights


class Transformer(nn.Module):
    """A decoder of two blocks of width 64 with four heads, and learnt positions.

    Weights start normal with deviation 0.02, smaller by √4 in the four maps that add to the sum
    through all blocks; biases start at zero. As in GPT-2, but embedding and output have weights of
    their own. `dropout` follows the embedding and each of the four maps, p = 0.1 as in GPT-2.

    Args:
        input_shape: Number of positions, (positions,).
        num_outputs: Number of different characters.
        dropout: Switch dropout on.
        dropout_seed: Seed of the dropout masks.
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
        (length,) = input_shape
        drops = [Dropout(0.1 * dropout, seed=dropout_seed + k) for k in range(1 + 2 * _LAYERS)]
        self.characters = nn.Embedding(num_outputs, _WIDTH)
        self.positions = nn.Parameter(torch.empty(length, _WIDTH))
        self.dropout = drops[0]
        self.blocks = nn.Sequential(
            *(_Block(length, *drops[1 + 2 * k : 3 + 2 * k]) for k in range(_LAYERS))
        )
        self.norm = nn.LayerNorm(_WIDTH)
        self.output = nn.Linear(_WIDTH, num_outputs)
        self._draw_weights()

    def forward(self, characters: Tensor) -> Tensor:
        """Return logits of the next characters, (batch, positions, characters).

        Args:
            characters: Numbers of the characters, (batch, positions), of any type.
        """
        hidden = self.dropout(self.characters(characters.long()) + self.positions)
        logits: Tensor = self.output(self.norm(self.blocks(hidden)))
        return logits

    def _draw_weights(self) -> None:
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.ndim > 1:  # the others scale a norm, and stay at one
                is_added = name.endswith("into_sum.weight")
                scale = math.sqrt(2 * _LAYERS) if is_added else 1.0
                nn.init.normal_(parameter, std=_DEVIATION / scale)


class _Block(nn.Module):
    """Attention and a perceptron of 256 units; each adds to its input."""

    def __init__(self, length: int, first: Dropout, second: Dropout) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(_WIDTH), _Attention(length), first)
        self.perceptron = nn.Sequential(nn.LayerNorm(_WIDTH), _Perceptron(), second)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.attention(hidden)
        added: Tensor = self.perceptron(hidden)
        return hidden + added


class _Perceptron(nn.Module):
    """One hidden layer of four times the width."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(_WIDTH, 4 * _WIDTH)
        self.into_sum = nn.Linear(4 * _WIDTH, _WIDTH)

    def forward(self, hidden: Tensor) -> Tensor:
        added: Tensor = self.into_sum(nn.functional.gelu(self.hidden(hidden)))
        return added


class _Attention(nn.Module):
    """Attention of each position to itself and earlier ones.

    It is written out, because torch's own can be differentiated only once on a CPU, and some
    optimizers differentiate gradients.
    """

    mask: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        self.queries_keys_values = nn.Linear(_WIDTH, 3 * _WIDTH)
        self.into_sum = nn.Linear(_WIDTH, _WIDTH)
        mask = torch.full((length, length), -math.inf).triu(1)  # added to scores of later positions
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        batch = len(hidden)
        heads = self.queries_keys_values(hidden).unflatten(2, (3, _HEADS, -1))
        # Each (batch · heads, positions, width / heads)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).flatten(1, 2)
        scale = 1 / math.sqrt(_WIDTH // _HEADS)
        scores = torch.baddbmm(self.mask, queries, keys.transpose(1, 2), alpha=scale)
        seen = (scores.softmax(dim=-1) @ values).unflatten(0, (batch, _HEADS))
        added: Tensor = self.into_sum(seen.transpose(1, 2).flatten(2))
        return added


class CharLM(TaskModel):
    """The transformer as a LightningModule that learns a text."""

    network_class = Transformer
    task_class = Language
