"""What runs a network's forward pass: OpenVINO or torch, both answering the same three arrays."""

from typing import Protocol

from allviewer.vocab.arrays import RGB, Floats


class Forward(Protocol):
    """A compiled forward pass.

    Attributes
    ----------
    device : ``cpu``, ``cuda`` or ``mps``.
    """

    device: str

    def __call__(self, crops: RGB) -> tuple[Floats, Floats, Floats]:
        """Logits (n, C), embedding (n, d) and last spatial map (n, channels, h, w) of crops (n, S, S, 3) uint8."""
        ...
