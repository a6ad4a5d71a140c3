import math

import cv2
import numpy as np
import pytest

from allviewer.segment import segmenter
from allviewer.segment.pixel_size import estimate_pixel_size
from allviewer.systems import list_models, load_model
from allviewer.systems.alnet import ALNet
from allviewer.systems.bundle import read_bundle
from allviewer.systems.crops import classify, crop_boxes, prepare
from allviewer.systems.gradcam import class_maps, heat_share

BOX = np.array([100.0, 200.0, 170.0, 270.0], np.float32)


def square(y0, x0, y1, x1):
    return np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]], np.float32)


def test_share_is_the_covered_area_of_even_heat():
    heat = np.ones((7, 7), np.float16)
    assert heat_share(heat, BOX, [square(100, 200, 170, 270)]) == pytest.approx(1, abs=0.02)
    assert heat_share(heat, BOX, [square(100, 200, 135, 270)]) == pytest.approx(0.5, abs=0.02)
    assert heat_share(heat, BOX, [square(100, 200, 135, 235), square(135, 235, 170, 270)]) == pytest.approx(
        0.5, abs=0.03
    )
    assert heat_share(heat, BOX, [square(300, 400, 335, 470)]) == 0


def test_share_follows_the_heat():
    heat = np.zeros((7, 7), np.float32)
    heat[0, 6] = 3  # the box's upper right corner, y 100 to 110, x 260 to 270
    assert heat_share(heat, BOX, [square(95, 255, 112, 275)]) == 1
    assert heat_share(heat, BOX, [square(100, 200, 170, 259)]) == 0
    assert heat_share(heat, BOX, [square(100, 265, 110, 275)]) == pytest.approx(0.5, abs=0.07)


def test_no_heat_no_share():
    assert math.isnan(heat_share(np.zeros((7, 7), np.float16), BOX, [square(100, 200, 170, 270)]))
    assert math.isnan(heat_share(np.full((7, 7), np.nan, np.float16), BOX, [square(100, 200, 170, 270)]))
    assert heat_share(np.ones((7, 7)), BOX, []) == 0


def test_class_maps_are_the_weighted_sum_without_its_negative_part():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 5, 4, 6)).astype(np.float32)
    weights = rng.normal(size=(3, 2, 5)).astype(np.float32)
    plain = np.einsum("nck,nkhw->nchw", weights, features)
    np.testing.assert_allclose(class_maps(features, weights), np.maximum(plain, 0), atol=1e-5)


def ranks(values):
    return np.argsort(np.argsort(values.reshape(len(values), -1), axis=1), axis=1)


def agreement(a, b):
    """Median over crops of the rank correlation of two stacks of maps, where both hold heat."""
    pairs = zip(ranks(a), ranks(b), a, b, strict=True)
    return np.median([np.corrcoef(x, y)[0, 1] for x, y, p, q in pairs if np.ptp(p) > 0 and np.ptp(q) > 0])


@pytest.fixture(scope="module")
def drawn():
    """Twelve drawn cells, each in the middle of its crop."""
    from allviewer.synth import render_field

    field = render_field(900, 1200, seed=11, white_cells=12, um_per_px=0.12)
    card = load_model("alnet-1", "cpu").card
    return prepare(field.rgb, crop_boxes(field.centres, 0.12, card), card)


@pytest.mark.parametrize("layers", [("d2",), ("c1a", "c1b"), ("c3a",), ("c1a", "c1b", "c2a", "c2b", "c3a", "d1", "d2")])
def test_other_weights_in_any_layer_give_other_maps(drawn, layers):
    """Adebayo J. et al., Sanity checks for saliency maps, NeurIPS 2018: a map must follow what the network learnt."""
    entry = next(e for e in list_models() if e.name == "alnet-1")
    card, arrays, _ = read_bundle(entry.path)
    shuffled, rng = dict(arrays), np.random.default_rng(0)
    for name in layers:
        weight = arrays[f"{name}.weight"]
        shuffled[f"{name}.weight"] = rng.permutation(weight.reshape(-1)).reshape(weight.shape)
    heat, other = (ALNet.from_arrays(card, a, "cpu").run(drawn, heat=True).heat for a in (arrays, shuffled))
    assert heat.max() > 0
    for c in range(heat.shape[1]):
        close = agreement(heat[:, c], other[:, c])
        assert np.isnan(close) or close < 0.75


def test_classes_do_not_share_a_map(drawn):
    heat = load_model("alnet-1", "cpu").predict(drawn, heat=True).heat.astype(np.float32)
    assert agreement(heat[:, 0], heat[:, 1]) < 0.5


def test_on_real_smears_the_heat_of_blasts_lies_in_their_cells(data):
    """Median over cells that `alnet-1` calls blasts: heat inside the outline over what even heat would put there.

    1.8 over a fifth of ALL-IDB1 for the whole cell and 2.0 for its nucleus; a map that ignores the cell has 1.
    """
    model = load_model("alnet-1", "cpu")
    finder, gains = segmenter("default"), {"cell": [], "nucleus": []}
    for name in ("Im012_1.jpg", "Im024_1.jpg"):
        rgb = np.ascontiguousarray(cv2.imread(str(data / "all_idb1" / "im" / name))[..., ::-1])
        um = estimate_pixel_size(rgb).um
        cells = finder.cells(rgb, um, finder.survey(rgb, um))
        told = classify(model, rgb, cells, um, heat=True)
        for row in np.flatnonzero(told.predicted == 0):
            heat, box = told.heat[row, 0], told.boxes[row]
            for part, found in gains.items():
                rings = list(getattr(cells, part).rings(row))
                found.append(heat_share(heat, box, rings) / heat_share(np.ones_like(heat), box, rings))
    assert len(gains["cell"]) >= 10
    assert np.nanmedian(gains["cell"]) > 1.3
    assert np.nanmedian(gains["nucleus"]) > 1.4
