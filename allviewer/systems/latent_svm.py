"""Latent-space features of two pretrained networks, classified by a cubic support vector machine.

Atteia G. E., Latent space representational learning of deep features for acute lymphoblastic leukemia diagnosis,
Comput. Syst. Sci. Eng. (2022). Read as ::

    crop ─ GoogLeNet, 224 px     ─ last map 7x7x1024 ─ global average pool ─ 1,024 ┐
    crop ─ Inception-v3, 299 px  ─ last map 8x8x2048 ─ global average pool ─ 2,048 ┴ 3,072 features
    scaled to 0..1 ─ sparse autoencoder's encoder, sigmoid ─ 768 latent features
    standardised ─ cubic polynomial SVM ─ decision values

The sparse autoencoder (`sparse_autoencoder`: 4,722,432 learnables for 3,072 and 768, of which the encoder's 2,360,064
are kept) is fitted by scaled conjugate gradient, at most 750 epochs or to a gradient norm of 1e-6. Cells, their
mirror images left to right and upside down are its samples and the SVM's, as in the paper.

Readings and departures
-----------------------
- The paper prints 229 px for Inception-v3; the network takes 299.
- Mirrored copies, scaler, autoencoder, standardisation and SVM are made and fitted inside the training fold; the paper
  mirrors before it splits, and fits its autoencoder on all folds.
- Eq. 1's error is summed over features and averaged over samples; eq. 2's weights are halved (`sparse_autoencoder`).
- Classes and sessions are balanced by the samples' weights in the SVM. More than two classes: one machine a class
  against the rest; the paper has two.
- Probabilities are the calibrated softmax of the decision values.
- ``latent`` is a share of the features, as in the paper's three cases: 25 % (768), 50 % (1,536), 75 % (2,304).

Heat is Grad-CAM of the decision value on each network's last map, exactly: the polynomial kernel's gradient in the
latent features goes through standardisation, encoder, scaler and pool in closed form; the two maps are summed at the
larger one's size.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.backbones import BackboneChoice, backbone_options, whole_option
from allviewer.systems.backbones.trunk import Trunk, pool, trained_trunk
from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.cubic_svm import CubicSVM
from allviewer.systems.system import Defaults, Raw
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import ModelError

BACKBONE = "googlenet+inception_v3"
INPUT_PX = 299
SHARES = ("25", "50", "75")


class LatentSVM:
    """A trained latent-svm, ready to predict on the device chosen."""

    key: ClassVar[str] = "latent-svm"
    defaults: ClassVar[Defaults] = Defaults(
        paper="Atteia G. E., Latent space representational learning of deep features for acute lymphoblastic leukemia "
        "diagnosis, Comput. Syst. Sci. Eng. (2022)",
        optimiser="scaled conjugate gradient",
        learning_rate=0,
        batch=0,
        epochs=750,
        paper_epochs=750,
        input_px=INPUT_PX,
        departures=(
            "single cells, brought to one light and one nuclear stain (paper: whole fields and crops alike)",
            "everything is fitted inside the training fold (paper: mirrored and autoencoded before splitting)",
            "the SVM's samples are weighted so that classes and sessions balance",
        ),
    )
    options: ClassVar[Mapping[str, Option]] = backbone_options(BACKBONE) | {
        "latent": Option("25", "latent features as a share of the pooled ones, percent", SHARES),
        "views": Option("0", "augmented views of every cell beside the paper's three (as it is, and mirrored twice)"),
    }

    def __init__(self, card: SystemCard, arrays: dict[str, NDArray[Any]], trunk: Trunk) -> None:
        self.card, self.device = card, trunk.device
        self._arrays, self._trunk = arrays, trunk
        self._svm = CubicSVM.from_arrays(arrays, len(arrays["encoder.bias"]), len(card.classes))

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict.

        Raises
        ------
        ModelError : an array is missing, has another shape or holds a number that is not finite; frozen layers that
            the card names are not here; or the device is not there.
        """
        sides = BackboneChoice.of(card.options).sides()
        trunk = Trunk(card.backbones, arrays, card.input_px, device, sides)
        features = sum(trunk.widths)
        hidden = len(arrays["encoder.bias"]) if "encoder.bias" in arrays else 0
        shapes = {
            "scaler.least": (features,), "scaler.span": (features,), "encoder.weight": (hidden, features),
            "encoder.bias": (hidden,), "latent.mean": (hidden,), "latent.deviation": (hidden,),
        }  # fmt: skip
        own: dict[str, NDArray[Any]] = {n: a for n, a in arrays.items() if n.startswith(("svm.", "backbone."))}
        for name, shape in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                got = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise ModelError(
                    f"the model's array '{name}' does not fit latent-svm", expected=f"finite float32 {shape}", got=got
                )
            own[name] = array
        if min(own["scaler.span"].min(), own["latent.deviation"].min()) <= 0:
            raise ModelError("the model's scaler divides by zero")
        return cls(card, own, trunk)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return dict(self._arrays)

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """Decision values (n, C), latent features and, on request, heat of crops (n, S, S, 3)."""
        maps = self._trunk.maps(crops)
        latent = encode(self._arrays, pool(maps))
        x = (latent - self._arrays["latent.mean"]) / self._arrays["latent.deviation"]
        logits = self._svm.decide(x).astype(np.float32)
        if not heat:
            return Raw(logits, latent, None)
        slopes = self._svm.slopes(x) / self._arrays["latent.deviation"] * (latent * (1 - latent))[:, None, :]
        slopes = (slopes @ self._arrays["encoder.weight"] / self._arrays["scaler.span"]).astype(np.float32)
        return Raw(logits, latent, self._trunk.heat(maps, slopes))

    @classmethod
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """The paper's phases: features of mirrored cells, autoencoder, SVM."""
        trunk, arrays, sources = yield from trained_trunk(studio, INPUT_PX)
        features, rows = _features(studio, trunk)
        arrays |= yield from _autoencoder(studio, features)
        latent = encode(arrays, features)
        mean, deviation = latent.mean(axis=0), latent.std(axis=0)
        arrays |= {"latent.mean": mean, "latent.deviation": np.where(deviation > 1e-7, deviation, 1).astype(np.float32)}
        x = (latent - mean) / arrays["latent.deviation"]
        weights = studio.weights[rows]
        machine = CubicSVM.fit(x, studio.labels[rows], weights / weights.mean())
        return Fitted(arrays | machine.arrays(), sources, BackboneChoice.of(studio.options).notes(BACKBONE))


def encode(arrays: Arrays, features: Floats) -> Floats:
    """Latent features (n, hidden) of pooled ones (n, K)."""
    from scipy.special import expit

    scaled = (features - arrays["scaler.least"]) / arrays["scaler.span"]
    latent: Floats = expit(scaled @ arrays["encoder.weight"].T + arrays["encoder.bias"])
    return latent


def _features(studio: Studio, trunk: Trunk) -> tuple[Floats, NDArray[np.intp]]:
    """Pooled features of every cell that may be drawn, its mirror images and what views were asked for; and its row."""
    rows = np.flatnonzero(studio.weights > 0)
    extra = whole_option(studio.options, "views")

    def compute() -> dict[str, NDArray[Any]]:
        crops = studio.crops()[rows]
        parts = [trunk.pooled(crops), trunk.pooled(crops[:, :, ::-1]), trunk.pooled(crops[:, ::-1])]
        for view in range(extra):
            rng = np.random.default_rng([studio.seed, view])
            batches = np.array_split(rows, -(-len(rows) // 64))
            parts.append(np.concatenate([trunk.pooled(studio.views(b, rng)) for b in batches]))
        return {"features": np.concatenate(parts)}

    return studio.once("features", compute)["features"], np.tile(rows, 3 + extra)


def _autoencoder(studio: Studio, features: Floats) -> Progress[dict[str, NDArray[Any]]]:
    """Scaler and encoder, fitted."""
    import torch

    from allviewer.systems.scaled_conjugate_gradient import ScaledConjugateGradient
    from allviewer.systems.sparse_autoencoder import SparseAutoencoder, range_scaler

    least, span = range_scaler(features)
    where = "cpu" if studio.device == "mps" else studio.device  # Apple's devices know no double precision
    x = torch.from_numpy((features - least) / span).to(where, torch.float64)
    network = SparseAutoencoder(features.shape[1], features.shape[1] * int(studio.options["latent"]) // 100)
    stage = ScaledConjugateGradient(lambda w: network.loss(w, x), network.start(studio.seed).to(where))
    yield from studio.run("autoencoder", stage, studio.epochs)
    weight, bias, _, _ = (part.float().cpu().numpy().copy() for part in network.parts(stage.w))
    return {"scaler.least": least, "scaler.span": span, "encoder.weight": weight, "encoder.bias": bias}
