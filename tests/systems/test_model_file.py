"""Save, load, predict; and every way a file can be wrong ends in one sentence."""

import json
import struct
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from allviewer.systems import list_models, load_model
from allviewer.systems.alnet import ALNet
from allviewer.systems.bundle import file_digest, read_bundle, read_card, write_bundle
from allviewer.systems.card import SystemCard
from allviewer.systems.model import calibrated
from allviewer.vocab.errors import ModelError
from tests.systems.conftest import make_card, random_arrays


def test_saved_and_loaded_predicts_the_same(model_file, net, card, arrays, crops):
    model = load_model(model_file, "cpu")
    assert model.card == card
    assert model.name == "toy"
    assert model.digest == file_digest(model_file)
    out, raw = model.predict(crops, heat=True), net.run(crops, heat=True)
    np.testing.assert_array_equal(out.probabilities, calibrated(raw.logits, card.calibration))
    np.testing.assert_allclose(out.probabilities.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(out.heat, raw.heat.astype(np.float16))
    assert out.heat.shape == (6, 2, 7, 7)
    assert out.heat.dtype == out.embedding.dtype == np.float16
    assert out.embedding.shape == (6, 128)
    np.testing.assert_array_equal(out.unsure, (out.probabilities >= 0.4).sum(1) != 1)
    assert model.predict(crops).heat is None
    again = model_file.with_name("again.safetensors")
    write_bundle(again, card, ALNet.from_arrays(card, arrays, "cpu").arrays())
    assert again.read_bytes() == model_file.read_bytes()


def test_no_crops_no_rows(model_file, crops):
    out = load_model(model_file, "cpu").predict(crops[:0], heat=True)
    assert out.probabilities.shape == (0, 2)
    assert out.heat.shape == (0, 2, 7, 7)
    assert out.embedding.shape == (0, 128)


@pytest.mark.parametrize("wrong", [np.zeros((1, 100, 100, 3), np.uint8), np.zeros((1, 224, 224, 3), np.float32)])
def test_crops_of_another_kind_are_refused(model_file, wrong):
    with pytest.raises(ValueError, match="expected crops"):
        load_model(model_file, "cpu").predict(wrong)


def refused(path, match):
    with pytest.raises(ModelError, match=match) as caught:
        load_model(path, "cpu")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("keep", [0, 5, 100, 5000, 1_000_000, -1])
def test_truncated_files_are_refused(model_file, keep):
    whole = model_file.read_bytes()
    model_file.write_bytes(whole[:keep])
    refused(model_file, "damaged|not a model file")


def test_every_altered_byte_is_noticed(model_file):
    whole = bytearray(model_file.read_bytes())
    length = struct.unpack("<Q", whole[:8])[0]
    rng = np.random.default_rng(0)
    for at in [*rng.integers(8 + length, len(whole), 12), len(whole) - 1]:
        changed = whole.copy()
        changed[at] ^= 1
        model_file.write_bytes(changed)
        refused(model_file, "altered")
    at = bytes(whole).index(b"for tests")
    whole[at] = ord("F")
    model_file.write_bytes(whole)
    refused(model_file, "altered")


def test_foreign_files_are_refused(tmp_path, arrays):
    for name, content in (("text", b"hello world, no model"), ("zip", b"PK\x03\x04" + bytes(100)), ("zero", bytes(64))):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        refused(path, "not a model file")
    plain = tmp_path / "plain.safetensors"
    save_file(arrays, plain)
    refused(plain, "not a model file")
    bomb = tmp_path / "bomb.safetensors"
    bomb.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    refused(bomb, "not a model file")
    nested = tmp_path / "nested.safetensors"
    deep = b'{"a":' * 100_000
    nested.write_bytes(struct.pack("<Q", len(deep)) + deep)
    refused(nested, "not a model file|damaged")
    refused(tmp_path / "nowhere.safetensors", "no such model file")
    refused("no-such-model", "no model is called")
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    refused(folder, "no such model file")


def test_inconsistent_files_are_refused(tmp_path, arrays, card):
    def written(name, card, arrays):
        path = tmp_path / f"{name}.safetensors"
        write_bundle(path, card, arrays)
        return path

    lacking = {k: v for k, v in arrays.items() if k != "d1.bias"}
    assert "d1.bias" in str(refused(written("lacking", card, lacking), "does not fit ALNet"))
    refused(written("shape", card, arrays | {"d1.bias": np.zeros(7, np.float32)}), "does not fit ALNet")
    refused(written("dtype", card, arrays | {"d1.bias": arrays["d1.bias"].astype(np.float64)}), "does not fit ALNet")
    infinite = arrays | {"d1.bias": np.full_like(arrays["d1.bias"], np.nan)}
    refused(written("nan", card, infinite), "not finite")
    refused(written("size", make_card(input_px=128), arrays), "one size")
    refused(written("classes", make_card(classes=("a", "b", "c"), taxonomy="own"), arrays), "does not fit ALNet")
    refused(written("system", make_card(system="unheard-of"), arrays), "no classifier system is called")
    refused(written("four", card, random_arrays(0, 4)), "does not fit ALNet")


def test_cards_that_contradict_themselves_are_refused(model_file, card):
    good = card.model_dump(mode="json")
    for change in (
        {"classes": ["blast", "blast"]},
        {"classes": ["normal", "blast"]},
        {"calibration": {"scale": 1, "bias": [0]}},
        {"calibration": {"scale": -1, "bias": [0, 0]}},
        {"unsure": {"thresholds": [2, 0], "coverage": 0.9, "how": ""}},
        {"research_use_only": False},
        {"unit": "slide"},
        {"surprise": 1},
        {"format": 2},
        {"nucleus": [0.8, 1.6], "white": None},
    ):
        with pytest.raises(ValueError, match="validation error"):
            SystemCard.model_validate_json(json.dumps(good | change))
    raw = model_file.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    entry = json.loads(header["__metadata__"]["allviewer"])
    header["__metadata__"]["allviewer"] = json.dumps(entry | {"card": json.dumps(good | {"surprise": 1})})
    text = json.dumps(header).encode()
    model_file.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    refused(model_file, "card is inconsistent at 'surprise'")


def test_devices_are_named_or_refused(model_file):
    with pytest.raises(ModelError, match="no device"):
        load_model(model_file, "tpu")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="no usable cuda"):
            load_model(model_file, "cuda")
    assert load_model(model_file).device in ("cpu", "cuda", "mps")


def test_the_users_folder_is_listed_and_junk_in_it_passed_over(tmp_path, monkeypatch, model_file, card):
    import allviewer.systems.model as module

    monkeypatch.setattr(module, "model_folder", lambda: tmp_path)
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    entries = {e.name: e for e in list_models()}
    assert "junk" not in entries
    assert entries["toy"].card == card
    assert entries["toy"].digest == file_digest(model_file)
    assert load_model("toy", "cpu").digest == entries["toy"].digest


def test_reading_a_card_reads_no_array(model_file, card):
    whole = model_file.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    model_file.write_bytes(whole[: 8 + length])
    assert read_card(model_file) == card
    with pytest.raises(ModelError, match="damaged"):
        read_bundle(model_file)


def test_predicting_on_the_cpu_imports_no_torch(model_file):
    pytest.importorskip("openvino")
    script = (
        "import sys, numpy as np; from allviewer.systems import load_model, list_models; list_models();"
        f"m = load_model({str(model_file)!r}, 'cpu'); m.predict(np.zeros((2, 224, 224, 3), np.uint8), heat=True);"
        "print(sorted(m for m in ('torch', 'torchvision', 'pandas', 'sklearn') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
