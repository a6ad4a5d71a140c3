"""BlastNet: its shapes, its two runtimes, its heat, and that it learns cells and not sessions."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from allviewer.systems.backbones.catalogue import kind_of
from allviewer.systems.backbones.networks import fresh
from allviewer.systems.blastnet import GRID, POOLED, BlastNet, evidence_weights, filters, learnables, shapes
from allviewer.systems.blastnet_fit import blank_head, fit_blastnet, folded, in_strata, session_loss
from allviewer.systems.blastnet_torch import BlastNetAnswers, BlastNetModule
from allviewer.systems.card import BackboneSource
from allviewer.systems.descent import Descent, Plan
from allviewer.systems.torch_forward import TorchForward
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.errors import ModelError
from tests.systems.conftest import make_card


def random_arrays(seed=0, classes=2):
    """Filters of a size that keeps activations alive; a head that looks at all of it."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, (shape, kind) in shapes(classes).items():
        if len(shape) == 4:
            values = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        elif name == "pool.scale":
            values = rng.uniform(0.1, 0.3, shape)
        elif name.startswith("input"):
            values = np.full(shape, 1 / 127.5 if name.endswith("scale") else -1)
        else:
            values = rng.normal(0, 0.1, shape)
        arrays[name] = values.astype(kind)
    return arrays


def blast_card(classes=2, backbone="mobilenet_v2_tf"):
    source = BackboneSource(name=backbone, library="file", weights="w", digest="0", frozen=False)
    names, taxonomy = (("blast", "normal"), "all-hem") if classes == 2 else (tuple("abcd"), "own")
    return make_card(
        system="blastnet", input_px=192, crop_um=18.0, classes=names, taxonomy=taxonomy, backbones=(source,)
    )


@pytest.fixture(scope="module")
def cells():
    """Two crops with smooth structure, (2, 192, 192, 3) uint8."""
    import cv2

    small = np.random.default_rng(7).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
    return np.stack([cv2.resize(s, (192, 192), interpolation=cv2.INTER_CUBIC) for s in small])


def test_learnables_and_shapes():
    network = BlastNetModule(random_arrays(), True)
    assert sum(p.numel() for p in network.parameters()) == learnables(2) == 1_795_936 + 258
    stored = network.arrays()
    assert {name: (a.shape, a.dtype) for name, a in stored.items()} == {
        name: (shape, np.dtype(kind)) for name, (shape, kind) in shapes(2).items()
    }
    assert sum(a.nbytes for a in stored.values()) < 5 << 20
    with torch.no_grad():
        assert network.column(torch.zeros(1, 3, 192, 192)).shape == (1, POOLED, GRID, GRID)


@pytest.mark.parametrize("as_tensorflow", [True, False])
def test_folding_keeps_the_backbone(as_tensorflow):
    """The filters with batch norms worked in answer what torchvision's own network answers."""
    backbone = fresh(kind_of("mobilenet_v2_tf" if as_tensorflow else "mobilenet_v2"), 3, 192).eval()
    rng = torch.Generator().manual_seed(1)
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=rng)
            module.running_var.uniform_(0.5, 1.5, generator=rng)
    kind = backbone.kind
    arrays = folded(backbone.net.state_dict(), 255 * np.array(kind.mean), 255 * np.array(kind.deviation))
    network = BlastNetModule(arrays | blank_head(2), as_tensorflow).eval()
    pixels = 255 * torch.rand(1, 3, 192, 192, generator=rng)
    with torch.no_grad():
        x = (pixels - backbone.mean) / backbone.deviation
        for number, layer in enumerate(backbone.net.features[:18]):
            x = layer(x)
            if number in (4, 17):
                ours = network.taps(pixels)[0 if number == 4 else -1]
                assert (ours - x).abs().max() <= 1e-4 * max(1, float(x.abs().max()))


@pytest.mark.parametrize("backbone", ["mobilenet_v2_tf", "mobilenet_v2"])
def test_openvino_agrees_with_torch(cells, backbone):
    pytest.importorskip("openvino")
    arrays, card = random_arrays(), blast_card(backbone=backbone)
    net = BlastNet.from_arrays(card, arrays, "cpu")
    assert type(net._forward).__name__ == "CompiledGraph"
    fast = net._forward(cells)
    slow = TorchForward(BlastNetAnswers(arrays, backbone.endswith("tf")), "cpu")(cells)
    for a, b in zip(fast, slow, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-4 * max(1, np.abs(b).max())
    assert np.ptp(fast[0], axis=0).min() > 1e-3  # the crops do differ in their logits
    one = net.run(cells[1:2], heat=True)
    np.testing.assert_allclose(one.logits[0], fast[0][1], atol=1e-4 * max(1, np.abs(fast[0]).max()))


@pytest.mark.parametrize("classes", [2, 4])
def test_heat_equals_pytorch_grad_cam(cells, classes):
    import_torchvision()  # the peer imports it, and it may need the guard
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    arrays = random_arrays(3, classes)
    heat = BlastNet.from_arrays(blast_card(classes), arrays, "cpu").run(cells, heat=True).heat
    network = BlastNetModule(arrays, True).eval()
    pixels = torch.from_numpy(cells).permute(0, 3, 1, 2).float()
    for c in range(classes):
        with GradCAM(model=network, target_layers=[network.last]) as cam:
            targets = [ClassifierOutputTarget(c)] * len(cells)
            output = cam.activations_and_grads(pixels)
            network.zero_grad()
            sum(t(o) for t, o in zip(targets, output, strict=True)).backward()
            features = cam.activations_and_grads.activations[0].numpy()
            slopes = cam.activations_and_grads.gradients[0].numpy()
            peer = np.maximum(cam.get_cam_image(pixels, network.last, targets, features, slopes, False), 0)
        assert peer.max() > 1e-3
        assert np.abs(heat[:, c] - peer).max() <= 2e-5 * max(1, peer.max())
    assert np.abs(heat[:, 0] - heat[:, 1]).max() > 1e-3


def test_a_maps_mean_is_its_logit(cells):
    """What the map shows is all there is: the evidence of every position sums to the logit, but for the bias."""
    arrays = random_arrays(5)
    net = BlastNet.from_arrays(blast_card(), arrays, "cpu")
    logits, _, evidence = net._forward(cells)
    through, bias = evidence.sum((2, 3)), arrays["dense.bias"]
    np.testing.assert_allclose(through + bias, logits, atol=1e-3 * max(1, np.abs(logits).max()))
    assert evidence_weights(arrays)[0].shape == (2, POOLED)


def test_arrays_that_do_not_fit_are_refused():
    arrays = random_arrays()
    with pytest.raises(ModelError, match=r"axes\.weight"):
        BlastNet.from_arrays(blast_card(), arrays | {"axes.weight": np.zeros((3, 3), np.float32)}, "cpu")
    spoiled = arrays["dense.bias"].copy()
    spoiled[0] = np.nan
    with pytest.raises(ModelError, match="finite"):
        BlastNet.from_arrays(blast_card(), arrays | {"dense.bias": spoiled}, "cpu")
    assert set(filters()) <= {name.removesuffix(".weight") for name in arrays}


class Room:
    """A studio of coloured discs: blue or red is the class, dark or bright the session."""

    def __init__(self, n=12):
        rng = np.random.default_rng(0)
        self.classes, self.labels, self.seed = 2, np.arange(n) % 2, 0
        self.groups = np.where(np.arange(n) % 3 == 0, "dark", "bright")
        self.weights, self.draws = np.full(n, 1 / n), 8
        self.device, self.precision, self.epochs, self.learning_rate, self.patience = "cpu", "fp32", 1, 1e-4, None
        self.options = {"backbone": "mobilenet_v2_tf", "backbone-weights": "none"}
        block = np.full((n, 192, 192, 3), 230, np.uint8)
        for i in range(n):
            shade = 60 if self.groups[i] == "dark" else 140
            block[i, 60:130, 60:130] = (shade, 40, 160) if self.labels[i] else (160, 40, shade)
        self._crops = (block + rng.integers(0, 20, block.shape)).astype(np.uint8)

    def crops(self):
        return self._crops

    def views(self, rows, rng):
        return self._crops[rows]

    def once(self, name, compute):
        return dict(compute())

    def run(self, name, stage, epochs):
        for number in range(epochs):
            yield stage.epoch(number)


def test_a_fit_learns_saves_and_predicts_the_same():
    import_torchvision()
    room = Room()
    steps = fit_blastnet(room, BlastNet.defaults)
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        fitted = stop.value
    assert {k: v.shape for k, v in fitted.arrays.items()} == {k: s for k, (s, _) in shapes(2).items()}
    card = blast_card()
    first = BlastNet.from_arrays(card, fitted.arrays, "cpu")
    raw = first.run(room.crops())
    for group in np.unique(room.groups):  # sessions may differ as a whole: their intercepts are not kept
        margin, label = (values[room.groups == group] for values in (raw.logits[:, 1] - raw.logits[:, 0], room.labels))
        assert margin[label == 1].min() > margin[label == 0].max()
    again = BlastNet.from_arrays(card, first.arrays(), "cpu").run(room.crops())
    np.testing.assert_array_equal(raw.logits, again.logits)


def test_training_lowers_the_loss():
    room = Room(4)
    network = BlastNetModule(random_arrays(2), True)
    network.register_parameter("sessions", torch.nn.Parameter(torch.zeros(2, 2)))
    plan = Plan(4, 4, 2e-5, "adamw", 0, "cpu", 4, warmup=0.0, averaging=0)
    target = torch.tensor(np.stack([room.labels, room.groups == "dark"], 1), dtype=torch.float32)
    pixels = torch.from_numpy(room.crops()).permute(0, 3, 1, 2).float()
    stage = Descent(network, lambda rows, rng: (pixels, target), session_loss(network), room.weights, plan)
    losses = [stage.epoch(i).loss for i in range(4)]
    assert losses[-1] < losses[0]


def test_sessions_of_one_class_give_no_strata():
    labels = np.array([0, 0, 1, 1])
    some = np.full(4, 0.25)
    assert in_strata(labels, np.array(["a", "b", "a", "b"]), some)
    assert not in_strata(labels, np.array(["a", "a", "b", "b"]), some)
    assert not in_strata(labels, np.array(["a", "b", "c", "d"]), some)
    assert SimpleNamespace(**BlastNet.options).backbone.default == "mobilenet_v2"
