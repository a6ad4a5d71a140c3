"""The ACRNN's table, its two runtimes, and heat through the recurrent head against full autograd."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from allviewer.systems import oadls
from allviewer.systems.backbones.catalogue import BACKBONES
from allviewer.systems.backbones.networks import fresh
from allviewer.systems.backbones.stored import stored
from allviewer.systems.descent import arrays_of
from allviewer.systems.oadls import OADLS, Layout, layout_of, prepared, shapes, snake
from allviewer.systems.oadls_openvino import compile_acrnn
from allviewer.systems.oadls_torch import ACRNN, ACRNNForward, fresh_acrnn, precision
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.errors import ModelError
from tests.systems.conftest import make_card
from tests.systems.toys import ToyStudio, awake, defaults_of, fitted, kept_aside, stored_source

FULL = Layout(1280, 12, 12)
SMALL = Layout(64, 6, 6)
"""The same topology on a small map: 2 steps of 512 features."""
SOURCE = stored_source("mobilenet_v2_tf")


def lively(layout, classes=2, seed=0):
    """An ACRNN with running statistics that are not the neutral ones and weights that keep activations alive."""
    network, rng = fresh_acrnn(layout, classes, seed).eval(), np.random.default_rng(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(torch.from_numpy(rng.uniform(0.5, 2, value.shape)))
            elif name.endswith(("running_mean", "bias")):
                value.copy_(torch.from_numpy(rng.normal(0, 0.1, value.shape)))
    return network


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(1).uniform(0, 3, (3, 64, 6, 6)).astype(np.float32)


def test_learnables_follow_the_papers_table():
    network = ACRNN(FULL, 2)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    convolutions = {
        "l1": 32 * 15 + 32, "l2": 32 * 32 * 15 + 32, "l3": 64 * 32 * 3 + 64, "l4": 64 * 64 * 3 + 64,
        "l5": 128 * 64 * 5 + 128, "l6": 128 * 128 * 5 + 128, "l7": 256 * 128 * 9 + 256, "l8": 256 * 256 * 9 + 256,
    }  # fmt: skip
    assert {k: count[k] for k in convolutions} == convolutions
    assert [count[f"bn{n}"] for n in (2, 4, 6, 8)] == [64, 128, 256, 512]
    # two layers, two directions, three gates, two biases each as in torch
    assert count["gru"] == 2 * 3 * 256 * (10_240 + 256 + 2) + 2 * 3 * 256 * (512 + 256 + 2)
    assert [count[k] for k in ("attend_to", "attend_from", "attend", "fc")] == [512 * 512, 256 * 512, 512, 1026]
    assert sum(count.values()) == 18_746_210
    stored_shapes = {k: tuple(v.shape) for k, v in network.state_dict().items() if "num_batches" not in k}
    assert stored_shapes == shapes(FULL, 2)


def test_shapes_follow_the_papers_table():
    assert FULL.steps_and_features == (8, 10_240)
    assert Layout(1280, 7, 7).steps_and_features[0] == 2
    assert layout_of("efficientnet_v2_m") == layout_of("mobilenet_v2_tf") == FULL
    network, seen = ACRNN(FULL, 2).eval(), {}
    for name in ("l2", "l4", "l6", "l8", "gru"):
        network.get_submodule(name).register_forward_hook(
            lambda m, i, o, name=name: seen.update({name: i[0].shape[1:]})
        )
    with torch.no_grad():
        assert network(torch.zeros(1, 1280, 12, 12)).shape == (1, 2)
    assert seen == {
        "l2": (32, 1280, 144), "l4": (64, 320, 48), "l6": (128, 80, 48), "l8": (256, 80, 16), "gru": (8, 10_240),
    }  # fmt: skip


def test_neighbours_in_snake_order_are_neighbours_in_the_cell():
    order = snake(4, 5)
    assert sorted(order) == list(range(20))
    y, x = np.divmod(order, 5)
    assert (np.abs(np.diff(y)) + np.abs(np.diff(x)) == 1).all()
    assert order[:6].tolist() == [0, 1, 2, 3, 4, 9]


def test_attention_is_the_papers_equations():
    network, last = lively(SMALL), torch.rand(2, 64, 6, 6)
    seen = []
    network.gru.register_forward_hook(lambda m, i, o: seen.append(o[0]))
    with torch.no_grad():
        context = network.context(last)
        steps = seen[0]
        for row in range(2):
            before, scores = torch.zeros(256), []
            for step in steps[row]:
                inner = step @ network.attend_to.weight.T + before @ network.attend_from.weight.T  # eq. 4
                scores.append(torch.tanh(inner) @ network.attend.weight.T)
                before = step[:256]  # the forward direction's state
            shares = torch.softmax(torch.cat(scores), 0)  # eq. 5
            torch.testing.assert_close(context[row], (shares[:, None] * steps[row]).sum(0), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("layout", [SMALL, Layout(96, 5, 8)])
def test_openvino_agrees_with_torch(layout):
    pytest.importorskip("openvino")
    network = lively(layout, 3)
    maps = np.random.default_rng(2).uniform(0, 3, (3, layout.channels, layout.height, layout.width))
    arrays, maps = arrays_of(network), maps.astype(np.float32)
    fast, slow = compile_acrnn(arrays, layout, 1)(maps), ACRNNForward(arrays, layout, "cpu")(maps)
    for a, b in zip(fast, slow, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-4
    assert np.ptp(slow[0], axis=0).min() > 1e-3  # the maps do differ in their logits


@pytest.mark.parametrize("classes", [2, 4])
def test_slopes_equal_pytorch_grad_cam(maps, classes):
    import_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    from allviewer.systems.gradcam import class_maps

    network = lively(SMALL, classes, 4)
    forward = ACRNNForward(arrays_of(network), SMALL, "cpu")
    heat = class_maps(maps, forward.slopes(maps))
    whole, given = nn.Sequential(nn.Identity(), network).eval(), torch.from_numpy(maps).requires_grad_()
    for c in range(classes):
        with GradCAM(model=whole, target_layers=[whole[0]]) as cam:
            targets = [ClassifierOutputTarget(c)] * len(maps)
            output = cam.activations_and_grads(given)
            sum(t(o) for t, o in zip(targets, output, strict=True)).backward()
            features = cam.activations_and_grads.activations[0].numpy()
            slopes = cam.activations_and_grads.gradients[0].numpy()
            peer = np.maximum(cam.get_cam_image(given, whole[0], targets, features, slopes, False), 0)
        assert np.abs(heat[:, c] - peer).max() <= 2e-5
        np.testing.assert_allclose(heat[:, c], peer, atol=1e-3 * max(peer.max(), 1e-9))
    assert heat.max() > 0
    assert np.abs(heat[:, 0] - heat[:, 1]).max() > 0.05 * heat.max()  # classes differ
    other = ACRNNForward(arrays_of(lively(SMALL, classes, 5)), SMALL, "cpu").slopes(maps)
    assert abs(np.corrcoef(other.ravel(), forward.slopes(maps).ravel())[0, 1]) < 0.5  # and so do weights


def test_crops_are_filtered_then_equalised():
    from allviewer.pixels.equalise import equalise
    from allviewer.pixels.wiener import wiener

    crops = np.random.default_rng(0).integers(90, 160, (2, 32, 32, 3), dtype=np.uint8)
    out = prepared(crops)
    expected = equalise(np.clip(np.rint(wiener(crops[1], 5)), 0, 255).astype(np.uint8))
    assert np.array_equal(out[1], expected)
    assert out.std() > crops.std()  # equalised
    assert prepared(crops[:0]).shape == (0, 32, 32, 3)


def test_precision_is_of_the_first_of_two_classes_and_a_mean_of_more():
    truth, called = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 0, 1, 2, 2])
    assert precision(called, truth, 2) == pytest.approx(2 / 3)
    assert precision(called, truth, 3) == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert precision(torch.ones(3, dtype=torch.int64), torch.zeros(3), 2) == 0


@pytest.fixture(scope="module")
def crops():
    small = np.random.default_rng(7).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
    return np.stack([cv2.resize(s, (384, 384), interpolation=cv2.INTER_CUBIC) for s in small])


@pytest.fixture(scope="module")
def whole():
    """A whole model of the small variant: card, arrays, and its two networks as they are stored."""
    backbone = awake(fresh(BACKBONES["mobilenet_v2_tf"], 0, 384))
    arrays = stored(backbone, "backbone.0.")
    network = lively(FULL)
    arrays |= {f"acrnn.{k}": v.astype(np.float16) if v.ndim > 1 else v for k, v in arrays_of(network).items()}
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim > 1:
                value.copy_(value.half())
    options = defaults_of(OADLS, backbone="mobilenet_v2_tf", backbone_weights="none")
    return make_card(system="oadls", input_px=384, backbones=(SOURCE,), options=options), arrays, backbone, network


def test_a_whole_model_predicts_and_explains_as_its_networks(whole, crops, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    card, arrays, backbone, network = whole
    net = OADLS.from_arrays(card, arrays, "cpu")
    raw = net.run(crops, heat=True)
    pixels = torch.from_numpy(prepared(crops)).permute(0, 3, 1, 2).float()
    last = backbone.features(pixels).detach().requires_grad_()
    logits = network(last)
    assert np.abs(raw.logits - logits.detach().numpy()).max() <= 1e-4
    for c in range(2):
        slopes = torch.autograd.grad(logits[:, c].sum(), last, retain_graph=True)[0].mean((2, 3))
        peer = torch.relu((slopes[:, :, None, None] * last).sum(1)).detach().numpy()
        assert np.abs(raw.heat[:, c] - peer).max() <= 2e-5
    again = OADLS.from_arrays(card, net.arrays(), "cpu").run(crops)
    assert np.array_equal(again.logits, raw.logits)
    with pytest.raises(ModelError, match=r"fc\.bias"):
        OADLS.from_arrays(card, arrays | {"acrnn.fc.bias": np.zeros(3, np.float32)}, "cpu")
    with pytest.raises(ModelError, match="one backbone"):
        OADLS.from_arrays(make_card(system="oadls", input_px=384), arrays, "cpu")


class SmallTrunk:
    """Stands for a backbone: a fixed picture of the crop's colours, (n, 64, 6, 6)."""

    device = "cpu"

    def maps(self, crops):
        small = np.stack([cv2.resize(crop, (6, 6), interpolation=cv2.INTER_AREA) for crop in crops]) / 255
        mixed = small @ np.random.default_rng(0).normal(size=(3, 64))
        return (np.maximum(mixed, 0).transpose(0, 3, 1, 2).astype(np.float32),)


def test_a_fit_lowers_the_loss_and_leaves_the_networks_arrays(crops, monkeypatch):
    def small_trunk(studio, input_px, usual_px):
        yield from ()
        return SmallTrunk(), {}, (SOURCE,)

    monkeypatch.setattr(oadls, "trained_trunk", small_trunk)
    options = defaults_of(OADLS, backbone="mobilenet_v2_tf", views="1")
    threads, events = torch.get_num_threads(), []
    torch.set_num_threads(1)
    studio = kept_aside(ToyStudio(384, cells=4, epochs=12, **options), [1, 2])
    left = fitted(OADLS, studio, events)
    torch.set_num_threads(threads)
    assert [e.part for e in events] == ["acrnn"] * 12
    assert events[-1].loss < events[0].loss
    assert all(0 <= e.held_out <= 1 for e in events)
    assert {k: (a.shape, a.dtype.name) for k, a in left.arrays.items()} == {
        f"acrnn.{k}": (s, "float16" if len(s) > 1 else "float32") for k, s in shapes(SMALL, 2).items()
    }
    assert left.backbones == (SOURCE,)


def test_what_cannot_be_is_refused():
    for wrong in ({"backbone": "mobilenet_v2+googlenet"}, {"backbone_px": "64"}, {"views": "many"}):
        options = {"backbone": "mobilenet_v2_tf"} | wrong
        with pytest.raises(ModelError, match="one backbone|pools leave nothing|whole number"):  # noqa: RUF043
            fitted(OADLS, ToyStudio(16, **defaults_of(OADLS, **options)))
