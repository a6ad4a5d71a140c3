"""What runs a network's forward pass: OpenVINO or torch, both answering the same arrays."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from allviewer.systems.bundle import Arrays
from allviewer.systems.devices import choose_runtime
from allviewer.vocab.arrays import RGB, Floats

if TYPE_CHECKING:
    from torch import nn

OUTPUTS = ("logits", "embedding", "last")
"""What most systems' networks answer: logits (n, C), embedding (n, d) and last spatial map (n, K, h, w)."""


class Forward(Protocol):
    """A compiled forward pass.

    Attributes
    ----------
    device : ``cpu``, ``cuda`` or ``mps``.
    """

    device: str

    def __call__(self, crops: RGB) -> tuple[Floats, ...]:
        """The network's outputs, each (n, ...) float32 and the caller's own, of n >= 1 crops (n, S, S, 3) uint8."""
        ...


def forward(
    key: str, build: "Callable[[], nn.Module]", px: int, device: str = "auto", outputs: Sequence[str] = OUTPUTS
) -> Forward:
    """Make a network ready to predict, by the runtime that suits the device.

    On the CPU the network is converted for OpenVINO once and kept, so that later starts need no torch.

    Parameters
    ----------
    key : names this network and its weights, see `weights_key`; another network must have another key.
    build : makes the network: (n, 3, px, px) float32 in 0..255 → one tensor or a tuple of them, batch first. Called
        only where torch has to run. Nothing in it may depend on a value or fix the batch's length.
    px : side of the crops.
    device : one of `devices.DEVICES`.
    outputs : names of the network's outputs, in order.

    Raises
    ------
    ModelError : no such device; or the converted network answers otherwise than the network itself.
    """
    kind, name = choose_runtime(device)
    if kind == "openvino":
        from allviewer.systems.kept_graphs import compiled

        return compiled(key, build, px, outputs)
    from allviewer.systems.torch_forward import TorchForward

    return TorchForward(build(), name)


def weights_key(*names: str, arrays: Arrays) -> str:
    """sha256, hex, over some names (system, version of its network) and every array with its name, shape and dtype."""
    total = hashlib.sha256("\0".join(names).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        total.update(array.data)
    return total.hexdigest()
