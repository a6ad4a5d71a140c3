"""Systems that can draw a crop again from what they keep of it, and how like the two are."""

from typing import Protocol, runtime_checkable

import numpy as np

from allviewer.vocab.arrays import RGB, Floats


@runtime_checkable
class Reconstructs(Protocol):
    """What a system with an autoencoder can do beside predicting."""

    def reconstruct(self, crops: RGB) -> RGB:
        """Crops (n, S, S, 3) uint8 as they come back, the same shape and dtype."""
        ...


def correlation(crops: RGB, pictures: RGB) -> Floats:
    """Pearson's correlation of each crop with its reconstruction, over all pixels and channels, (n,) float32.

    NaN where either is one flat colour throughout.
    """
    a, b = (block.reshape(len(block), -1).astype(np.float32) for block in (crops, pictures))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        shares: Floats = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return shares
