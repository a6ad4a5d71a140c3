"""xincept: the head's size and gradient, its two stages, trees on its features, and what is saved."""

import sys

import numpy as np
import pytest
import torch

from allviewer.systems.backbones import BACKBONES, BackboneChoice
from allviewer.systems.backbones.networks import fresh
from allviewer.systems.backbones.stored import restored
from allviewer.systems.boosted_trees import BoostedTrees
from allviewer.systems.bundle import read_bundle, write_bundle
from allviewer.systems.descent import arrays_of
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.systems.xincept import XIncept
from allviewer.systems.xincept_head import ACTIVATIONS, DenseHead, activate, learnables, shapes, slope
from allviewer.systems.xincept_torch import HeadModule
from allviewer.vocab.errors import ModelError
from tests.systems.conftest import make_card
from tests.systems.toys import GivenMaps, ToyStudio, awake_arrays, fitted, stored_source, tiny_backbones

pytest.importorskip("xgboost")
NAMES = {2: ("blast", "normal"), 4: ("benign", "early", "pre", "pro")}
TAXONOMY = {2: "all-hem", 4: "benign-early-pre-pro"}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "xincept-cache"))
    tiny_backbones(monkeypatch, tiny=12, other=8)
    yield
    torch.set_num_threads(threads)


def options(**changes):
    chosen = {name: option.default for name, option in XIncept.options.items()}
    chosen |= {"backbone": "tiny+other", "backbone-weights": "none", "backbone-epochs": "2", "trees": "10"}
    return chosen | {"backbone-px": "64", "views": "2"} | changes


def card_for(classes=2, sources=None, **changes):
    sources = sources or (stored_source("tiny"), stored_source("other"))
    return make_card(
        system="xincept", classes=NAMES[classes], taxonomy=TAXONOMY[classes], backbones=sources,
        options=options(**changes),
    )  # fmt: skip


def small_forest(classes, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(80, 64)).astype(np.float32)
    return BoostedTrees.grow(x, np.arange(80) % classes, np.ones(80), classes, seed, rounds=4).arrays()


@pytest.fixture(scope="module", params=[2, 4])
def trained(request, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "xincept-cache"))
    tiny_backbones(patch, tiny=12, other=8)
    studio = ToyStudio(224, classes=request.param, cells=24, epochs=25, rate=3e-3, **options())
    left = fitted(XIncept, studio)
    card = card_for(request.param, left.backbones)
    yield XIncept.from_arrays(card, left.arrays, "cpu"), studio, left, card
    patch.undo()


def test_the_heads_learnables_are_the_algorithms():
    """Two branches of dense 64 and dense C on 2,048 channels, then 4 → 128 → 64 → 2."""
    assert learnables((2048, 2048), 2) == 2 * (2048 * 64 + 64 + 64 * 2 + 2) + 4 * 128 + 128 + 128 * 64 + 64 + 130
    assert learnables((2048, 2048), 2) == 271_558
    assert sum(p.numel() for p in HeadModule((2048, 2048), 2, "gelu", 0).parameters()) == 271_558
    choice = BackboneChoice.of({k: o.default for k, o in XIncept.options.items()})
    assert [BACKBONES[n].width for n in choice.names] == [2048, 2048]
    assert choice.sides(224) == (224, 224)


def test_a_step_of_the_full_head_lowers_its_loss():
    network = HeadModule((2048, 2048), 4, "gelu", 0)
    x = torch.rand(8, 4096, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(network(x), torch.arange(8) % 4) + network.penalty()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[2] < losses[1] < losses[0]


def test_the_penalty_is_on_the_three_linear_outputs_alone():
    network = HeadModule((5, 3), 2, "relu", 0)
    arrays = arrays_of(network)
    expected = sum((arrays[f"{n}.weight"] ** 2).sum() for n in ("branch.0.out", "branch.1.out", "fusion.out"))
    assert float(network.penalty().detach()) == pytest.approx(0.01 * float(expected), rel=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_head_in_numpy_is_the_head_in_torch(activation):
    network = HeadModule((12, 8), 3, activation, 1)
    head = DenseHead(arrays_of(network), (12, 8), activation)
    x = np.random.default_rng(0).normal(size=(5, 20)).astype(np.float32)
    leaf = torch.from_numpy(x).requires_grad_()
    logits = network(leaf)
    seen = head.run(x)
    np.testing.assert_allclose(seen.logits, logits.detach().numpy(), atol=1e-6)
    slopes = head.slopes(seen)
    for c in range(3):
        (peer,) = torch.autograd.grad(logits[:, c].sum(), leaf, retain_graph=True)
        assert np.abs(slopes[:, c] - peer.numpy()).max() <= 1e-6
    assert np.abs(slopes).max() > 1e-3


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_their_slopes_are_torchs(activation):
    x = np.linspace(-4, 4, 81, dtype=np.float32) + np.float32(0.01)
    leaf = torch.from_numpy(x).requires_grad_()
    y = torch.nn.functional.gelu(leaf) if activation == "gelu" else torch.relu(leaf)
    y.sum().backward()
    np.testing.assert_allclose(activate(x, activation), y.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(slope(x, activation), leaf.grad.numpy(), atol=1e-6)


def test_the_stages_lower_their_losses_and_the_trees_tell_the_classes_apart(trained):
    system, studio, left, _ = trained
    assert list(dict(studio.told)) == ["backbone", "head"]
    for stage in ("backbone", "head"):
        losses = [loss for name, loss in studio.told if name == stage]
        assert losses[-1] < losses[0]
    assert left.arrays["trees.speaks_for"].shape == (10 * studio.classes,)
    raw = system.run(studio.crops())
    assert raw.logits.shape == (24, studio.classes)
    assert raw.embedding.shape == (24, 64)
    assert (raw.logits.argmax(axis=1) == studio.labels).mean() > 0.8


def test_the_answer_is_the_trees_not_the_heads(trained):
    system, studio, left, _ = trained
    raw = system.run(studio.crops())
    trees = BoostedTrees.from_arrays(left.arrays, 64, studio.classes)
    np.testing.assert_array_equal(raw.logits, trees.margins(raw.embedding))
    assert "no gradient" in XIncept.defaults.explains


def test_saved_and_loaded_it_answers_the_same_without_xgboost(trained, tmp_path, monkeypatch):
    system, studio, _, card = trained
    write_bundle(tmp_path / "a.safetensors", card, system.arrays())
    monkeypatch.setitem(sys.modules, "xgboost", None)
    again = XIncept.from_arrays(*read_bundle(tmp_path / "a.safetensors")[:2], device="cpu")
    a, b = (s.run(studio.crops(), heat=True) for s in (system, again))
    for name in ("logits", "embedding", "heat"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("classes", [2, 4])
def test_heat_is_grad_cam_of_the_neural_head(classes):
    """Against autograd from the head's logit down to both maps."""
    rng = np.random.default_rng(classes)
    maps = [rng.normal(0.5, 1, (3, 12, 7, 7)), rng.normal(0.5, 1, (3, 8, 5, 5))]
    network = HeadModule((12, 8), classes, "gelu", 4)
    system = XIncept(card_for(classes), arrays_of(network) | small_forest(classes), GivenMaps(*maps))
    heat = system.run(None, heat=True).heat
    leaves = [torch.from_numpy(m.astype(np.float32)).requires_grad_() for m in maps]
    logits = network(torch.cat([m.mean((2, 3)) for m in leaves], dim=1))
    assert heat.shape == (3, classes, 7, 7)
    for c in range(classes):
        peer = np.zeros((3, 7, 7), np.float32)
        for m, g in zip(leaves, torch.autograd.grad(logits[:, c].sum(), leaves, retain_graph=True), strict=True):
            raw = torch.relu((g.mean((2, 3), keepdim=True) * m).sum(1, keepdim=True)).detach()
            peer += torch.nn.functional.interpolate(raw, size=(7, 7), mode="bilinear")[:, 0].numpy()
        assert np.abs(heat[:, c] - peer).max() <= 2e-5
        assert peer.max() > 1e-3
        assert np.abs(heat[:, c] - heat[:, c - 1]).max() > 1e-3


def test_heat_equals_pytorch_grad_cam():
    """One backbone, whole: the peer hooks its last layer and runs backwards through the head."""
    import_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    arrays, sources = awake_arrays(("tiny",))
    head = HeadModule((12,), 2, "gelu", 4)
    crops = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), dtype=np.uint8)
    card = card_for(2, sources, backbone="tiny")
    heat = XIncept.from_arrays(card, arrays | arrays_of(head) | small_forest(2), "cpu").run(crops, heat=True).heat
    backbone = restored(sources[0], arrays, "backbone.0.")
    whole = torch.nn.Sequential(backbone, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head).eval()
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
    for c in range(2):
        with GradCAM(model=whole, target_layers=[backbone.net.last]) as cam:
            targets = [ClassifierOutputTarget(c)] * len(crops)
            output = cam.activations_and_grads(pixels)
            sum(t(o) for t, o in zip(targets, output, strict=True)).backward()
            features = cam.activations_and_grads.activations[0].numpy()
            slopes = cam.activations_and_grads.gradients[0].numpy()
            peer = np.maximum(cam.get_cam_image(pixels, None, targets, features, slopes, False), 0)
        assert np.abs(heat[:, c] - peer).max() <= 1e-3 * heat.max()  # float32 through seven layers, of faint heat
    assert heat.max() > 1e-4


def test_other_weights_other_maps(trained):
    system, studio, left, card = trained
    shuffled, rng = dict(left.arrays), np.random.default_rng(1)
    for name in ("branch.0.dense.weight", "branch.1.dense.weight", "backbone.0.last.0.weight"):
        shuffled[name] = rng.permutation(shuffled[name].reshape(-1)).reshape(shuffled[name].shape)
    other = XIncept.from_arrays(card, shuffled, "cpu").run(studio.crops(), heat=True).heat
    heat = system.run(studio.crops(), heat=True).heat
    assert np.abs(heat - other).max() > 0.1 * heat.max()


@pytest.mark.parametrize("name", ["branch.1.out.bias", "fusion.wide.weight", "trees.value", "backbone.0.first.1.bias"])
def test_arrays_that_do_not_fit_are_refused(trained, name):
    _, _, left, card = trained
    for wrong in (left.arrays[name][:-1], left.arrays[name] * np.float32(np.nan)):
        with pytest.raises(ModelError):
            XIncept.from_arrays(card, left.arrays | {name: wrong}, "cpu")
    with pytest.raises(ModelError):
        XIncept.from_arrays(card, {k: v for k, v in left.arrays.items() if k != name}, "cpu")


def test_the_full_topology_runs_and_explains(monkeypatch):
    """Xception and Inception-v3 as they are, one forward pass each at 224 px."""
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name))
    arrays = {}
    for i, name in enumerate(("xception", "inception_v3")):
        state = fresh(BACKBONES[name], i).net.state_dict()
        # filters scaled up, so that activations keep their size although batch norms are idle
        arrays |= {
            f"backbone.{i}.{k}": v.numpy() * np.float32(6**0.5 if v.ndim == 4 else 1)
            for k, v in state.items()
            if "num_batches" not in k
        }
    arrays |= arrays_of(HeadModule((2048, 2048), 4, "gelu", 0)) | small_forest(4)
    assert {k for k in arrays if k.startswith(("branch", "fusion"))} == set(shapes((2048, 2048), 4))
    sources = (stored_source("xception"), stored_source("inception_v3"))
    card = card_for(4, sources, backbone="xception+inception_v3", **{"backbone-px": "0"})
    crops = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    raw = XIncept.from_arrays(card, arrays, "cpu").run(crops, heat=True)
    assert raw.logits.shape == (1, 4)
    assert raw.heat.shape == (1, 4, 7, 7)
    assert raw.heat.max() > 0
    assert np.isfinite(raw.heat).all()
