"""XIncept-ALL: Xception and Inception-v3 side by side, joined by small dense layers, finished by boosted trees.

Khan H., An optimized deep learning framework for classification and detection of acute lymphoblastic leukemia, MS
thesis, National University of Sciences and Technology, Islamabad (2024), Algorithms 1 and 2. Read as ::

    image 224x224x3 ─ Xception      ─ last map 7x7x2048 ─ global average pool ─ dense 64 ─ dense C, linear ┐
                    ─ Inception-v3  ─ last map 5x5x2048 ─ global average pool ─ dense 64 ─ dense C, linear ┴ 2C
    dense 128 ─ dense 64 ─ dense C, linear          the neural head, 271,558 learnables for two classes
    dense 64's output ─ XGBoost                     the answer

Readings and departures
-----------------------
- Activation: GELU, as the conclusion says; Algorithm 1 prints ReLU: an option.
- Input 224x224 (Algorithm 1); another chapter says 700x600.
- L2 0.01 on every dense C, as printed.
- Step 7 freezes the branches' dense layers too, although nothing has trained them: here only the two networks are
  frozen, and all dense layers learn together, by Adam at 0.001 and softmax cross-entropy ("appropriate loss,
  optimizer").
- XGBoost: learning rate, L2 and number of trees are named without values: 0.1, 1, 100 rounds, depth 3, softmax over C.
- Dense layers and trees see pooled features of the image and of a few augmented views, made once: with frozen networks
  that is the same as augmenting anew, but for how many views there are.
- Classes and groups are balanced by drawing and by the trees' sample weights.

Heat is Grad-CAM on both networks' last maps, through pools and dense layers in closed form, summed at the larger map's
size. Trees have no gradient: the map explains the logit of the neural head, whose last features the trees judge.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.backbones import BackboneChoice, backbone_options, whole_option
from allviewer.systems.backbones.trunk import Trunk, pool, trained_trunk
from allviewer.systems.boosted_trees import BoostedTrees
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.system import Defaults, Raw
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.systems.xincept_head import ACTIVATIONS, NARROW, head_of, shapes
from allviewer.vocab.arrays import RGB, Floats

BACKBONE = "xception+inception_v3"
INPUT_PX = 224


class XIncept:
    """A trained xincept, ready to predict on the device chosen."""

    key: ClassVar[str] = "xincept"
    defaults: ClassVar[Defaults] = Defaults(
        paper="Khan H., An optimized deep learning framework for classification and detection of acute lymphoblastic "
        "leukemia (ALL), MS thesis, National University of Sciences and Technology, Islamabad (2024)",
        optimiser="adam",
        learning_rate=1e-3,
        batch=32,
        epochs=20,
        paper_epochs=100,
        input_px=INPUT_PX,
        augmentation="camsr",
        departures=(
            "the branches' dense layers learn with the rest (paper: frozen, although never trained)",
            "views are drawn once, not anew in every epoch",
        ),
        explains="the neural head's logit: the boosted trees that decide on its last 64 features have no gradient",
    )
    options: ClassVar[Mapping[str, Option]] = backbone_options(BACKBONE) | {
        "activation": Option(
            "gelu", "of the dense layers: gelu (the thesis' conclusion) or relu (its algorithm)", ACTIVATIONS
        ),
        "views": Option("4", "augmented views of every image that the head and the trees learn from, beside itself"),
        "trees": Option("100", "rounds of boosting, one tree a class each"),
    }

    def __init__(self, card: SystemCard, arrays: dict[str, NDArray[Any]], trunk: Trunk) -> None:
        self.card, self.device = card, trunk.device
        self._arrays, self._trunk = arrays, trunk
        self._head = head_of(arrays, trunk.widths, len(card.classes), card.options.get("activation", ACTIVATIONS[0]))
        self._trees = BoostedTrees.from_arrays(arrays, NARROW, len(card.classes))

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict.

        Raises
        ------
        ModelError : an array is missing, has another shape or holds a number that is not finite; frozen layers that
            the card names are not here; or the device is not there.
        """
        trunk = Trunk(card.backbones, arrays, card.input_px, device, BackboneChoice.of(card.options).sides(INPUT_PX))
        own = (*shapes(trunk.widths, len(card.classes)), "trees.", "backbone.")
        return cls(card, {name: a for name, a in arrays.items() if name.startswith(own)}, trunk)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return dict(self._arrays)

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """The trees' margins (n, C), the head's last 64 features and, on request, heat of crops (n, S, S, 3)."""
        maps = self._trunk.maps(crops)
        seen = self._head.run(pool(maps))
        margins = self._trees.margins(seen.features)
        return Raw(margins, seen.features, self._trunk.heat(maps, self._head.slopes(seen)) if heat else None)

    @classmethod
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """Features of the frozen networks, the dense head, the trees on its last features."""
        trunk, arrays, sources = yield from trained_trunk(studio, INPUT_PX, INPUT_PX)
        views = _features(studio, trunk)
        arrays |= yield from _dense_head(studio, views, trunk.widths)
        head = head_of(arrays, trunk.widths, studio.classes, studio.options["activation"])
        rows = np.flatnonzero(studio.weights > 0)

        def grow() -> dict[str, NDArray[Any]]:
            x = head.run(np.concatenate(views[:, rows])).features
            weights = np.tile(studio.weights[rows], len(views))
            labels = np.tile(studio.labels[rows], len(views))
            rounds = whole_option(studio.options, "trees", 1)
            return BoostedTrees.grow(
                x, labels, weights / weights.mean(), studio.classes, studio.seed, rounds=rounds
            ).arrays()

        notes = BackboneChoice.of(studio.options).notes(BACKBONE, INPUT_PX)
        return Fitted(arrays | dict(studio.once("trees", grow)), sources, notes)


def _features(studio: Studio, trunk: Trunk) -> Floats:
    """Pooled features (1 + views, n, sum of widths): of every image as it is, and of its augmented views."""
    extra, n = whole_option(studio.options, "views"), len(studio.labels)

    def compute() -> dict[str, NDArray[Any]]:
        parts = [trunk.pooled(studio.crops())]
        for view in range(extra):
            rng = np.random.default_rng([studio.seed, view])
            batches = np.array_split(np.arange(n), -(-n // 64))
            parts.append(np.concatenate([trunk.pooled(studio.views(rows, rng)) for rows in batches]))
        return {"features": np.stack(parts)}

    return studio.once("features", compute)["features"]


def _dense_head(studio: Studio, views: Floats, widths: tuple[int, ...]) -> Progress[dict[str, NDArray[Any]]]:
    """The dense layers, trained together on pooled features of drawn views."""
    import torch
    from torch import Tensor

    from allviewer.systems.descent import Descent, arrays_of, class_loss, plan_for
    from allviewer.systems.xincept_torch import HeadModule

    network = HeadModule(widths, studio.classes, studio.options["activation"], studio.seed)
    labels = torch.from_numpy(studio.labels)
    entropy = class_loss("ce")

    def batch(rows: NDArray[np.intp], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        drawn = views[rng.integers(len(views), size=len(rows)), rows]
        return torch.from_numpy(drawn), labels[torch.from_numpy(rows)]

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return entropy(logits, target) + network.penalty()

    stage = Descent(network, batch, loss, studio.weights, plan_for(studio, XIncept.defaults, precision="fp32"))
    yield from studio.run("head", stage, studio.epochs)
    return arrays_of(stage.settled())
