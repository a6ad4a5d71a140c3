"""A small zoo of ALNets with random weights, and cards for them."""

import numpy as np
import pytest

from allviewer.systems.alnet import ALNet, shapes
from allviewer.systems.bundle import write_bundle
from allviewer.systems.card import Calibration, DataSource, Figure, Judged, SystemCard, Training, UnsureBand


def make_card(**changes):
    classes = changes.pop("classes", ("blast", "normal"))
    facts = {
        "system": "alnet",
        "name": "alnet",
        "version": "0",
        "title": "for tests",
        "paper": "none",
        "unit": "cell",
        "taxonomy": "all-hem",
        "classes": classes,
        "input_px": 224,
        "crop_um": 22.0,
        "white": 245.0,
        "data": (
            DataSource(name="none", citation="none", licence="none", digest="0", cells={"blast": 1}, groups=("a",)),
        ),
        "training": Training(
            optimiser="rmsprop",
            learning_rate=1e-4,
            epochs=1,
            batch=1,
            augmentation="none",
            precision="fp32",
            seed=0,
            seconds=0,
            machine="none",
            starting_weights="random",
        ),
        "judged": Judged(split="not judged", metrics={"auroc": Figure(value=0.5)}, baseline={}, groups=()),
        "calibration": Calibration(scale=1.5, bias=tuple(0.1 * i for i in range(len(classes)))),
        "unsure": UnsureBand(thresholds=(0.4,) * len(classes), coverage=0.9, how="for tests"),
        "limits": ("for tests",),
        "licence": "none",
    }
    return SystemCard(**(facts | changes))


def random_arrays(seed=0, classes=2):
    """Weights of a size that keeps activations alive through the network."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes(classes).items():
        if name.endswith("running_var"):
            arrays[name] = rng.uniform(0.5, 2, shape)
        elif name.endswith("running_mean") or name.endswith("bias"):
            arrays[name] = rng.normal(0, 0.1, shape)
        elif len(shape) == 1:
            arrays[name] = rng.uniform(0.5, 1.5, shape)
        else:
            arrays[name] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    return {name: a.astype(np.float32) for name, a in arrays.items()}


@pytest.fixture(scope="session")
def crops():
    """Six crops with smooth structure, (6, 224, 224, 3) uint8."""
    import cv2

    rng = np.random.default_rng(7)
    small = rng.integers(0, 256, (6, 14, 14, 3), dtype=np.uint8)
    return np.stack([cv2.resize(s, (224, 224), interpolation=cv2.INTER_CUBIC) for s in small])


@pytest.fixture(scope="session")
def arrays():
    return random_arrays()


@pytest.fixture(scope="session")
def card():
    return make_card()


@pytest.fixture(scope="session")
def net(arrays, card):
    return ALNet.from_arrays(card, arrays, "cpu")


@pytest.fixture
def model_file(tmp_path, arrays, card):
    path = tmp_path / "toy.safetensors"
    write_bundle(path, card, arrays)
    return path
