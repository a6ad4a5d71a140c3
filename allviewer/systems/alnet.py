"""ALNet: five 5x5 convolutions in three clusters and a small dense head.

Jawahar M., Sharen H., Jani Anbarasi L., Gandomi A. H., ALNet: a cluster layer deep convolutional neural network for
acute lymphoblastic leukemia classification, Comput. Biol. Med. (2022), doi:10.1016/j.compbiomed.2022.105894. Read as ::

    224x224x3
    cluster 1   conv 32, conv 32, max pool 2, max pool 2, batch norm   54x54x32
    cluster 2   conv 64, conv 64, max pool 2, max pool 2, batch norm   11x11x64
    cluster 3   conv 128, max pool 2, batch norm                        3x3x128
    head        flatten 1,152, dropout 0.3, dense 128 ReLU, dense C

Convolutions are 5x5, "valid", followed by ReLU; 535,010 trainable learnables for two classes, 535,458 with
the running statistics. Trained with binary cross-entropy on one sigmoid a class by RMSprop at 0.0001.

Readings and departures
-----------------------
- The text pools 3x3 in cluster 2 and 3; the table's shapes need 2x2: the table is followed.
- Two stacked 2x2 max pools are one 4x4 (a test shows it), and the 4x4 is what runs.
- Dropout 0.3 (section on the architecture; the tuning section says 0.2).
- Two sigmoids do not sum to one: what is shown is the calibrated softmax of the logits.
- The abstract's depth-wise dilated convolutions appear nowhere in the tables, and are not built.
- Pixels enter as ``1 - x/255``, so that bare background is 0 and stain is positive.

Heat is Grad-CAM on the last convolution after ReLU, 7x7x128, before pooling. It is closed form: behind that map
stand a max pool, a batch norm and two dense layers, so with ``W1 = weights of dense 128`` the mean gradient of
logit c over a channel's 49 positions is ``sum_j 1[hidden_j > 0] W2[c, j] V[j, k]``, where ``V[j, k]`` sums
``W1[j, k, :]`` over its nine positions, times the batch norm's slope, over 49. Which of four positions a max pool
let through does not change that mean.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.devices import choose_runtime
from allviewer.systems.gradcam import class_maps
from allviewer.systems.runtime import Forward
from allviewer.systems.system import Defaults, Raw
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import ModelError

INPUT_PX = 224
EPSILON = 1e-3
"""Batch norm's, as in the paper's Keras."""
FILTERS = (("c1a", 3, 32), ("c1b", 32, 32), ("c2a", 32, 64), ("c2b", 64, 64), ("c3a", 64, 128))
NORMS = (("n1", 32), ("n2", 64), ("n3", 128))
HIDDEN = 128
POSITIONS = 49
"""Of the last map, 7x7."""


def shapes(classes: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of a trained ALNet; all float32."""
    table: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in FILTERS:
        table |= {f"{name}.weight": (outputs, inputs, 5, 5), f"{name}.bias": (outputs,)}
    for name, width in NORMS:
        table |= {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    table |= {"d1.weight": (HIDDEN, 1152), "d1.bias": (HIDDEN,)}
    return table | {"d2.weight": (classes, HIDDEN), "d2.bias": (classes,)}


def learnables(classes: int = 2) -> int:
    """Trainable numbers: 535,010 for two classes."""
    return sum(math.prod(shape) for name, shape in shapes(classes).items() if "running" not in name)


class ALNet:
    """A trained ALNet, ready to predict on the device chosen."""

    key: ClassVar[str] = "alnet"
    options: ClassVar[Mapping[str, Option]] = {}
    defaults: ClassVar[Defaults] = Defaults(
        paper="Jawahar M., Sharen H., Jani Anbarasi L., Gandomi A. H., ALNet: a cluster layer deep convolutional "
        "neural network for acute lymphoblastic leukemia classification, Comput. Biol. Med. (2022), "
        "doi:10.1016/j.compbiomed.2022.105894",
        optimiser="rmsprop",
        learning_rate=1e-4,
        batch=16,
        epochs=24,
        paper_epochs=140,
        input_px=INPUT_PX,
        departures=(
            "pixels enter as 1 - x/255, so that bare background is 0",
            "every slide is brought to one light and one nuclear stain before its crops are cut",
            "augmentation goes beyond the paper's (15° turns, mirror, zoom, contrast): full turns, shift, stain, lamp, "
            "grey, blur, noise, field edges",
            "labels smoothed by 0.05",
        ),
    )

    def __init__(self, card: SystemCard, arrays: dict[str, Floats], forward: Forward) -> None:
        self.card, self._arrays, self._forward = card, arrays, forward
        self.device = forward.device
        slope = arrays["n3.weight"] / np.sqrt(arrays["n3.running_var"] + EPSILON)
        positions = arrays["d1.weight"].reshape(HIDDEN, 128, 9).sum(axis=2)
        self._head: Floats = (positions * slope / POSITIONS).astype(np.float32)

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict.

        Raises
        ------
        ModelError : an array is missing, has another shape or holds a number that is not finite; or the card's
            input is not 224 pixels; or the device is not there.
        """
        if card.input_px != INPUT_PX:
            raise ModelError("ALNet takes crops of one size", expected=f"{INPUT_PX} px", got=f"{card.input_px} px")
        own: dict[str, Floats] = {}
        for name, shape in shapes(len(card.classes)).items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != np.float32:
                got = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise ModelError(f"the model's array '{name}' does not fit ALNet", expected=f"float32 {shape}", got=got)
            if not np.isfinite(array).all():
                raise ModelError(f"the model's array '{name}' holds numbers that are not finite")
            own[name] = array
        kind, name = choose_runtime(device)
        if kind == "openvino":
            from allviewer.systems.alnet_openvino import compile_alnet

            return cls(card, own, compile_alnet(own))
        from allviewer.systems.alnet_torch import ALNetAnswers
        from allviewer.systems.torch_forward import TorchForward

        return cls(card, own, TorchForward(ALNetAnswers(own), name))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return dict(self._arrays)

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """Logits (n, C), the 128 hidden units (n, 128) and, on request, heat (n, C, 7, 7) of crops (n, 224, 224, 3)."""
        logits, hidden, features = self._forward(crops)
        if not heat:
            return Raw(logits, hidden, None)
        # Gradient of every class's logit at the hidden units, pushed to the channels of the last map.
        gates = (hidden > 0)[:, None, :] * self._arrays["d2.weight"][None]
        return Raw(logits, hidden, class_maps(features, (gates @ self._head).astype(np.float32)))

    @classmethod
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """Train the whole network, from random weights that follow from the seed."""
        from allviewer.systems.alnet_torch import fresh_network
        from allviewer.systems.descent import Descent, arrays_of, cell_views, class_loss, plan_for

        network = fresh_network(studio.classes, studio.seed)
        plan = plan_for(studio, cls.defaults)
        stage = Descent(network, cell_views(studio), class_loss("bce"), studio.weights, plan)
        yield from studio.run("", stage, studio.epochs)
        return Fitted(arrays_of(stage.settled()))
