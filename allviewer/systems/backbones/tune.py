"""Train backbones with a plain linear head, inside the fold, before the paper's own stages."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from allviewer.systems.backbones.choice import BackboneChoice
from allviewer.systems.backbones.networks import Backbone
from allviewer.systems.descent import Descent, Plan, cell_views, class_loss
from allviewer.systems.training import Progress, Studio


class LinearHead(nn.Module):
    """Backbones side by side, global average pools, one dense layer: (n, 3, S, S) in 0..255 → (n, C) logits."""

    def __init__(self, backbones: Sequence[Backbone], classes: int) -> None:
        super().__init__()
        self.backbones = nn.ModuleList(backbones)
        self.dense = nn.Linear(sum(b.kind.width for b in backbones), classes)
        nn.init.zeros_(self.dense.weight)  # so that the first gradients into the backbone are small
        nn.init.zeros_(self.dense.bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.dense(torch.cat([b(pixels).mean((2, 3)) for b in self.backbones], dim=1))
        return logits


def tune(studio: Studio, backbones: Sequence[Backbone], choice: BackboneChoice, batch: int = 16) -> Progress[None]:
    """Train backbones on augmented views of the studio's cells, by AdamW with cosine decay and averaged weights.

    Batch norms of weights that were trained before keep their statistics; random ones learn theirs.
    """
    plan = Plan(
        choice.epochs, batch, choice.learning_rate, "adamw", studio.seed, studio.device, studio.draws,
        studio.precision, weight_decay=1e-2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(studio.seed)
        network = LinearHead(backbones, studio.classes)
    stage = Descent(network, cell_views(studio), class_loss("ce"), studio.weights, plan)
    yield from studio.run("backbone", stage, choice.epochs)
    stage.settled()
