"""The ImageNet networks that systems build on, as data: no torch is imported to know them."""

from dataclasses import dataclass

from allviewer.vocab.errors import ModelError

_HALF = (0.5, 0.5, 0.5)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class BackboneKind:
    """A convolutional network without its classifier.

    Attributes
    ----------
    name : here and in a card.
    library : that builds it and publishes its weights: ``torchvision`` or ``timm``.
    builder : the library's name for it.
    weights : official name of its ImageNet weights; empty where there is no official place for them.
    licence : of library and weights.
    px : side it was trained at, pixels; what is fed to it is brought to that.
    width : channels of its last map.
    stride : of that map, in input pixels.
    learnables : trainable numbers up to that map.
    mean, deviation : ``(x / 255 - mean) / deviation`` is what its first layer takes.
    same_padding : pads convolutions of stride 2 as TensorFlow's SAME does, more behind than before.
    without : layers of the library's network behind the last map, which are not used.
    """

    name: str
    library: str
    builder: str
    weights: str
    licence: str
    px: int
    width: int
    stride: int
    learnables: int
    mean: tuple[float, float, float] = _MEAN
    deviation: tuple[float, float, float] = _DEVIATION
    same_padding: bool = False
    without: tuple[str, ...] = ("classifier",)


_KINDS = (
    BackboneKind(
        "googlenet", "torchvision", "googlenet", "GoogLeNet_Weights.IMAGENET1K_V1", "BSD-3-Clause",
        224, 1024, 32, 5_599_904, _HALF, _HALF, without=("avgpool", "dropout", "fc", "aux1", "aux2"),
    ),
    BackboneKind(
        "inception_v3", "torchvision", "inception_v3", "Inception_V3_Weights.IMAGENET1K_V1", "BSD-3-Clause",
        299, 2048, 32, 21_785_568, _HALF, _HALF, without=("avgpool", "dropout", "fc", "AuxLogits"),
    ),
    BackboneKind(
        "xception", "timm", "legacy_xception", "legacy_xception.tf_in1k", "Apache-2.0",
        299, 2048, 32, 20_806_952, _HALF, _HALF, without=("global_pool", "fc", "last_linear"),
    ),
    BackboneKind(
        "efficientnet_v2_m", "torchvision", "efficientnet_v2_m", "EfficientNet_V2_M_Weights.IMAGENET1K_V1",
        "BSD-3-Clause", 384, 1280, 32, 52_858_356, without=("avgpool", "classifier"),
    ),
    BackboneKind(
        "mobilenet_v2", "torchvision", "mobilenet_v2", "MobileNet_V2_Weights.IMAGENET1K_V2", "BSD-3-Clause",
        224, 1280, 32, 2_223_872,
    ),
    BackboneKind(
        "mobilenet_v2_tf", "torchvision", "mobilenet_v2", "", "BSD-3-Clause; weights as their file says",
        224, 1280, 32, 2_223_872, _HALF, _HALF, same_padding=True,
    ),
)  # fmt: skip

BACKBONES = {kind.name: kind for kind in _KINDS}
"""By name. ``mobilenet_v2_tf`` is `mobilenet_v2` padded and scaled as TensorFlow does: for weights that come from
there. A file of weights does not say which of the two it belongs to, so its user does, by the name."""


def kind_of(name: str) -> BackboneKind:
    """The backbone of a name; ModelError names the ones there are."""
    try:
        return BACKBONES[name]
    except KeyError:
        raise ModelError(f"'{name}' is no backbone", expected=", ".join(BACKBONES)) from None
