"""Backbones side by side, ready to run on crops: pooled features, and the last maps for heat."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.systems.backbones.catalogue import kind_of
from allviewer.systems.backbones.choice import BackboneChoice
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import BackboneSource
from allviewer.systems.gradcam import class_maps
from allviewer.systems.runtime import forward, weights_key
from allviewer.systems.training import Progress, Studio
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

BATCH = 32


class Trunk:
    """Some backbones on one device.

    Attributes
    ----------
    device : ``cpu``, ``cuda`` or ``mps``.
    widths : channels of each one's last map; the pooled features are joined in this order.
    """

    def __init__(
        self,
        sources: Sequence[BackboneSource],
        arrays: Arrays,
        input_px: int,
        device: str,
        sides: Sequence[int],
    ) -> None:
        """Make ready.

        Parameters
        ----------
        sources : what a card says of them.
        arrays : a model's; of those only the ones under ``backbone.N.`` are looked at, and all of these are used.
        input_px : side of the crops.
        sides : side that each backbone runs at, pixels.

        Raises
        ------
        ModelError : frozen weights are not here, stored ones do not fit, or there is no such device.
        """
        if not sources:
            raise ModelError("this model's card names no backbone")
        kinds = [kind_of(source.name) for source in sources]
        self.widths = tuple(kind.width for kind in kinds)
        if len(sides) != len(kinds):
            raise ModelError("this model's card does not say how each backbone runs")
        own = {k: v for k, v in arrays.items() if k.startswith("backbone.")}
        trained = tuple(f"backbone.{i}." for i, source in enumerate(sources) if not source.frozen)
        spare = [name for name in own if not name.startswith(trained)]
        if spare:
            raise ModelError(f"the model stores layers of a backbone that its card calls frozen: '{spare[0]}'")
        words = [f"{s.name}@{p}:{s.digest if s.frozen else 'stored'}" for s, p in zip(sources, sides, strict=True)]

        def build() -> "nn.Module":
            from allviewer.systems.backbones.side_by_side import side_by_side

            return side_by_side(sources, own, sides)

        outputs = tuple(f"map{i}" for i in range(len(sources)))
        self._forward = forward(weights_key("backbones", "1", *words, arrays=own), build, input_px, device, outputs)
        self.device = self._forward.device

    def maps(self, crops: RGB) -> tuple[Floats, ...]:
        """Each backbone's last map (n, K, h, w) of crops (n, S, S, 3) uint8."""
        return self._forward(crops)

    def pooled(self, crops: RGB) -> Floats:
        """Global average pools of any number of crops, joined: (n, sum of widths) float32."""
        parts = [pool(self.maps(crops[at : at + BATCH])) for at in range(0, len(crops), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, sum(self.widths)), np.float32)

    def heat(self, maps: Sequence[Floats], slopes: Floats) -> Floats:
        """Grad-CAM through every backbone, summed: (n, C, h, w) float32 at the size of the largest map.

        Parameters
        ----------
        maps : as `maps` gives them.
        slopes : (n, C, sum of widths), gradient of every class's logit at the pooled features.
        """
        parts = np.split(slopes, np.cumsum(self.widths)[:-1], axis=2)
        each = [class_maps(m, s / (m.shape[2] * m.shape[3])) for m, s in zip(maps, parts, strict=True)]
        side = max(m.shape[2] for m in each)
        summed: Floats = np.sum([enlarged(m, side) for m in each], axis=0, dtype=np.float32)
        return summed


def pool(maps: Sequence[Floats]) -> Floats:
    """Global average pools of maps, joined."""
    return np.concatenate([m.mean(axis=(2, 3)) for m in maps], axis=1)


def enlarged(maps: Floats, side: int) -> Floats:
    """Maps (n, C, h, w) brought to (n, C, side, side), bilinearly."""
    if maps.shape[2] == maps.shape[3] == side:
        return maps
    answer = np.empty((*maps.shape[:2], side, side), np.float32)
    for at in np.ndindex(*maps.shape[:2]):
        answer[at] = cv2.resize(maps[at], (side, side), interpolation=cv2.INTER_LINEAR)
    return answer


def trained_trunk(
    studio: Studio, input_px: int, usual_px: int | None = None
) -> Progress[tuple[Trunk, dict[str, NDArray[Any]], tuple[BackboneSource, ...]]]:
    """The backbones that a fit asks for, trained first where it says so; ``usual_px`` is the system's own side.

    Returns
    -------
    The trunk, what the model must store of it (nothing where frozen), and what the card says of it.
    """
    from allviewer.systems.backbones.stored import stored
    from allviewer.systems.backbones.tune import tune
    from allviewer.systems.backbones.weights import open_backbone

    choice = BackboneChoice.of(studio.options)
    px = choice.sides(usual_px)
    arrays: dict[str, NDArray[Any]] = {}
    opened = [
        open_backbone(name, choice.weights, frozen=not choice.train, seed=studio.seed + i, px=px[i])
        for i, name in enumerate(choice.names)
    ]
    networks, sources = [o[0] for o in opened], tuple(o[1] for o in opened)
    if choice.train:
        yield from tune(studio, networks, choice)
        for i, network in enumerate(networks):
            arrays |= stored(network, f"backbone.{i}.")
    return Trunk(sources, arrays, input_px, studio.device, px), arrays, sources
