"""OADLS: a filtered, equalised crop, a frozen backbone, and an attention convolutional recurrent network (ACRNN).

Vinurajan I., Sanal Kumar K. P., Anu H. Nair S., Optimal attention based deep learning with segmentation approach for
automated leukemia detection and classification (2023). Read as ::

    384x384x3   Wiener filter, dynamic histogram equalisation of luminance
    backbone    EfficientNetV2-M (ImageNet, frozen), last map 1,280 channels x 12 x 12
    picture     channels x positions in snake order                  1,280x144x1
    l1, l2      conv 32, 3x5; batch norm, ReLU; max pool 4x3           320x48x32
    l3, l4      conv 64, 3x1; batch norm, ReLU; max pool 4x1            80x48x64
    l5, l6      conv 128, 1x5; batch norm, ReLU; max pool 1x3           80x16x128
    l7, l8      conv 256, 3x3; batch norm, ReLU; max pool 2x2           40x8x256
    l9, l10     bidirectional GRU 256, tanh, over 8 steps of 10,240       8x512
    attention   over the 8 steps                                            512
    head        dense C

Convolutions are padded "same"; 18,746,210 learnables for two classes behind the backbone. RMSprop, 0.001 falling as a
cosine, cross-entropy plus 0.0001 times the squares of all layers' weights. Whole fields are segmented by the paper's
watershed beforehand: `allviewer.segment.oadls`.

Readings and departures
-----------------------
- The ACRNN was made for sound, a picture of frequency by time; the paper does not say how an image's features become
  one. Here channels are the frequency axis and positions the time axis, in boustrophedon (`snake`) order, so that
  neighbours in time are neighbours in the cell. The pools divide positions by 18: 384 pixels leave 8 steps, 224 two.
- Batch norm and ReLU stand once behind each pair of convolutions.
- Attention, eqs. 4 to 6, weighs the GRU's outputs: ``tanh(d_t Wd + h_(t-1) Wh) Wa``, softmax over the steps, weighted
  sum; ``h_(t-1)`` is the forward direction's state (E = 256) before step t, zero before the first.
- The learning rate is not printed: 0.001. The "fitness function", precision TP / (TP + FP), chooses the epoch where
  cells are kept aside (``--patience``); of more than two classes the mean precision.
- A few views of each cell go through the frozen backbone once, and the ACRNN learns from these.
- ``--backbone mobilenet_v2_tf`` is the small variant of the same topology: 1,280 channels as well. ``backbone-px``
  below 384 leaves fewer steps of time (256: three) and is a further departure, which the card's options tell.

Heat is Grad-CAM on the backbone's last map, 12x12, through the recurrent head by torch's own gradients, from that map
up: asking for heat imports torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.equalise import equalise
from allviewer.pixels.wiener import wiener
from allviewer.systems.backbones import BackboneChoice, backbone_options, kind_of, whole_option
from allviewer.systems.backbones.trunk import Trunk, trained_trunk
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.devices import choose_runtime
from allviewer.systems.gradcam import class_maps
from allviewer.systems.system import Defaults, Raw
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import ModelError

if TYPE_CHECKING:
    from allviewer.systems.oadls_torch import ACRNNForward

INPUT_PX = 384
EPSILON = 1e-5
"""Batch norm's."""
PAIRS = (
    (32, (3, 5), (4, 3)),
    (64, (3, 1), (4, 1)),
    (128, (1, 5), (1, 3)),
    (256, (3, 3), (2, 2)),
)
"""Of convolutions: filters, kernel and max pool, frequency x time."""
UNITS = 256
"""Of each direction of the GRU."""
PENALTY = 1e-4
"""On the squares of the weights."""
WINDOW = 5
"""Pixels on a side of the Wiener filter's square."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Shape of the backbone's last map."""

    channels: int
    height: int
    width: int

    @property
    def steps_and_features(self) -> tuple[int, int]:
        """What the pools leave: time steps, and features of each."""
        features, steps = self.channels, self.height * self.width
        for _, _, (down, along) in PAIRS:
            features, steps = features // down, steps // along
        return steps, features * PAIRS[-1][0]


def layout_of(backbone: str, px: int = INPUT_PX) -> Layout:
    """The last map of a backbone that runs at a side of ``px``; ModelError where no step of time would be left."""
    kind = kind_of(backbone)
    side = -(-px // kind.stride)
    layout = Layout(kind.width, side, side)
    if min(layout.steps_and_features) < 1:
        raise ModelError(
            "the ACRNN's pools leave nothing of this backbone's map", expected="18 positions and 32 channels or more",
            got=f"{side * side} positions, {kind.width} channels", todo="Set a larger backbone-px; the paper's is 384.",
        )  # fmt: skip
    return layout


def snake(height: int, width: int) -> NDArray[np.int64]:
    """(height * width,) positions row by row, every second row backwards."""
    order = np.arange(height * width, dtype=np.int64).reshape(height, width)
    order[1::2] = order[1::2, ::-1]
    return order.ravel()


def shapes(layout: Layout, classes: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of an ACRNN, by torch's names."""
    table: dict[str, tuple[int, ...]] = {}
    inputs, number = 1, 1
    for filters, kernel, _ in PAIRS:
        for each in (inputs, filters):
            table |= {f"l{number}.weight": (filters, each, *kernel), f"l{number}.bias": (filters,)}
            number += 1
        norm = f"bn{number - 1}"
        table |= {f"{norm}.{part}": (filters,) for part in ("weight", "bias", "running_mean", "running_var")}
        inputs = filters
    _, features = layout.steps_and_features
    for layer, wide in enumerate((features, 2 * UNITS)):
        for way in ("", "_reverse"):
            table |= {
                f"gru.weight_ih_l{layer}{way}": (3 * UNITS, wide),
                f"gru.weight_hh_l{layer}{way}": (3 * UNITS, UNITS),
            }
            table |= {f"gru.bias_{part}_l{layer}{way}": (3 * UNITS,) for part in ("ih", "hh")}
    table |= {"attend_to.weight": (2 * UNITS, 2 * UNITS), "attend_from.weight": (2 * UNITS, UNITS)}
    table |= {"attend.weight": (1, 2 * UNITS), "fc.weight": (classes, 2 * UNITS), "fc.bias": (classes,)}
    return table


def prepared(crops: RGB) -> RGB:
    """Crops (n, S, S, 3) uint8 Wiener-filtered, then equalised, each by itself."""
    smooth = [np.clip(np.rint(wiener(crop, WINDOW)), 0, 255).astype(np.uint8) for crop in crops]
    return np.stack([equalise(crop) for crop in smooth]) if smooth else crops


class OADLS:
    """A trained OADLS, ready to predict on the device chosen."""

    key: ClassVar[str] = "oadls"
    options: ClassVar[Mapping[str, Option]] = {
        **backbone_options("efficientnet_v2_m"),
        "views": Option("3", "augmented views of each cell that go through the backbone once"),
    }
    defaults: ClassVar[Defaults] = Defaults(
        paper="Vinurajan I., Sanal Kumar K. P., Anu H. Nair S., Optimal attention based deep learning with "
        "segmentation approach for automated leukemia detection and classification (2023)",
        optimiser="rmsprop",
        learning_rate=1e-3,
        batch=8,
        epochs=12,
        paper_epochs=0,
        input_px=INPUT_PX,
        departures=(
            "the backbone's last map enters the ACRNN as a picture of channels by positions in snake order: a reading, "
            "the paper does not say how",
            "learning rate, batch and epochs are not printed in the paper",
            "every slide is brought to one light and one nuclear stain before its crops are cut and filtered",
            "turned, shifted and restained views, which the paper does not use: a few a cell, encoded once",
            "labels smoothed by 0.05; averaged weights; matrices and filters stored as float16, and judged so",
        ),
    )

    def __init__(self, card: SystemCard, arrays: dict[str, NDArray[Any]], layout: Layout, trunk: Trunk) -> None:
        self.card, self._arrays, self._trunk, self.device = card, arrays, trunk, trunk.device
        own = {k.removeprefix("acrnn."): v.astype(np.float32) for k, v in arrays.items() if k.startswith("acrnn.")}
        self._own: dict[str, Floats] = own
        self._layout = layout
        self._head = _head(own, layout, self.device)
        self._gradient: ACRNNForward | None = None

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict.

        Raises
        ------
        ModelError : an array is missing, has another shape or dtype or holds a number that is not finite; or the
            card's input is not 384 pixels or it names no single backbone; or the backbone's frozen weights or the
            device are not there.
        """
        if card.input_px != INPUT_PX:
            raise ModelError("OADLS takes crops of one size", expected=f"{INPUT_PX} px", got=f"{card.input_px} px")
        if len(card.backbones) != 1:
            raise ModelError("OADLS has one backbone", got=f"{len(card.backbones)} in the model's card")
        (side,) = BackboneChoice.of(card.options).sides(INPUT_PX)
        layout = layout_of(card.backbones[0].name, side)
        own: dict[str, NDArray[Any]] = {k: v for k, v in arrays.items() if k.startswith("backbone.")}
        for name, shape in shapes(layout, len(card.classes)).items():
            array, dtype = arrays.get(f"acrnn.{name}"), np.dtype(np.float16 if len(shape) > 1 else np.float32)
            if array is None or array.shape != shape or array.dtype != dtype:
                got = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise ModelError(f"the model's array '{name}' does not fit OADLS", expected=f"{dtype} {shape}", got=got)
            if not np.isfinite(array).all():
                raise ModelError(f"the model's array '{name}' holds numbers that are not finite")
            own[f"acrnn.{name}"] = array
        return cls(card, own, layout, Trunk(card.backbones, own, INPUT_PX, device, (side,)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save: the ACRNN, and the backbone where it was trained."""
        return dict(self._arrays)

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """Logits (n, C), the attended 512 (n, 512) and, on request, heat (n, C, 12, 12) of crops (n, 384, 384, 3)."""
        (last,) = self._trunk.maps(prepared(crops))
        logits, context = self._head(last)
        if not heat:
            return Raw(logits, context, None)
        from allviewer.systems.oadls_torch import ACRNNForward

        if self._gradient is None:
            self._gradient = ACRNNForward(self._own, self._layout, self.device)
        return Raw(logits, context, class_maps(last, self._gradient.slopes(last)))

    @classmethod
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """Train the ACRNN on the backbone's maps; where asked for, the backbone first with a plain linear head."""
        from allviewer.systems.descent import Descent, arrays_of, class_loss, plan_for
        from allviewer.systems.encoded import drawn_codes, encode_views, whole_crops
        from allviewer.systems.oadls_torch import fresh_acrnn, precision

        choice = BackboneChoice.of(studio.options)
        if len(choice.names) != 1:
            raise ModelError("OADLS has one backbone", got=studio.options["backbone"])
        layout_of(choice.names[0], choice.sides(INPUT_PX)[0])  # refuses a side that leaves no step of time
        views = whole_option(studio.options, "views")
        trunk, arrays, sources = yield from trained_trunk(studio, INPUT_PX, INPUT_PX)
        codes = encode_views(studio, lambda crops: trunk.maps(prepared(crops))[0], views)
        network = fresh_acrnn(Layout(*codes.shape[2:]), studio.classes, studio.seed)
        entropy = class_loss("ce")
        stage = Descent(
            network, drawn_codes(studio, codes), lambda a, b: entropy(a, b) + PENALTY * network.squares(),
            studio.weights, plan_for(studio, cls.defaults), whole_crops(studio, codes, precision),
        )  # fmt: skip
        yield from studio.run("acrnn", stage, studio.epochs)
        kept = arrays_of(stage.settled())
        arrays |= {f"acrnn.{k}": v.astype(np.float16) if v.ndim > 1 else v for k, v in kept.items()}
        return Fitted(arrays, sources)


def _head(arrays: dict[str, Floats], layout: Layout, device: str) -> "Callable[[Floats], tuple[Floats, ...]]":
    """The ACRNN, ready: last map to logits and attended sum."""
    kind, name = choose_runtime(device)
    if kind == "openvino":
        from allviewer.systems.oadls_openvino import compile_acrnn

        return compile_acrnn(arrays, layout)
    from allviewer.systems.oadls_torch import ACRNNForward

    return ACRNNForward(arrays, layout, name)
