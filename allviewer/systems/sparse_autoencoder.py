"""A sparse autoencoder with one hidden layer, sigmoid on both sides, as one flat vector of weights and its loss.

Loss, in the words of Atteia (2022), eqs. 1 to 3, for N samples x of K features, hidden activations h, answers y ::

    (1/N) sum_n sum_k (x - y)^2  +  0.001 * (1/2) sum of squared weights  +  1 * sum_j KL(0.05 || mean_n h_j)

The squared error is summed over features and averaged over samples, as eq. 1 prints it. Eq. 2's leading 1/N is read
as 1/2: its sums run as in the toolbox the paper used (trainAutoencoder), which halves; divided by N the term would
vanish. Biases are not weighted down.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from allviewer.vocab.arrays import Floats

WEIGHT_DECAY, SPARSITY_WEIGHT, PROPORTION = 0.001, 1.0, 0.05
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class SparseAutoencoder:
    """Sizes of the network; its weights are a flat vector: encoder matrix and bias, decoder matrix and bias."""

    features: int
    hidden: int

    @property
    def size(self) -> int:
        """Learnables."""
        return 2 * self.features * self.hidden + self.features + self.hidden

    def start(self, seed: int) -> Tensor:
        """(size,) float64: uniform within ± sqrt(6 / (inputs + outputs + 1)), biases zero.

        Source: Ng, Sparse autoencoder, CS294A lecture notes, 2011.
        """
        rng = np.random.default_rng(seed)
        reach = np.sqrt(6 / (self.features + self.hidden + 1))
        w = np.zeros(self.size)
        matrix = self.features * self.hidden
        w[:matrix] = rng.uniform(-reach, reach, matrix)
        at = matrix + self.hidden
        w[at : at + matrix] = rng.uniform(-reach, reach, matrix)
        return torch.from_numpy(w)

    def parts(self, w: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encoder (hidden, features), its bias, decoder (features, hidden), its bias: views on w."""
        matrix, k, h = self.features * self.hidden, self.features, self.hidden
        cuts = torch.split(w, [matrix, h, matrix, k])
        return cuts[0].view(h, k), cuts[1], cuts[2].view(k, h), cuts[3]

    def encode(self, w: Tensor, x: Tensor) -> Tensor:
        """Hidden activations (n, hidden) of x (n, features)."""
        encoder, bias, _, _ = self.parts(w)
        return torch.sigmoid(x @ encoder.T + bias)

    def loss(self, w: Tensor, x: Tensor) -> tuple[float, Tensor]:
        """The loss and its gradient at w, by hand: one pass forward, one back."""
        n = len(x)
        encoder, _, decoder, decoder_bias = self.parts(w)
        h = self.encode(w, x)
        y = torch.sigmoid(h @ decoder.T + decoder_bias)
        wrong = y - x
        mean = h.mean(0).clamp(_TINY, 1 - _TINY)
        p = PROPORTION
        apart = (p * torch.log(p / mean) + (1 - p) * torch.log((1 - p) / (1 - mean))).sum()
        weights = (encoder.square().sum() + decoder.square().sum()) / 2
        total = wrong.square().sum() / n + WEIGHT_DECAY * weights + SPARSITY_WEIGHT * apart

        out = 2 / n * wrong * y * (1 - y)
        back = out @ decoder + SPARSITY_WEIGHT / n * ((1 - p) / (1 - mean) - p / mean)
        back = back * h * (1 - h)
        gradient = torch.empty_like(w)
        g_encoder, g_bias, g_decoder, g_decoder_bias = self.parts(gradient)
        torch.add(back.T @ x, encoder, alpha=WEIGHT_DECAY, out=g_encoder)
        torch.add(out.T @ h, decoder, alpha=WEIGHT_DECAY, out=g_decoder)
        g_bias.copy_(back.sum(0))
        g_decoder_bias.copy_(out.sum(0))
        return float(total), gradient


def range_scaler(x: Floats) -> tuple[Floats, Floats]:
    """(least, span) of every feature, so that ``(x - least) / span`` fills the sigmoid's range on these samples.

    A feature that does not vary keeps a span of 1.
    """
    least, most = x.min(axis=0), x.max(axis=0)
    span = np.where(most > least, most - least, 1)
    return least.astype(np.float32), span.astype(np.float32)
