"""Trained backbones in a model file: matrices and filters as float16, biases and batch norms as float32."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from allviewer.systems.backbones.catalogue import kind_of
from allviewer.systems.backbones.networks import Backbone, fresh
from allviewer.systems.backbones.weights import put, reopen
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import BackboneSource


def stored(network: Backbone, prefix: str) -> dict[str, NDArray[Any]]:
    """What a model keeps of a trained backbone, under ``prefix``; and round the network itself to just that."""
    arrays: dict[str, NDArray[Any]] = {}
    with torch.no_grad():
        for name, value in network.net.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            kept = value.half() if value.ndim > 1 else value.float()
            value.copy_(kept)
            arrays[prefix + name] = kept.cpu().numpy().copy()
    return arrays


def restored(source: BackboneSource, arrays: Arrays, prefix: str, px: int | None = None) -> Backbone:
    """A card's backbone as the model was trained: the stored layers, or the frozen ones that the card names.

    Raises
    ------
    ModelError : layers are missing or do not fit.
    """
    if source.frozen:
        return reopen(source, px).eval()
    network = fresh(kind_of(source.name), 0, px)
    own = {k.removeprefix(prefix): torch.from_numpy(np.array(v)) for k, v in arrays.items() if k.startswith(prefix)}
    put(network, own, "the model")
    return network.eval()
