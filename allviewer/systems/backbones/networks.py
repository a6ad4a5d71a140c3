"""The backbones in torch: pixels in, last map out."""

from functools import cache
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from allviewer.systems.backbones.catalogue import BackboneKind
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.arrays import Floats


class Backbone(nn.Module):
    """A network up to its last map.

    Attributes
    ----------
    kind : what it is.
    px : side it runs at; pixels of another size are brought to that, see `resizing`.
    net : the library's own network, so that its layers carry the library's names.
    own_statistics : whether batch norms keep the statistics they came with, also while they are trained. True for
        weights that were trained before: batches of a few alike cells would spoil them.
    """

    def __init__(self, kind: BackboneKind, net: nn.Module, px: int, *, own_statistics: bool) -> None:
        super().__init__()
        self.kind, self.px, self.own_statistics = kind, px, own_statistics
        self.net = net
        self.register_buffer("mean", 255 * torch.tensor(kind.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", 255 * torch.tensor(kind.deviation).view(1, 3, 1, 1), persistent=False)

    def features(self, pixels: Tensor) -> Tensor:
        """The last map (n, width, h, w) of pixels (n, 3, S, S) float in 0..255."""
        # Scaled before it is resized: the other way round OpenVINO joins the two wrongly, and refuses its own graph.
        x = (pixels - self.get_buffer("mean")) / self.get_buffer("deviation")
        side = int(pixels.shape[-1])
        if side != self.px:
            matrix = torch.from_numpy(resizing(side, self.px)).to(x)
            x = matrix @ x @ matrix.T
        if self.kind.library == "timm":
            last: Tensor = cast(Any, self.net).forward_features(x)
            return last
        for layer in self.net.children():  # in the order in which torchvision runs them
            x = layer(x)
        return x

    def forward(self, pixels: Tensor) -> Tensor:
        """As `features`."""
        return self.features(pixels)

    def train(self, mode: bool = True) -> Self:
        """Training mode, but for batch norms that keep their own statistics."""
        super().train(mode)
        if self.own_statistics:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: just enough, and the odd pixel behind."""

    def forward(self, input: Tensor) -> Tensor:
        """Pad, then convolve."""
        pads: list[int] = []
        for axis in (1, 0):
            size, kernel, stride = int(input.shape[2 + axis]), self.kernel_size[axis], self.stride[axis]
            lack = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [lack // 2, lack - lack // 2]
        return functional.conv2d(functional.pad(input, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


@cache
def resizing(of: int, to: int) -> Floats:
    """The matrix (to, of) that brings a line of pixels to another length: bilinear, averaging where it gets shorter.

    A product with a matrix, because runtimes' own resizing is not exact to the last digits (OpenVINO's was off by
    0.006 of 255 grey levels, which a network's last map shows).
    """
    scale = of / to
    reach = max(scale, 1.0)
    centres = (np.arange(to) + 0.5) * scale
    weights = np.maximum(0, 1 - np.abs(np.arange(of) + 0.5 - centres[:, None]) / reach)
    if scale < 1:  # what leaves the line on one side counts for its last pixel
        weights[:, 0] += np.maximum(0, 0.5 - centres)
        weights[:, -1] += np.maximum(0, centres - (of - 0.5))
    matrix: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


def fresh(kind: BackboneKind, seed: int, px: int | None = None) -> Backbone:
    """A backbone with random weights that follow from a seed; torch's own generator stays.

    Parameters
    ----------
    px : side to run it at; None: the one it was made for.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _from_library(kind)
    for name in kind.without:
        if getattr(net, name, None) is not None:
            delattr(net, name)
    if kind.same_padding:
        _pad_as_tensorflow(net)
    return Backbone(kind, net, kind.px if px is None else px, own_statistics=False)


def _from_library(kind: BackboneKind) -> nn.Module:
    import_torchvision()  # timm imports it too, and may need the guard
    settings: dict[str, Any] = {}
    if kind.library == "timm":
        import timm

        made: nn.Module = timm.create_model(kind.builder, pretrained=False)
        return made
    from torchvision import models

    if kind.builder in ("googlenet", "inception_v3"):
        # torch's own way to draw them: torchvision's takes seconds, and batch norms make up for the difference
        settings = {"aux_logits": False, "init_weights": False}
    made = models.get_model(kind.builder, weights=None, **settings)
    return made


def _pad_as_tensorflow(net: nn.Module) -> None:
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and child.stride != (1, 1):
                padded = SameConv2d(child.in_channels, child.out_channels, 3, 2, groups=child.groups, bias=False)
                padded.weight = child.weight
                setattr(module, name, padded)
