"""Backbones side by side as one torch module, for whatever runs it."""

from collections.abc import Sequence

from torch import Tensor, nn

from allviewer.systems.backbones.stored import restored
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import BackboneSource


class SideBySide(nn.Module):
    """Pixels (n, 3, S, S) in 0..255 → every backbone's last map."""

    def __init__(self, backbones: Sequence[nn.Module]) -> None:
        super().__init__()
        self.backbones = nn.ModuleList(backbones)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The last maps, in order."""
        return tuple(backbone(pixels) for backbone in self.backbones)


def side_by_side(sources: Sequence[BackboneSource], arrays: Arrays, px: Sequence[int]) -> SideBySide:
    """The backbones that a card names, with what a model stores of them under ``backbone.N.``."""
    each = zip(sources, px, strict=True)
    return SideBySide([restored(source, arrays, f"backbone.{i}.", side) for i, (source, side) in enumerate(each)])
