"""Networks to predict with: the bundled models' own, and those of the literature with random weights."""

import numpy as np
import torch
from torch import nn

from allviewer.systems import list_models
from allviewer.systems.bundle import read_bundle
from allviewer.systems.torchvision_guard import import_torchvision
from peers.borrowed import borrow

LITERATURE = {
    "ResNet18": ("resnet18", 128), "EfficientNetV2-M": ("efficientnet_v2_m", 224),
    "MobileNetV3-L": ("mobilenet_v3_large", 224), "Inception-v3": ("inception_v3", 224),
    "GoogLeNet": ("googlenet", 224), "Xception": ("xception", 224),
}  # fmt: skip


def literature(name):
    """A network with random weights; its batch norms have seen some crops, so that nothing explodes."""
    torchs, px = LITERATURE[name]
    torch.manual_seed(0)
    if torchs == "xception":
        bare = borrow("timm").create_model("legacy_xception", pretrained=False)
    else:
        more = {"aux_logits": False, "init_weights": True} if torchs in ("inception_v3", "googlenet") else {}
        bare = getattr(import_torchvision().models, torchs)(weights=None, **more)
    for module in bare.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain average of what it sees
    with torch.no_grad():
        bare.train()(torch.from_numpy(crops(4, px)).permute(0, 3, 1, 2).float() / 128 - 1)
    return Scaled(bare).eval()


class Scaled(nn.Module):
    """A network of the literature behind its scaling, from 0..255."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixels):
        return self.network(pixels / 128 - 1)


def crops(n, px):
    """(n, px, px, 3) uint8 with structure of many sizes."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(n):
        layers = [
            np.kron(rng.normal(0, 40, (px // k + 1,) * 2 + (3,)), np.ones((k, k, 1)))[:px, :px] for k in (1, 8, 32)
        ]
        rows.append(np.clip(150 + sum(layers), 0, 255).astype(np.uint8))
    return np.stack(rows)


IN_TORCH = ("alnet", "blastnet")
"""Systems whose network `torch_form` can build; the others' weight lies in a network of the literature."""


def bundled():
    """The bundled models that take one cell and can be built in torch, by name: their entries."""
    own = (entry for entry in list_models() if entry.card.unit == "cell" and "models" in entry.path.parts)
    return {entry.name: entry for entry in own if entry.card.system in IN_TORCH}


def torch_form(entry):
    """A bundled model's network in torch, (n, 3, S, S) in 0..255 → logits, with its last spatial map at ``last``."""
    card, arrays, _ = read_bundle(entry.path)
    if card.system == "alnet":
        from allviewer.systems.alnet_torch import ALNetAnswers

        return ALNetAnswers(arrays).network.eval()
    from allviewer.systems.blastnet import pads_as_tensorflow
    from allviewer.systems.blastnet_torch import BlastNetModule

    return BlastNetModule(arrays, pads_as_tensorflow(card)).eval()
