"""xincept's dense head in torch: what is trained."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from allviewer.systems.xincept_head import shapes

DECAY = 0.01
"""L2 on the weights of every dense C."""


class HeadModule(nn.Module):
    """The head of `allviewer.systems.xincept_head`, by the same names; Glorot-uniform, as Keras draws."""

    def __init__(self, widths: Sequence[int], classes: int, activation: str, seed: int) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.branch = nn.ModuleList(
            nn.ModuleDict({"dense": nn.Linear(width, 64), "out": nn.Linear(64, classes)}) for width in widths
        )
        self.fusion = nn.ModuleDict(
            {
                "wide": nn.Linear(classes * len(self.widths), 128),
                "narrow": nn.Linear(128, 64),
                "out": nn.Linear(64, classes),
            }
        )
        self.act = nn.GELU() if activation == "gelu" else nn.ReLU()
        own = dict(self.named_parameters())
        if {name: tuple(p.shape) for name, p in own.items()} != shapes(self.widths, classes):
            raise AssertionError("the head in torch is not the head in numpy")
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in sorted(own.items()):
            if name.endswith("weight"):
                nn.init.xavier_uniform_(parameter, generator=generator)
            else:
                nn.init.zeros_(parameter)

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits (n, C) of pooled features (n, sum of widths)."""
        joined = []
        for branch, part in zip(self.branch, torch.split(pooled, list(self.widths), dim=1), strict=True):
            layers = dict(branch.named_children())
            joined.append(layers["out"](self.act(layers["dense"](part))))
        x = torch.cat(joined, dim=1)
        for name in ("wide", "narrow"):
            x = self.act(self.fusion[name](x))
        logits: Tensor = self.fusion["out"](x)
        return logits

    def penalty(self) -> Tensor:
        """L2 of the three linear output layers, as Keras' ``l2(0.01)``: 0.01 times the sum of squares."""
        outs = [p for name, p in self.named_parameters() if name.endswith("out.weight")]
        return DECAY * torch.stack([p.square().sum() for p in outs]).sum()
