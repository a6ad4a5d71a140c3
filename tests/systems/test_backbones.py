"""Backbones: what they are, where their weights come from, what a model keeps of them."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from allviewer.systems.backbones import BACKBONES, BackboneChoice, backbone_options, kind_of, weights
from allviewer.systems.backbones.networks import SameConv2d, fresh, resizing
from allviewer.systems.backbones.stored import restored, stored
from allviewer.systems.backbones.trunk import Trunk, enlarged, trained_trunk
from allviewer.systems.backbones.weights import kept_file, open_backbone, read_weights, reopen
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.errors import ModelError
from tests.systems.toys import GivenMaps, ToyStudio, awake, awake_arrays, stored_source, tiny_backbones


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """One thread, caches of its own, and no network."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    tiny_backbones(monkeypatch, tiny=12, tiny32=6)
    yield
    torch.set_num_threads(threads)


def options(**changes):
    chosen = {name: option.default for name, option in backbone_options("tiny").items()}
    return chosen | {name.replace("_", "-"): value for name, value in changes.items()}


@pytest.fixture
def weights_file(tmp_path):
    """A file of weights of ``tiny``, with the library's classifier still in it."""
    network = awake(fresh(kind_of("tiny"), 5))
    path = tmp_path / "tiny weights.safetensors"
    save_file({k: v.contiguous() for k, v in network.net.state_dict().items()}, path)
    return path, network


def pixels(px=64, n=2):
    return torch.rand(n, 3, px, px, generator=torch.Generator().manual_seed(1)) * 255


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "xception", "efficientnet_v2_m", "mobilenet_v2"])
def test_the_full_networks_are_the_libraries(name):
    """Learnables as published less the classifier, and the last map's size at the network's own side."""
    kind = kind_of(name)
    network = fresh(kind, 0)
    assert sum(p.numel() for p in network.parameters()) == kind.learnables
    with torch.no_grad():
        last = network.train()(pixels(kind.px, 1))  # batch norms on these very pixels: theirs are not set yet
    side = {"googlenet": 7, "inception_v3": 8, "xception": 10, "efficientnet_v2_m": 12, "mobilenet_v2": 7}[name]
    assert last.shape == (1, kind.width, side, side)
    assert bool(torch.isfinite(last).all())
    assert float(last.std()) > 1e-3


def test_googlenet_up_to_its_pool_is_torchvisions_own_answer():
    """The same layers in the same order: our last map, pooled, is what torchvision feeds to its classifier."""
    from torchvision import models

    ours = awake(fresh(kind_of("googlenet"), 0, 96))
    peer = models.googlenet(weights=None, aux_logits=False, init_weights=False, transform_input=False)
    peer.load_state_dict(ours.net.state_dict(), strict=False)
    peer.fc, peer.dropout = nn.Identity(), nn.Identity()
    x = pixels(96)
    with torch.no_grad():
        np.testing.assert_allclose(ours(x).mean((2, 3)), peer.eval()((x - 127.5) / 127.5), atol=1e-5)


@pytest.mark.parametrize(("of", "to"), [(224, 128), (299, 224), (64, 96), (17, 5), (5, 17)])
def test_resizing_is_torchs_antialiased(of, to):
    line = torch.rand(1, 2, of, of, generator=torch.Generator().manual_seed(0))
    matrix = torch.from_numpy(resizing(of, to))
    peer = torch.nn.functional.interpolate(line, size=(to, to), mode="bilinear", antialias=True)
    np.testing.assert_allclose(matrix @ line @ matrix.T, peer, atol=3e-5)  # its own weights are that coarse


def test_same_padding_is_tensorflows():
    """Input of even side, kernel 3, stride 2: TensorFlow pads nothing in front and one behind."""
    conv = SameConv2d(1, 1, 3, 2, bias=False)
    nn.init.ones_(conv.weight)
    x = torch.arange(16.0).view(1, 1, 4, 4)
    with torch.no_grad():
        assert conv(x)[0, 0].tolist() == [[45.0, 39.0], [66.0, 50.0]]
        odd = torch.ones(1, 1, 5, 5)
        assert conv(odd)[0, 0].tolist() == [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    padded = [m for m in fresh(kind_of("mobilenet_v2_tf"), 0).modules() if isinstance(m, SameConv2d)]
    assert len(padded) == 5


def test_a_file_gives_its_weights_and_is_kept_for_later(weights_file):
    path, network = weights_file
    opened, source = open_backbone("tiny", str(path), frozen=True)
    with torch.no_grad():
        assert torch.equal(opened.eval()(pixels()), network(pixels()))
    assert (source.library, source.weights, source.frozen) == ("file", "tiny weights.safetensors", True)
    assert len(source.digest) == 64
    path.unlink()
    with torch.no_grad():
        assert torch.equal(reopen(source).eval()(pixels()), network(pixels()))
    kept_file(source).unlink()
    with pytest.raises(ModelError, match=r"frozen layers of this model's backbone are not here.*Copy that file to"):
        reopen(source)


def test_other_weights_under_the_same_name_are_refused(weights_file):
    _, source = open_backbone("tiny", str(weights_file[0]), frozen=True)
    other = awake(fresh(kind_of("tiny"), 6))
    save_file({k: v.contiguous() for k, v in other.net.state_dict().items()}, kept_file(source))
    with pytest.raises(ModelError, match="not the weights of tiny that the model was trained on"):
        reopen(source)


def test_a_torch_state_dict_is_read_and_nothing_else(weights_file, tmp_path):
    state = weights_file[1].net.state_dict()
    torch.save(state, tmp_path / "good.pth")
    assert torch.equal(read_weights(tmp_path / "good.pth")["first.0.weight"], state["first.0.weight"])
    torch.save(weights_file[1].net, tmp_path / "code.pth")  # a pickled network: would execute code
    (tmp_path / "noise.pt").write_bytes(b"no weights")
    (tmp_path / "noise.safetensors").write_bytes(b"no weights")
    for name in ("code.pth", "noise.pt", "noise.safetensors"):
        with pytest.raises(ModelError, match="cannot be read"):
            read_weights(tmp_path / name)
    torch.save({"epoch": 3, "state": state}, tmp_path / "wrapped.pth")
    with pytest.raises(ModelError, match="no state dict"):
        read_weights(tmp_path / "wrapped.pth")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("last.0.weight"), "lack 'last.0.weight'"),
        (lambda s: s.update({"extra.weight": torch.ones(2)}), "none of its layers: 'extra.weight'"),
        (lambda s: s.update({"last.0.weight": torch.ones(2, 2)}), "'last.0.weight' does not fit tiny"),
        (lambda s: s.update({"last.1.bias": torch.full((12,), float("nan"))}), "not finite"),
        (lambda s: [v.zero_() for k, v in s.items() if k.endswith("running_mean")], "folded batch norms"),
    ],
)
def test_weights_that_do_not_fit_are_named(weights_file, tmp_path, change, words):
    state = {k: v.clone() for k, v in weights_file[1].net.state_dict().items()}
    change(state)
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=words):
        open_backbone("tiny", str(tmp_path / "other.safetensors"), frozen=True)


def test_without_a_network_one_sentence_says_what_to_do(monkeypatch):
    from urllib.error import URLError

    def offline(*_args, **_more):
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    for name in ("googlenet", "inception_v3", "efficientnet_v2_m", "mobilenet_v2", "xception"):
        with pytest.raises(ModelError, match="--backbone-weights FILE") as error:
            open_backbone(name, "official", frozen=True)
        assert "--backbone-weights none" in str(error.value)
        assert BACKBONES[name].weights in str(error.value)


def test_the_libraries_are_asked_by_their_official_names(monkeypatch):
    """And only behind the guard: the first thing asked for may be weights."""
    asked = []
    monkeypatch.setattr(weights, "import_torchvision", lambda: asked.append(1) or import_torchvision())
    addresses = {
        k.name: weights._address(k).rpartition("/")[2] for k in BACKBONES.values() if k.weights and k.builder != "tiny"
    }
    assert addresses == {
        "googlenet": "googlenet-1378be20.pth",
        "inception_v3": "inception_v3_google-0cc3c7bd.pth",
        "xception": "xception-43020ad28.pth",
        "efficientnet_v2_m": "efficientnet_v2_m-dc08266a.pth",
        "mobilenet_v2": "mobilenet_v2-7ebf99e0.pth",
    }
    assert len(asked) >= 5


def test_official_weights_come_from_the_users_cache_by_their_name(monkeypatch):
    """A file under the official name is taken from there without the network."""
    network = awake(fresh(kind_of("mobilenet_v2"), 0, 64))
    folder = torch.hub.get_dir() + "/checkpoints"
    import pathlib

    pathlib.Path(folder).mkdir(parents=True)
    torch.save(network.net.state_dict(), folder + "/mobilenet_v2-7ebf99e0.pth")
    opened, source = open_backbone("mobilenet_v2", "official", frozen=True, px=64)
    assert (source.library, source.weights) == ("torchvision", "MobileNet_V2_Weights.IMAGENET1K_V2")
    with torch.no_grad():
        assert torch.equal(opened.eval()(pixels()), network(pixels()))
        assert torch.equal(reopen(source, 64).eval()(pixels()), network(pixels()))


def test_random_weights_follow_from_the_seed_and_are_never_frozen():
    with pytest.raises(ModelError, match="random weights cannot be left frozen"):
        open_backbone("tiny", "none", frozen=True)
    (a, source), (b, _), (c, _) = (open_backbone("tiny", "none", frozen=False, seed=s) for s in (1, 1, 2))
    assert (source.weights, source.digest) == ("none", "")
    assert torch.equal(a.net.first[0].weight, b.net.first[0].weight)
    assert not torch.equal(a.net.first[0].weight, c.net.first[0].weight)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backbone": "alexnet"}, "no backbone"),
        ({"backbone_epochs": "0"}, "backbone-epochs"),
        ({"backbone_epochs": "two"}, "backbone-epochs"),
        ({"backbone_rate": "-1"}, "backbone-rate"),
        ({"backbone_px": "7"}, "64 px"),
        ({"backbone": "tiny+tiny32", "backbone_weights": "/some/where/one.pth"}, "one file cannot hold"),
    ],
)
def test_choices_that_cannot_be_are_said(changes, words):
    with pytest.raises(ModelError, match=words):
        BackboneChoice.of(options(**changes))


def test_random_weights_are_trained_whatever_was_asked():
    assert BackboneChoice.of(options(backbone_weights="none", train_backbone="no")).train
    assert not BackboneChoice.of(options(train_backbone="no")).train


def test_a_stand_in_for_the_papers_backbones_is_said():
    paper = "googlenet+inception_v3"
    assert BackboneChoice.of(options(backbone=paper)).notes(paper) == ()
    (note,) = BackboneChoice.of(options(backbone="mobilenet_v2", backbone_px="128")).notes(paper)
    assert "mobilenet_v2 at 128 px in place of the paper's googlenet at 224 px and inception_v3 at 299 px" in note
    assert BackboneChoice.of(options(backbone=paper, backbone_px="224")).notes(paper) != ()


def test_stored_weights_are_halves_and_come_back_as_the_very_network():
    network = awake(fresh(kind_of("tiny"), 3))
    arrays = stored(network, "backbone.0.")
    assert {a.dtype for k, a in arrays.items() if a.ndim > 1} == {np.dtype(np.float16)}
    assert {a.dtype for k, a in arrays.items() if a.ndim <= 1} == {np.dtype(np.float32)}
    with torch.no_grad():
        assert torch.equal(restored(stored_source("tiny"), arrays, "backbone.0.")(pixels()), network(pixels()))
    arrays.pop("backbone.0.last.1.bias")
    with pytest.raises(ModelError, match=r"lack 'last\.1\.bias'"):
        restored(stored_source("tiny"), arrays, "backbone.0.")


def run(steps):
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


def test_a_first_stage_trains_the_backbone_inside_the_fold(weights_file):
    path, network = weights_file
    studio = ToyStudio(64, **options(backbone_weights=str(path), train_backbone="yes", backbone_epochs="6"))
    told, (trunk, arrays, sources) = run(trained_trunk(studio, 64))
    assert [e.part for e in told] == ["backbone"] * 6
    assert told[-1].loss < told[0].loss
    assert sources[0].frozen is False
    moved = arrays["backbone.0.first.0.weight"].astype(np.float32) - network.net.first[0].weight.detach().numpy()
    assert np.abs(moved).max() > 5e-4
    # weights that were trained before keep their batch norms' statistics
    kept = arrays["backbone.0.first.1.running_mean"]
    np.testing.assert_array_equal(kept, network.net.first[1].running_mean.numpy())
    again = Trunk(sources, arrays, 64, "cpu", (64,))
    np.testing.assert_allclose(again.pooled(studio.crops()), trunk.pooled(studio.crops()), atol=1e-6)


def test_a_frozen_backbone_is_named_and_not_stored(weights_file):
    studio = ToyStudio(64, **options(backbone_weights=str(weights_file[0])))
    told, (_, arrays, sources) = run(trained_trunk(studio, 64))
    assert told == []
    assert arrays == {}
    assert sources[0].frozen
    with pytest.raises(ModelError, match="card calls frozen"):
        Trunk(sources, {"backbone.0.first.0.weight": np.zeros(3, np.float32)}, 64, "cpu", (64,))


def test_random_batch_norms_learn_their_statistics():
    studio = ToyStudio(64, **options(backbone_weights="none", backbone_epochs="2"))
    _, (_, arrays, sources) = run(trained_trunk(studio, 64))
    assert sources[0].weights == "none"
    assert np.abs(arrays["backbone.0.first.1.running_mean"]).max() > 0


def test_a_trunk_pools_its_maps_and_takes_any_number_of_crops():
    arrays, sources = awake_arrays(("tiny", "tiny32"))
    trunk = Trunk(sources, arrays, 64, "cpu", (64, 32))
    crops = np.random.default_rng(0).integers(0, 256, (37, 64, 64, 3), dtype=np.uint8)
    maps = trunk.maps(crops[:3])
    assert [m.shape for m in maps] == [(3, 12, 8, 8), (3, 6, 4, 4)]
    pooled = trunk.pooled(crops)
    assert pooled.shape == (37, 18)
    np.testing.assert_allclose(pooled[:3], np.concatenate([m.mean(axis=(2, 3)) for m in maps], axis=1), atol=1e-5)


def test_heat_is_both_maps_summed_at_the_larger_size():
    rng = np.random.default_rng(0)
    large, small = rng.normal(size=(2, 5, 8, 8)), rng.normal(size=(2, 3, 4, 4))
    trunk, slopes = GivenMaps(large, small), rng.normal(size=(2, 4, 8))
    heat = trunk.heat(trunk.maps(None), slopes.astype(np.float32))
    first = np.maximum(np.einsum("nck,nkhw->nchw", slopes[..., :5], large), 0) / 64
    second = np.maximum(np.einsum("nck,nkhw->nchw", slopes[..., 5:], small), 0) / 16
    np.testing.assert_allclose(heat, first + enlarged(second.astype(np.float32), 8), atol=1e-5)
    assert enlarged(np.ones((1, 1, 4, 4), np.float32), 8).min() == 1
