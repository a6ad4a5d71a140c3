"""CAE-CNN: a convolutional autoencoder makes 67,500 numbers of a cell, a small classifier judges them.

AL-Hammadi M. M., Computer-aided diagnosis of acute lymphoblastic leukemia using a novel CAE-CNN framework (2024).
Read as ::

    450x450x3, 0..1
    encoder     conv 9, average pool 3      150x150x9        252 learnables
                conv 27, average pool 3     50x50x27       2,214
                conv 27                     50x50x27       6,588
                flatten                     67,500
    decoder     50x50x27, conv 27           50x50x27       6,588
                depth to space 3, conv 9    150x150x9        252
                depth to space 3, conv 3    450x450x3         30
    classifier  dense 40, batch norm, ReLU, layer norm, dropout 0.5
                dense 80, batch norm, ReLU, layer norm, dropout 0.5
                dense C

Convolutions are 3x3, "same", followed by a leaky ReLU: 15,924 learnables, the paper's 15.9 k. The autoencoder learns
first, by mean squared error (Adam, 0.001, batch 6); then its encoder is frozen and the classifier learns on its codes
(Adam, 0.001, a tenth of it after ten epochs, at most 15 epochs, batch 16).

Readings and departures
-----------------------
- The paper's classifier is made of 1-D convolutions with 32 taps and of global average pooling, with 86.5 M
  learnables. That count closes only if the 67,500 features are *channels* of a sequence of length 1. Then one tap of
  the 32 ever meets data, and the mean over one position is that position: each convolution *is* a dense layer, and
  is built as one. 2.7 M learnables take part (`learnables`); `paper_learnables` counts all, 86,503,162.
- The data section says 350x350 and the text says max pooling; the table's learnables and shapes close at 450x450 with
  average pooling only: the table is followed.
- "Depth to space" after "flatten" takes the 67,500 back to 50x50x27; it has no learnables.
- The leaky ReLU's slope, 0.01, and the drop of the rate after ten epochs are those of the paper's software (MATLAB).
- The paper does not print how many epochs its autoencoder learns.
- The decoder's last convolution makes three channels of one, so a reconstruction is nearly of one hue; its correlation
  with the crop over all pixels and channels (`reconstruction.correlation`) is what the card reports.

Heat is Grad-CAM on the encoder's last map after its leaky ReLU, 50x50x27, which is the code itself. Behind it stand
dense layers, batch norms, ReLUs and layer norms, so the gradient is closed form, `classifier_slopes`: the mean over a
channel's 2,500 positions needs the first dense layer's weights only as their mean over those positions.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.backbones import whole_option
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.devices import choose_runtime
from allviewer.systems.gradcam import class_maps
from allviewer.systems.runtime import Forward
from allviewer.systems.system import Defaults, Raw
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import ModelError

INPUT_PX = 450
SLOPE = 0.01
"""Of the leaky ReLU below zero."""
EPSILON = 1e-5
"""Batch norm's and layer norm's."""
ENCODER = (("e1", 3, 9), ("e2", 9, 27), ("e3", 27, 27))
DECODER = (("d1", 27, 27), ("d2", 3, 9), ("d3", 1, 3))
CHANNELS, SIDE = 27, 50
"""Of the encoder's last map."""
CODE = CHANNELS * SIDE * SIDE
WIDTHS = (40, 80)
"""Of the classifier's two blocks."""
TAPS = 32
"""Of the paper's 1-D convolutions."""
AUTOENCODER_BATCH = 6
HALVES = ("c1.weight",)
"""Kept as float16: 2.7 of the model's 2.72 million numbers."""


def shapes(classes: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of a trained CAE-CNN."""
    table: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in (*ENCODER, *DECODER):
        table |= {f"{name}.weight": (outputs, inputs, 3, 3), f"{name}.bias": (outputs,)}
    inputs = CODE
    for number, width in enumerate(WIDTHS, 1):
        table |= {f"c{number}.weight": (width, inputs), f"c{number}.bias": (width,)}
        table |= {f"bn{number}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
        table |= {f"ln{number}.{part}": (width,) for part in ("weight", "bias")}
        inputs = width
    return table | {"fc.weight": (classes, inputs), "fc.bias": (classes,)}


def learnables(classes: int = 2) -> tuple[int, int]:
    """Trainable numbers of the autoencoder, 15,924, and of the classifier as built, 2,703,962 for two classes."""
    sizes = {name: math.prod(shape) for name, shape in shapes(classes).items() if "running" not in name}
    own = sum(size for name, size in sizes.items() if name.startswith(("e", "d")))
    return own, sum(sizes.values()) - own


def paper_learnables(classes: int = 2) -> int:
    """The classifier's trainable numbers with all 32 taps of its convolutions: 86,503,162 for two classes."""
    _, built = learnables(classes)
    return built + (TAPS - 1) * (CODE * WIDTHS[0] + WIDTHS[0] * WIDTHS[1])


class CAECNN:
    """A trained CAE-CNN, ready to predict and to reconstruct on the device chosen."""

    key: ClassVar[str] = "cae-cnn"
    options: ClassVar[Mapping[str, Option]] = {
        "autoencoder-epochs": Option("10", "epochs of the autoencoder, before the classifier's own"),
        "views": Option("4", "augmented views of each cell that go through the frozen encoder once"),
    }
    defaults: ClassVar[Defaults] = Defaults(
        paper="AL-Hammadi M. M., Computer-aided diagnosis of acute lymphoblastic leukemia using a novel CAE-CNN "
        "framework (2024)",
        optimiser="adam",
        learning_rate=1e-3,
        batch=16,
        epochs=15,
        paper_epochs=15,
        input_px=INPUT_PX,
        departures=(
            "the 1-D convolutions over one position are dense layers: the same answers by 2.7 of 86.5 million",
            "every slide is brought to one light and one nuclear stain before its crops are cut",
            "turned, shifted and restained views, which the paper does not use: four a cell, encoded once",
            "the classifier's first layer is stored as float16, and judged so",
        ),
    )

    def __init__(self, card: SystemCard, arrays: dict[str, NDArray[Any]], device: str) -> None:
        self.card, self._arrays = card, arrays
        self._own: dict[str, Floats] = {name: a.astype(np.float32) for name, a in arrays.items()}
        self._runtime = choose_runtime(device)
        self._forward = self._compiled(reconstructing=False)
        self._decoder: Forward | None = None
        self.device = self._forward.device
        # The first dense layer as the heat sees it: its mean over the 2,500 positions of each channel.
        self._pooled: Floats = self._own["c1.weight"].reshape(WIDTHS[0], CHANNELS, SIDE * SIDE).mean(axis=2)

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict.

        Raises
        ------
        ModelError : an array is missing, has another shape or dtype or holds a number that is not finite; or the
            card's input is not 450 pixels; or the device is not there.
        """
        if card.input_px != INPUT_PX:
            raise ModelError("CAE-CNN takes crops of one size", expected=f"{INPUT_PX} px", got=f"{card.input_px} px")
        own: dict[str, NDArray[Any]] = {}
        for name, shape in shapes(len(card.classes)).items():
            array, dtype = arrays.get(name), np.dtype(np.float16 if name in HALVES else np.float32)
            if array is None or array.shape != shape or array.dtype != dtype:
                got = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise ModelError(
                    f"the model's array '{name}' does not fit CAE-CNN", expected=f"{dtype} {shape}", got=got
                )
            if not np.isfinite(array).all():
                raise ModelError(f"the model's array '{name}' holds numbers that are not finite")
            own[name] = array
        return cls(card, own, device)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return dict(self._arrays)

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """Logits (n, C), the 80 units (n, 80) and, on request, heat (n, C, 50, 50) of crops (n, 450, 450, 3)."""
        logits, blocks, last = self._forward(crops)
        if not heat:
            return Raw(logits, _embedding(blocks, self._own), None)
        slopes = classifier_slopes(blocks, self._own) @ self._pooled
        return Raw(logits, _embedding(blocks, self._own), class_maps(last, slopes.astype(np.float32)))

    def reconstruct(self, crops: RGB) -> RGB:
        """What the autoencoder makes of crops (n, 450, 450, 3) uint8 again, the same shape and dtype."""
        if self._decoder is None:
            self._decoder = self._compiled(reconstructing=True)
        (pictures,) = self._decoder(crops)
        return np.rint(np.clip(pictures.transpose(0, 2, 3, 1), 0, 1) * 255).astype(np.uint8)

    @classmethod
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """Train the autoencoder, freeze its encoder, train the classifier on its codes."""
        from torch.nn.functional import mse_loss

        from allviewer.systems.cae_cnn_torch import encoder, fresh_autoencoder, fresh_classifier, pictures
        from allviewer.systems.descent import Descent, arrays_of, class_loss, plan_for
        from allviewer.systems.encoded import balanced_accuracy, drawn_codes, encode_views, whole_crops

        own, passes = cls.defaults, whole_option(studio.options, "autoencoder-epochs", 1)
        autoencoder = fresh_autoencoder(studio.seed)
        plan = plan_for(
            studio, own, batch=AUTOENCODER_BATCH, epochs=passes, schedule="constant", averaging=0.0, patience=None
        )
        first = Descent(autoencoder, pictures(studio), mse_loss, studio.weights, plan)
        yield from studio.run("autoencoder", first, passes)
        learned = arrays_of(first.settled())
        codes = encode_views(studio, encoder(autoencoder, studio.device), whole_option(studio.options, "views"))
        second = Descent(
            fresh_classifier(studio.classes, studio.seed), drawn_codes(studio, codes), class_loss("ce", 0.0),
            studio.weights, plan_for(studio, own, schedule="drop", averaging=0.0),
            whole_crops(studio, codes, balanced_accuracy),
        )  # fmt: skip
        yield from studio.run("classifier", second, studio.epochs)
        learned |= arrays_of(second.settled())
        return Fitted({k: v.astype(np.float16) if k in HALVES else v for k, v in learned.items()})

    def _compiled(self, *, reconstructing: bool) -> Forward:
        kind, name = self._runtime
        if kind == "openvino":
            from allviewer.systems.cae_cnn_openvino import compile_autoencoder, compile_classifier

            return (compile_autoencoder if reconstructing else compile_classifier)(self._own)
        from allviewer.systems.cae_cnn_torch import CAEForward

        return CAEForward(self._own, name, reconstructing=reconstructing)


def classifier_slopes(blocks: Floats, arrays: dict[str, Floats]) -> Floats:
    """How fast each class's logit rises with each output of the first dense layer.

    Parameters
    ----------
    blocks : (n, 120), both blocks after batch norm, before ReLU: 40 and 80.
    arrays : the model's, float32.

    Returns
    -------
    (n, C, 40) float32.
    """
    first, second = np.split(blocks, [WIDTHS[0]], axis=1)
    rise = np.broadcast_to(arrays["fc.weight"], (len(blocks), *arrays["fc.weight"].shape))
    rise = _before_block(rise, second, arrays, 2) @ arrays["c2.weight"]
    out: Floats = _before_block(rise, first, arrays, 1).astype(np.float32)
    return out


def _before_block(rise: Floats, normed: Floats, arrays: dict[str, Floats], number: int) -> Floats:
    """Slopes behind a block's layer norm, (n, C, d), taken to before its batch norm."""
    active = np.maximum(normed, 0)
    centred = active - active.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
    unit = (centred / spread)[:, None]
    scaled = rise * arrays[f"ln{number}.weight"]
    along = (scaled * unit).mean(axis=2, keepdims=True)
    inside = (scaled - scaled.mean(axis=2, keepdims=True) - unit * along) / spread[:, None]
    norm = arrays[f"bn{number}.weight"] / np.sqrt(arrays[f"bn{number}.running_var"] + EPSILON)
    out: Floats = inside * (normed > 0)[:, None] * norm
    return out


def _embedding(blocks: Floats, arrays: dict[str, Floats]) -> Floats:
    """What the last layer sees, (n, 80)."""
    active = np.maximum(blocks[:, WIDTHS[0] :], 0)
    centred = active - active.mean(axis=1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
    out: Floats = (unit * arrays["ln2.weight"] + arrays["ln2.bias"]).astype(np.float32)
    return out
