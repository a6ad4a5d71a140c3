"""latent-svm: the paper's sizes, its phases, its gradient, and that what is saved is what was trained."""

import numpy as np
import pytest
import torch

from allviewer.systems.backbones import BACKBONES, BackboneChoice
from allviewer.systems.backbones.networks import fresh
from allviewer.systems.backbones.trunk import pool
from allviewer.systems.bundle import read_bundle, write_bundle
from allviewer.systems.latent_svm import LatentSVM
from allviewer.systems.scaled_conjugate_gradient import ScaledConjugateGradient
from allviewer.systems.sparse_autoencoder import SparseAutoencoder
from allviewer.vocab.errors import ModelError
from tests.systems.conftest import make_card
from tests.systems.toys import GivenMaps, ToyStudio, awake_arrays, fitted, stored_source, tiny_backbones

NAMES = {2: ("blast", "normal"), 3: ("l1", "l2", "l3")}
TAXONOMY = {2: "all-hem", 3: "fab"}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # one folder for all tests here, so that a graph is converted once
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "latent-cache"))
    tiny_backbones(monkeypatch, tiny=12, tiny32=8)
    yield
    torch.set_num_threads(threads)


def options(**changes):
    chosen = {name: option.default for name, option in LatentSVM.options.items()}
    chosen |= {"backbone": "tiny+tiny32", "backbone-weights": "none", "backbone-epochs": "2"}
    return chosen | changes


def card_for(classes=2, sources=None, **changes):
    sources = sources or (stored_source("tiny"), stored_source("tiny32"))
    return make_card(
        system="latent-svm", classes=NAMES[classes], taxonomy=TAXONOMY[classes], input_px=299, backbones=sources,
        options=options(**changes),
    )  # fmt: skip


def random_head(features, hidden, classes, vectors=9, seed=0):
    rng = np.random.default_rng(seed)
    machines = 1 if classes == 2 else classes
    floats = {
        "scaler.least": rng.normal(size=features), "scaler.span": rng.uniform(0.5, 2, features),
        "encoder.weight": rng.normal(size=(hidden, features)) / np.sqrt(features),
        "encoder.bias": rng.normal(size=hidden), "latent.mean": rng.uniform(0, 1, hidden),
        "latent.deviation": rng.uniform(0.1, 0.5, hidden), "svm.vectors": rng.normal(size=(vectors, hidden)),
    }  # fmt: skip
    halves = {"svm.dual": rng.normal(size=(machines, vectors)), "svm.intercept": rng.normal(size=machines)}
    return {k: v.astype(np.float32) for k, v in floats.items()} | halves


@pytest.fixture(scope="module", params=[2, 3])
def trained(request, tmp_path_factory):
    """A system fitted on toy cells, its studio and what the fit left."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "latent-cache"))
    tiny_backbones(patch, tiny=12, tiny32=8)
    studio = ToyStudio(299, classes=request.param, cells=18, epochs=60, **options(views="1"))
    left = fitted(LatentSVM, studio)
    card = card_for(request.param, left.backbones)
    yield LatentSVM.from_arrays(card, left.arrays, "cpu"), studio, left, card
    patch.undo()


def test_the_papers_sizes():
    names = BackboneChoice.of({k: o.default for k, o in LatentSVM.options.items()}).names
    assert [BACKBONES[n].width for n in names] == [1024, 2048]
    assert BackboneChoice.of({k: o.default for k, o in LatentSVM.options.items()}).sides() == (224, 299)
    assert sum(BACKBONES[n].width for n in names) == 3072
    assert [3072 * int(s) // 100 for s in LatentSVM.options["latent"].choices] == [768, 1536, 2304]


def test_a_step_of_the_full_autoencoder_lowers_its_loss():
    x = torch.from_numpy(np.random.default_rng(0).uniform(size=(2, 3072)))
    network = SparseAutoencoder(3072, 768)
    stage = ScaledConjugateGradient(lambda w: network.loss(w, x), network.start(0))
    losses = [network.loss(stage.w, x)[0], stage.epoch(0).loss]
    assert losses[1] < losses[0]


def test_the_phases_lower_their_losses_and_tell_the_classes_apart(trained):
    system, studio, left, _ = trained
    for stage in ("backbone", "autoencoder"):
        losses = [loss for name, loss in studio.told if name == stage]
        assert losses[-1] < losses[0]
    assert left.arrays["encoder.weight"].shape == (5, 20)  # a quarter of 12 + 8 features
    raw = system.run(studio.crops())
    assert raw.logits.shape == (18, studio.classes)
    assert (raw.logits.argmax(axis=1) == studio.labels).mean() > 0.8
    assert raw.heat is None


def test_saved_and_loaded_it_answers_the_same(trained, tmp_path):
    system, studio, _, card = trained
    write_bundle(tmp_path / "a.safetensors", card, system.arrays() | {"judged.logits": np.zeros((3, 2), np.float32)})
    again = LatentSVM.from_arrays(*read_bundle(tmp_path / "a.safetensors")[:2], device="cpu")
    a, b = (s.run(studio.crops(), heat=True) for s in (system, again))
    for name in ("logits", "embedding", "heat"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert "judged.logits" not in again.arrays()


def heat_by_autograd(arrays, maps, classes):
    """Grad-CAM of the decision values on each map, everything behind the maps written again in torch."""
    given = {k: torch.from_numpy(np.array(v, np.float64)) for k, v in arrays.items() if not k.startswith("backbone")}
    leaves = [torch.from_numpy(m.astype(np.float64)).requires_grad_() for m in maps]
    pooled = torch.cat([m.mean((2, 3)) for m in leaves], dim=1)
    scaled = (pooled - given["scaler.least"]) / given["scaler.span"]
    h = torch.sigmoid(scaled @ given["encoder.weight"].T + given["encoder.bias"])
    x = (h - given["latent.mean"]) / given["latent.deviation"]
    kernel = (x @ given["svm.vectors"].T / x.shape[1] + 1) ** 3
    f = kernel @ given["svm.dual"].T + given["svm.intercept"]
    logits = torch.cat([f, -f], dim=1) if classes == 2 else f
    heat = np.zeros((len(maps[0]), classes, *maps[0].shape[2:]))
    for c in range(classes):
        slopes = torch.autograd.grad(logits[:, c].sum(), leaves, retain_graph=True)
        for m, g in zip(leaves, slopes, strict=True):
            raw = torch.relu((g.mean((2, 3), keepdim=True) * m).sum(1, keepdim=True))
            size = tuple(heat.shape[2:])
            heat[:, c] += torch.nn.functional.interpolate(raw, size=size, mode="bilinear")[:, 0].detach().numpy()
    return logits.detach().numpy(), heat


@pytest.mark.parametrize("classes", [2, 3])
def test_heat_is_autograds(classes):
    rng = np.random.default_rng(classes)
    maps = [rng.normal(0.5, 1, (3, 12, 8, 8)), rng.normal(0.5, 1, (3, 8, 4, 4))]
    arrays = random_head(20, 6, classes)
    raw = LatentSVM(card_for(classes), arrays, GivenMaps(*maps)).run(None, heat=True)
    logits, heat = heat_by_autograd(arrays, [m.astype(np.float32) for m in maps], classes)
    np.testing.assert_allclose(raw.logits, logits, atol=1e-4 * np.abs(logits).max())
    assert np.abs(raw.heat - heat).max() <= 2e-5 * heat.max()
    assert (heat.max(axis=(0, 2, 3)) > 0).all()
    for c in range(1, classes):
        assert np.abs(raw.heat[:, 0] - raw.heat[:, c]).max() > 0.05 * heat.max()


def test_slopes_are_finite_differences_of_the_whole_way():
    """A push of one channel of one map changes the decision by what the heat's slope says."""
    rng = np.random.default_rng(0)
    maps = [rng.normal(0.5, 1, (1, 12, 8, 8)), rng.normal(0.5, 1, (1, 8, 4, 4))]
    system = LatentSVM(card_for(), random_head(20, 6, 2), trunk := GivenMaps(*maps))
    seen = {}
    trunk.heat = lambda maps, slopes: seen.update(slopes=slopes)
    system.run(None, heat=True)
    for at, (which, channel) in enumerate([(0, c) for c in range(12)] + [(1, c) for c in range(8)]):
        values = []
        for push in (1e-2, -1e-2):
            moved = [m.copy() for m in maps]
            moved[which][0, channel] += push
            values.append(LatentSVM(card_for(), random_head(20, 6, 2), GivenMaps(*moved)).run(None).logits[0, 0])
        difference = (values[0] - values[1]) / 2e-2
        assert seen["slopes"][0, 0, at] == pytest.approx(difference, abs=2e-3 * float(np.abs(seen["slopes"]).max()))


def test_other_weights_other_maps(trained):
    system, studio, left, card = trained
    shuffled = dict(left.arrays)
    rng = np.random.default_rng(1)
    for name in ("encoder.weight", "backbone.0.last.0.weight"):
        shuffled[name] = rng.permutation(shuffled[name].reshape(-1)).reshape(shuffled[name].shape)
    other = LatentSVM.from_arrays(card, shuffled, "cpu").run(studio.crops(), heat=True).heat
    heat = system.run(studio.crops(), heat=True).heat
    assert np.abs(heat - other).max() > 0.1 * heat.max()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("encoder.weight", lambda a: a[:, :-1]),
        ("encoder.bias", lambda a: a[:-1]),
        ("scaler.span", lambda a: a * 0),
        ("latent.mean", lambda a: a * np.float32(np.nan)),
        ("svm.vectors", lambda a: a.astype(np.float64)),
        ("backbone.1.last.1.bias", lambda a: a[:-1]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(trained, name, change):
    _, _, left, card = trained
    with pytest.raises(ModelError):
        LatentSVM.from_arrays(card, left.arrays | {name: change(left.arrays[name])}, "cpu")
    with pytest.raises(ModelError):
        LatentSVM.from_arrays(card, {k: v for k, v in left.arrays.items() if k != name}, "cpu")


def test_a_card_without_backbones_is_refused(trained):
    card = trained[3].model_copy(update={"backbones": ()})
    with pytest.raises(ModelError, match="names no backbone"):
        LatentSVM.from_arrays(card, trained[2].arrays, "cpu")


def test_the_full_topology_runs_and_explains(monkeypatch):
    """GoogLeNet and Inception-v3 as they are, one forward pass each, through a random machine."""
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name))
    names = ("googlenet", "inception_v3")
    arrays = {}
    for i, name in enumerate(names):
        state = fresh(BACKBONES[name], i).net.state_dict()
        arrays |= {f"backbone.{i}.{k}": v.numpy() for k, v in state.items() if "num_batches" not in k}
    arrays = wake(arrays) | random_head(3072, 768, 2)
    sources = tuple(stored_source(n) for n in names)
    card = card_for(2, sources, backbone="googlenet+inception_v3")
    crops = np.random.default_rng(0).integers(0, 256, (1, 299, 299, 3), dtype=np.uint8)
    system = LatentSVM.from_arrays(card, arrays, "cpu")
    raw = system.run(crops, heat=True)
    assert raw.logits.shape == (1, 2)
    assert raw.embedding.shape == (1, 768)
    assert raw.heat.shape == (1, 2, 8, 8)
    assert raw.heat.max() > 0
    assert np.isfinite(raw.heat).all()


def wake(arrays):
    """Scale every filter so that activations keep their size through many layers whose batch norms are idle."""
    return {k: a * np.float32(np.sqrt(6)) if a.ndim == 4 else a for k, a in arrays.items()}


def test_pooled_features_are_what_the_head_sees():
    arrays, sources = awake_arrays(("tiny", "tiny32"))
    head = random_head(20, 5, 2)
    system = LatentSVM.from_arrays(card_for(2, sources), arrays | head, "cpu")
    crops = np.random.default_rng(3).integers(0, 256, (5, 299, 299, 3), dtype=np.uint8)
    features = pool(system._trunk.maps(crops))
    scaled = (features - head["scaler.least"]) / head["scaler.span"]
    expected = 1 / (1 + np.exp(-(scaled @ head["encoder.weight"].T + head["encoder.bias"])))
    np.testing.assert_allclose(system.run(crops).embedding, expected, atol=1e-5)
    for i in range(5):
        np.testing.assert_allclose(system.run(crops[i : i + 1]).logits[0], system.run(crops).logits[i], atol=1e-3)
