"""BlastNet: MobileNetV2 read at four depths, one linear layer, sessions kept apart while it learns. Our own default.

What it is ::

    192x192x3, 18 µm of a slide brought to one light and one nuclear stain
    MobileNetV2 without its last convolution, batch norms folded     17 blocks
    four maps: block 4 (24x24x32), 7 (12x12x64), 13 (12x12x96), 17 (6x6x320)
    each map and its squared distance from the training cells' mean, brought to 12x12, standardised: 12x12x1024
    global average pool, 128 principal axes of the training cells, dense C

Why it is so
------------
- Several depths: what tells a blast from a lymphocyte, chromatin and the texture of cytoplasm, is fine-grained, and
  a network trained on photographs describes it half-way up; the last layers know the cell's outline and neighbours.
- Squared distances beside means: the pool then sees how much a texture varies, not only its average.
- Sessions as strata (`allviewer.systems.session_head`): each recording session has an intercept of its own while the
  last layer is fitted, so that camera and stain are not taken for evidence. The intercepts are dropped afterwards.

How it is trained
-----------------
1. Weights to start from, ImageNet's (``--backbone-weights``).
2. The last layer in one convex step on the crops.
3. All layers together, sessions' intercepts along with them, on mildly changed views: one pass (AdamW, cosine,
   averaged weights).
4. Filters are rounded to float16, as the file keeps them; the last layer is fitted once more on what they see.

Learnables: 1,795,936 in the convolutions and C x 128 + C in the dense layer; the rest follows from the training cells.

What each part was worth, leave-session-out on ALL-IDB1 before any layer was trained on (AUROC over all cells / inside
leukaemic sessions pooled / mean of sessions A3, A6, A7; calibration error):

- block 17 alone, a plain linear layer: .916 / .902 / .929 (.12); four maps .944 / .934 / .953 (.13); with squared
  distances .951 / .941 / .959 (.12); with sessions as strata .970 / .966 / .970 (.023);
- all of that at 160 px: .957 / .953 / .955; at 22 µm and 224 px: .960 / .956 / .965;
- the slide's stain levelled, told on block 4 at 16 µm: .830 → .934 over all;
- the last layer fitted on strongly changed views (ALNet's) as well: .931; on mildly changed ones .971;
- size of crop and pixels, squares and strata chosen by folds inside the folds: .956 / .957 / .961 (.034).

With every layer trained on as below, leave-session-out: .966 / .963 / .965 (.020), cells cut by the edge counted.

Sources: Sandler M. et al., MobileNetV2, CVPR 2018; Hariharan B. et al., Hypercolumns, CVPR 2015; Carreira J. et al.,
Semantic segmentation with second-order pooling, ECCV 2012.

Heat is Grad-CAM on the standardised 12x12x1024 map: behind it stand a mean and two linear layers, so the map of class
c is ``relu(sum_k V[c, k] F[k]) / 144`` with ``V = dense · axes``, and each block's share of it is summed where that
block's map lies, at its own resolution.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.devices import choose_runtime
from allviewer.systems.runtime import Forward
from allviewer.systems.system import Defaults, Raw
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import ModelError

INPUT_PX = 192
GRID = 12
"""Side of the standardised map."""
AXES = 128
TAPS = {4: 32, 7: 64, 13: 96, 17: 320}
"""Block → channels of its map."""
POOLED = 2 * sum(TAPS.values())
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first: MobileNetV2's table."""


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual: widen (not in the first), filter each channel, narrow; added to its input where it can."""

    number: int
    inputs: int
    outputs: int
    stride: int
    hidden: int

    @property
    def residual(self) -> bool:
        """Whether the input is added."""
        return self.stride == 1 and self.inputs == self.outputs


def blocks() -> Iterator[Block]:
    """The 17 blocks, from 1."""
    number, inputs = 0, 32
    for expansion, outputs, repeats, stride in _STAGES:
        for repeat in range(repeats):
            number += 1
            yield Block(number, inputs, outputs, stride if repeat == 0 else 1, inputs * expansion)
            inputs = outputs


def filters() -> dict[str, tuple[int, ...]]:
    """Name → shape of every convolution's weight; each has a bias."""
    table: dict[str, tuple[int, ...]] = {"stem": (32, 3, 3, 3)}
    for block in blocks():
        if block.hidden != block.inputs:
            table[f"block{block.number}.expand"] = (block.hidden, block.inputs, 1, 1)
        table[f"block{block.number}.depth"] = (block.hidden, 1, 3, 3)
        table[f"block{block.number}.project"] = (block.outputs, block.hidden, 1, 1)
    return table


def shapes(classes: int) -> dict[str, tuple[tuple[int, ...], type]]:
    """Name → shape and dtype of every array of a trained BlastNet."""
    table: dict[str, tuple[tuple[int, ...], type]] = {}
    for name, shape in filters().items():
        table |= {f"{name}.weight": (shape, np.float16), f"{name}.bias": (shape[:1], np.float32)}
    table |= {"input.scale": ((3,), np.float32), "input.shift": ((3,), np.float32)}
    table |= {"pool.centre": ((POOLED // 2,), np.float32), "pool.mean": ((POOLED,), np.float32)}
    table |= {"pool.scale": ((POOLED,), np.float32), "axes.weight": ((AXES, POOLED), np.float32)}
    return table | {"dense.weight": ((classes, AXES), np.float32), "dense.bias": ((classes,), np.float32)}


def learnables(classes: int = 2) -> int:
    """Numbers that gradient descent moves: convolutions and the dense layer."""
    convolutions = sum(math.prod(shape) + shape[0] for shape in filters().values())
    return convolutions + classes * AXES + classes


def pads_as_tensorflow(card: SystemCard) -> bool:
    """Whether the weights it started from were trained with TensorFlow's padding."""
    return all(source.name == "mobilenet_v2_tf" for source in card.backbones)


class BlastNet:
    """A trained BlastNet, ready to predict on the device chosen."""

    key: ClassVar[str] = "blastnet"
    options: ClassVar[Mapping[str, Option]] = {
        "backbone": Option(
            "mobilenet_v2", "mobilenet_v2, or mobilenet_v2_tf for a file of weights that comes from TensorFlow",
            ("mobilenet_v2", "mobilenet_v2_tf"),
        ),
        "backbone-weights": Option(
            "official", "ImageNet weights to start from: official (by their name, from the user's cache or the "
            "network), a file, or none (random). Every layer is trained on", file=True,
        ),
    }  # fmt: skip
    defaults: ClassVar[Defaults] = Defaults(
        paper="none: our own. Backbone: Sandler M. et al., MobileNetV2, CVPR 2018",
        optimiser="adamw",
        learning_rate=1e-4,
        batch=16,
        epochs=1,
        paper_epochs=1,
        input_px=INPUT_PX,
        crop_um=18.0,
        augmentation="mild",
    )

    def __init__(self, card: SystemCard, arrays: dict[str, NDArray[Any]], forward: Forward) -> None:
        self.card, self._arrays, self._forward = card, arrays, forward
        self.device = forward.device

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict.

        Raises
        ------
        ModelError : an array is missing, has another shape or type or holds a number that is not finite; or the
            card's input is not 192 pixels; or the device is not there.
        """
        if card.input_px != INPUT_PX:
            raise ModelError("BlastNet takes crops of one size", expected=f"{INPUT_PX} px", got=f"{card.input_px} px")
        own: dict[str, NDArray[Any]] = {}
        for name, (shape, kind) in shapes(len(card.classes)).items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != kind:
                got = "nothing" if array is None else f"{array.dtype} {array.shape}"
                expected = f"{np.dtype(kind)} {shape}"
                raise ModelError(f"the model's array '{name}' does not fit BlastNet", expected=expected, got=got)
            if not np.isfinite(array).all():
                raise ModelError(f"the model's array '{name}' holds numbers that are not finite")
            own[name] = array
        runtime, name = choose_runtime(device)
        if runtime == "openvino":
            from allviewer.systems.blastnet_openvino import compile_blastnet

            return cls(card, own, compile_blastnet(own, pads_as_tensorflow(card)))
        from allviewer.systems.blastnet_torch import BlastNetAnswers
        from allviewer.systems.torch_forward import TorchForward

        return cls(card, own, TorchForward(BlastNetAnswers(own, pads_as_tensorflow(card)), name))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return dict(self._arrays)

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """Logits (n, C), the 128 axes (n, 128) and, on request, heat (n, C, 12, 12) of crops (n, 192, 192, 3)."""
        logits, embedding, evidence = self._forward(crops)
        return Raw(logits, embedding, np.maximum(evidence, 0) if heat else None)

    @classmethod
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """Train every layer; see the top of this file."""
        from allviewer.systems.blastnet_fit import fit_blastnet

        return (yield from fit_blastnet(studio, cls.defaults))


def evidence_weights(arrays: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats]:
    """What each raw channel adds to a class's map, and what the mean training cell would.

    Parameters
    ----------
    arrays : of a trained BlastNet.

    Returns
    -------
    weights : (C, 1024) float32; a map's position is their sum over its channels,
    offset : (C,) float32, less this.
    """
    through = arrays["dense.weight"].astype(np.float64) @ arrays["axes.weight"]
    weights = through * arrays["pool.scale"] / GRID**2
    return weights.astype(np.float32), (weights @ arrays["pool.mean"].astype(np.float64)).astype(np.float32)
