"""Any torch network on the CPU through OpenVINO: the same answers, kept for the next start, refused where altered."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from allviewer.systems import kept_graphs
from allviewer.systems.runtime import OUTPUTS, forward, weights_key
from allviewer.systems.torch_forward import TorchForward
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.errors import ModelError

pytest.importorskip("openvino")
PX = 32


class Tiny(nn.Module):
    """Convolutions, batch norm, depthwise, a recurrent head: what the systems are made of."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.deep = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.pool = nn.AvgPool2d(4)
        self.turn = nn.GRU(8, 6, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 2)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, pixels):
        last = torch.relu(self.deep(torch.nn.functional.gelu(self.norm(self.stem(pixels / 255)))))
        turned, _ = self.turn(self.pool(last).flatten(2).transpose(1, 2))
        hidden = self.drop(turned[:, -1])
        return self.head(hidden), hidden, last


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "graphs"
    monkeypatch.setattr(kept_graphs, "graph_folder", lambda: folder)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a first start keeps of Tiny, and what it answers."""
    folder = tmp_path_factory.mktemp("cache") / "graphs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_graphs, "graph_folder", lambda: folder)
        return folder, forward("tiny", Tiny, PX, "cpu")(blocks(3))


@pytest.fixture
def kept(made, own_cache):
    """A cache that holds Tiny."""
    shutil.copytree(made[0], own_cache)
    return next(own_cache.iterdir())


def blocks(n, px=PX, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (n, px, px, 3), np.uint8)


def never():
    raise AssertionError("the network was built although its graph is kept")


def same(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        assert x.dtype == np.float32
        assert np.abs(x - y).max() <= 1e-4 * max(1, np.abs(y).max())


@pytest.mark.parametrize("n", [1, 2, 5, 33])
def test_a_converted_network_answers_as_torch_does_for_any_batch(kept, n):
    crops = blocks(n)
    found = forward("tiny", never, PX, "cpu")(crops)
    same(found, TorchForward(Tiny(), "cpu")(crops))
    assert n == 1 or np.ptp(found[0]) > 1e-3


def test_a_network_of_torchvision_answers_as_torch_does():
    models = import_torchvision().models

    def build():
        torch.manual_seed(0)
        return nn.Sequential(models.squeezenet1_1(weights=None))

    same(forward("squeeze", build, 64, "cpu", ["logits"])(blocks(5, 64)), TorchForward(build(), "cpu")(blocks(5, 64)))


def test_the_second_start_answers_what_the_first_did(made, kept):
    for a, b in zip(made[1], forward("tiny", never, PX, "cpu")(blocks(3)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_key_size_or_output_is_another_graph(kept):
    for key, px, outputs in (("tiny 2", PX, OUTPUTS), ("tiny", PX + 1, OUTPUTS), ("tiny", PX, ("a", "b", "c"))):
        with pytest.raises(AssertionError, match="was built"):
            forward(key, never, px, "cpu", outputs)


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "digests.json"])
@pytest.mark.parametrize("harm", ["altered", "cut", "gone"])
def test_a_damaged_graph_is_not_read(kept, name, harm):
    file = kept / name
    raw = bytearray(file.read_bytes())
    file.unlink()
    raw[len(raw) // 2] ^= 1
    if harm != "gone":
        file.write_bytes(raw if harm == "altered" else raw[: len(raw) // 2])
    with pytest.raises(AssertionError, match="was built"):
        forward("tiny", never, PX, "cpu")


def test_a_damaged_graph_is_made_anew(made, kept):
    (kept / "graph.bin").write_bytes(b"")
    for again in (Tiny, never):
        for a, b in zip(made[1], forward("tiny", again, PX, "cpu")(blocks(3)), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_cache_that_cannot_be_written_costs_only_time(own_cache):
    own_cache.write_text("a file where the folder should be")
    same(forward("tiny", Tiny, PX, "cpu")(blocks(2)), TorchForward(Tiny(), "cpu")(blocks(2)))


def test_what_was_unused_longest_goes(own_cache, monkeypatch):
    monkeypatch.setattr(kept_graphs, "KEPT", 2)
    for turn, key in enumerate("abac"):  # a is used again before c comes
        forward(key, lambda: nn.Conv2d(3, 2, 3), PX, "cpu", ["last"])
        for folder in own_cache.iterdir():
            os.utime(folder, (folder.stat().st_mtime - 100,) * 2)
        assert len(list(own_cache.iterdir())) == min(2, turn + 1)
    forward("a", never, PX, "cpu", ["last"])
    forward("c", never, PX, "cpu", ["last"])


def test_outputs_that_are_not_those_named_are_refused():
    with pytest.raises(ModelError, match="other outputs"):
        forward("tiny", Tiny, PX, "cpu", ["logits"])


def test_a_network_that_comes_out_otherwise_is_refused(own_cache):
    class Restless(nn.Module):
        calls = 0

        def forward(self, pixels):
            Restless.calls += 1
            return pixels.mean((2, 3)) * Restless.calls

    with pytest.raises(ModelError, match="'logits' comes out differently"):
        forward("restless", Restless, PX, "cpu", ["logits"])
    assert not own_cache.exists()


def test_the_next_process_imports_no_torch(tmp_path):
    code = """
import json, sys
import numpy as np
from allviewer.systems.runtime import forward
crops = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
def build():
    from tests.systems.test_runtime import Tiny
    return Tiny()
answers = forward("tiny", build, 32, "cpu")(crops)
print(json.dumps([answers[0].tolist(), "torch" in sys.modules]))
"""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        for _ in range(2)
    ]
    (first, torch_first), (second, torch_second) = (json.loads(run.stdout.splitlines()[-1]) for run in runs)
    assert torch_first
    assert not torch_second
    assert first == second


def test_without_openvino_torch_answers(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name))
    made = forward("tiny", Tiny, PX, "cpu")
    assert isinstance(made, TorchForward)
    assert made.device == "cpu"


def test_half_precision_stays_near_and_answers_in_full():
    crops = blocks(4)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    full, half = TorchForward(network, "cpu")(crops)[0], TorchForward(network, "cpu", half=True)(crops)[0]
    assert half.dtype == np.float32
    assert 0 < np.abs(full - half).max() <= 0.01 * np.abs(full).max()


def test_a_key_follows_names_and_arrays():
    a = {"w": np.arange(6, dtype=np.float32), "b": np.zeros(2, np.float32)}
    keys = {
        weights_key("alnet", "1", arrays=a),
        weights_key("alnet", "2", arrays=a),
        weights_key("alnet", "1", arrays={**a, "w": a["w"] + 1}),
        weights_key("alnet", "1", arrays={**a, "w": a["w"].reshape(2, 3)}),
        weights_key("alnet", "1", arrays={"v": a["w"], "b": a["b"]}),
    }
    assert len(keys) == 5
    assert weights_key("alnet", "1", arrays=dict(reversed(a.items()))) in keys
