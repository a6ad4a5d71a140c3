"""The topology, the two runtimes, and the closed-form heat against pytorch-grad-cam."""

import numpy as np
import pytest
import torch

from allviewer.systems.alnet import ALNet, learnables, shapes
from allviewer.systems.alnet_torch import ALNetAnswers, ALNetModule, fresh_network
from allviewer.systems.descent import arrays_of
from allviewer.systems.torch_forward import TorchForward
from allviewer.systems.torchvision_guard import import_torchvision
from tests.systems.conftest import make_card, random_arrays


def torch_network(arrays):
    network = ALNetModule(len(arrays["d2.bias"]))
    kept = network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in arrays.items()}, strict=False)
    assert not kept.unexpected_keys
    return network.eval()


def test_learnables_are_the_papers():
    network = fresh_network(2, 0)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 535_010
    assert learnables() == 535_010
    stored = arrays_of(network)
    assert sum(a.size for a in stored.values()) == 535_458
    assert {k: a.shape for k, a in stored.items()} == shapes(2)


def test_shapes_follow_the_papers_table():
    network, seen = fresh_network(2, 0).eval(), {}
    for name in ("n1", "n2", "n3", "last", "d1"):
        network.get_submodule(name).register_forward_hook(lambda m, i, o, name=name: seen.update({name: o.shape[1:]}))
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 224, 224)).shape == (1, 2)
    assert seen["n1"] == (32, 54, 54)
    assert seen["n2"] == (64, 11, 11)
    assert seen["last"] == (128, 7, 7)
    assert seen["n3"] == (128, 3, 3)
    assert seen["d1"] == (128,)


@pytest.mark.parametrize("side", [216, 46, 45, 47, 50])
def test_two_stacked_pools_are_one(side):
    x = torch.from_numpy(np.random.default_rng(side).normal(size=(2, 3, side, side)))
    twice = torch.nn.functional.max_pool2d(torch.nn.functional.max_pool2d(x, 2), 2)
    assert torch.equal(twice, torch.nn.functional.max_pool2d(x, 4))


def test_openvino_is_what_runs_on_the_cpu_and_agrees_with_torch(net, arrays, crops):
    pytest.importorskip("openvino")
    assert type(net._forward).__name__ == "CompiledGraph"
    fast, slow = net._forward(crops), TorchForward(ALNetAnswers(arrays), "cpu")(crops)
    for a, b in zip(fast, slow, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-4 * max(1, np.abs(b).max())
    assert np.ptp(fast[0], axis=0).min() > 1e-3  # the crops do differ in their logits


def test_without_openvino_torch_answers_the_same(card, arrays, crops, net, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name))
    other = ALNet.from_arrays(card, arrays, "cpu")
    assert type(other._forward).__name__ == "TorchForward"
    a, b = net.run(crops, heat=True), other.run(crops, heat=True)
    np.testing.assert_allclose(a.logits, b.logits, atol=1e-4)
    np.testing.assert_allclose(a.heat, b.heat, atol=2e-5)


@pytest.mark.parametrize("classes", [2, 4])
def test_heat_equals_pytorch_grad_cam(crops, classes):
    """The raw map (weighted sum, ReLU, not rescaled), for every class."""
    import_torchvision()  # the peer imports it, and it may need the guard
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    arrays = random_arrays(3, classes)
    taxonomy = {2: "all-hem", 4: "own"}[classes]
    names = ("blast", "normal") if classes == 2 else tuple("abcd")
    card = make_card(classes=names, taxonomy=taxonomy)
    heat = ALNet.from_arrays(card, arrays, "cpu").run(crops, heat=True).heat
    network = torch_network(arrays)
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
    warm = []
    for c in range(classes):
        with GradCAM(model=network, target_layers=[network.last]) as cam:
            targets = [ClassifierOutputTarget(c)] * len(crops)
            output = cam.activations_and_grads(pixels)
            network.zero_grad()
            sum(t(o) for t, o in zip(targets, output, strict=True)).backward()
            features = cam.activations_and_grads.activations[0].numpy()
            slopes = cam.activations_and_grads.gradients[0].numpy()
            raw = cam.get_cam_image(pixels, network.last, targets, features, slopes, False)
        peer = np.maximum(raw, 0)
        assert np.abs(heat[:, c] - peer).max() <= 2e-5
        warm.append(peer.max())
    assert sum(w > 1e-3 for w in warm) >= 2  # there is heat to compare; a class may have none of its own


def test_classes_and_weights_change_the_maps(net, card, crops):
    heat = net.run(crops, heat=True).heat
    assert np.abs(heat[:, 0] - heat[:, 1]).max() > 1e-3
    other = ALNet.from_arrays(card, random_arrays(99), "cpu").run(crops, heat=True).heat
    a, b = heat[:, 0].reshape(len(crops), -1), other[:, 0].reshape(len(crops), -1)
    correlation = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True) if x.std() > 0 and y.std() > 0]
    assert len(correlation) == 0 or np.mean(correlation) < 0.7


def test_a_batch_is_its_crops_one_by_one(net, crops):
    together = net.run(crops, heat=True)
    for i in range(len(crops)):
        alone = net.run(crops[i : i + 1], heat=True)
        np.testing.assert_allclose(alone.logits[0], together.logits[i], atol=1e-5)
        np.testing.assert_allclose(alone.heat[0], together.heat[i], atol=1e-5)
