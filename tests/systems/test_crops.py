"""Crops at edges and any scale, white balance, and the path from cells to a prediction."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.systems import load_model
from allviewer.systems.crops import classify, crop_boxes, cut_crops, prepare
from allviewer.systems.stain import level, slide_stain
from allviewer.vocab.cells import CellTable, Kind, Outlines
from tests.systems.conftest import make_card


def table(centres, kinds=None):
    n = len(centres)
    at = np.asarray(centres, np.float32).reshape(-1, 2)
    square = np.array([[-5, -5], [-5, 5], [5, 5], [5, -5]], np.float32)
    rings = Outlines.of([[c + square] for c in at])
    boxes = np.concatenate([at - 5, at + 5], axis=1).astype(np.int32)
    kind = np.zeros(n, np.uint8) if kinds is None else np.asarray(kinds, np.uint8)
    area = np.full(n, 100, np.float32)
    return CellTable(np.arange(1, n + 1), kind, at, boxes, area, area / 2, np.zeros(n, bool), rings, rings)


@pytest.fixture(scope="module")
def field():
    """A bright field with dark discs, uneven in colour."""
    rng = np.random.default_rng(1)
    rgb = np.clip(rng.normal((200, 205, 180), 3, (400, 500, 3)), 0, 255).astype(np.uint8)
    y, x = np.mgrid[:400, :500]
    for cy, cx in ((60, 60), (200, 250), (390, 490), (100, 400)):
        rgb[(y - cy) ** 2 + (x - cx) ** 2 < 35**2] = (120, 60, 140)
    return rgb


def test_boxes_are_squares_of_the_cards_side():
    boxes = crop_boxes(np.array([[100.0, 50.0]]), 0.1, make_card(crop_um=22.0))
    np.testing.assert_allclose(boxes, [[-10, -60, 210, 160]])
    assert boxes.dtype == np.float32


def test_a_crop_at_its_own_size_is_the_pixels(field):
    crops = cut_crops(field, np.array([[10.0, 20, 74, 84]]), 64)
    np.testing.assert_array_equal(crops[0], field[10:74, 20:84])


@settings(max_examples=60, deadline=None)
@given(st.integers(-90, 130), st.integers(-90, 150), st.integers(1, 80), st.sampled_from([16, 32, 48]))
def test_outside_is_filled_and_inside_is_kept(y, x, side, size):
    rgb = np.full((100, 120, 3), 90, np.uint8)
    crop = cut_crops(rgb, np.array([[y, x, y + side, x + side]], float), size, (7, 8, 9))[0].astype(int)
    inside_y = np.clip([0 - y, 100 - y], 0, side)
    inside_x = np.clip([0 - x, 120 - x], 0, side)
    share = np.diff(inside_y)[0] * np.diff(inside_x)[0] / side**2
    if share == 0:
        assert (crop == (7, 8, 9)).all()
    elif share == 1:
        assert (crop == 90).all()
    else:
        found = ((crop - (7, 8, 9)) / (90 - np.array([7, 8, 9]))).mean()
        assert found == pytest.approx(share, abs=2.5 / min(side, size))


def one_by_one(rgb, boxes, size, fill):
    """OpenCV's own way, crop after crop."""
    crops = []
    for y0, x0, y1, x1 in np.rint(boxes).astype(int):
        wide = cv2.copyMakeBorder(rgb, 400, 400, 400, 400, cv2.BORDER_CONSTANT, value=fill)
        patch = wide[y0 + 400 : y1 + 400, x0 + 400 : x1 + 400]
        how = cv2.INTER_AREA if min(patch.shape[:2]) > size else cv2.INTER_LINEAR
        crops.append(cv2.resize(patch, (size, size), interpolation=how))
    return np.stack(crops)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_crops_are_opencvs_whatever_their_side_and_place(field, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    rng = np.random.default_rng(5)
    noisy = rng.integers(0, 256, field.shape, np.uint8)
    for size in (32, 56):
        sides = np.array([9, size - 1, size, size + 1, size + 13, 2 * size, 2 * size + 7, 3 * size + 5, 190])
        corner = rng.uniform(-60, 380, (len(sides), 2))
        boxes = np.concatenate([corner, corner + sides[:, None] + rng.uniform(-0.5, 0.5, (len(sides), 2))], axis=1)
        far = corner.max(axis=1) > 399  # wholly outside: nothing to compare with
        expected = one_by_one(noisy, boxes[~far], size, (9, 8, 7))
        found = cut_crops(noisy, boxes[~far], size, (9, 8, 7))
        assert np.abs(found.astype(int) - expected).max() <= 1
        assert (found != expected).mean() < 1e-3


def test_no_loop_is_compiled_by_the_first_crop(tmp_path):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    cut = """
import numpy as np
from allviewer.systems.crops import cut_crops
rgb = np.zeros((99, 99, 3), np.uint8)
view = np.zeros((120, 150, 3), np.uint8)[10:109, 20:119]
for image in (rgb, view):
    cut_crops(image, np.array([[1.0, 1, 80, 80], [40, 40, 60, 60]]), 32, table=np.zeros((3, 256), np.uint8))
"""
    kept = []
    for code in ("from allviewer.systems.crop_kernels import build_kernels; build_kernels()", cut):
        subprocess.run([sys.executable, "-c", code], check=True, env=env)
        kept.append(sorted(path.name for path in tmp_path.rglob("*.nbc")))
    assert len(kept[0]) == 2
    assert kept[1] == kept[0]


def test_levels_are_those_of_the_slide(field):
    card, boxes = make_card(white=240.0, nucleus=(0.8, 1.6)), np.array([[20.0, 20, 120, 120], [-40, 150, 290, 480]])
    stain = slide_stain(field)
    plain = cut_crops(field, boxes, card.input_px, tuple(float(v) for v in np.rint(stain.white)))
    made = prepare(field, boxes, card, stain)
    np.testing.assert_array_equal(made, level(plain, stain, card.white, card.nucleus))
    assert (made != plain).mean() > 0.5


def test_boxes_that_are_no_boxes_are_refused(field):
    for bad in ([[0, 0, 0, 5]], [[0, 0, np.nan, 5]], [[0, 0, 1e6, 1e6]]):
        with pytest.raises(ValueError, match="crop's"):
            cut_crops(field, np.array(bad, float), 32)
    assert cut_crops(field, np.empty((0, 4)), 32).shape == (0, 32, 32, 3)


def test_prediction_is_row_for_row_and_smudges_stay_unclassified(model_file, field):
    model = load_model(model_file, "cpu")
    cells = table([(60, 60), (200, 250), (390, 490), (100, 400), (0, 0)], [0, Kind.SMUDGE, 0, 0, 0])
    got = classify(model, field, cells, 0.12, heat=True, batch=2)
    assert got.classified.tolist() == [True, False, True, True, True]
    assert got.predicted[1] == -1
    assert np.isnan(got.confidence[1])
    assert got.model == model.digest
    np.testing.assert_allclose(got.boxes, crop_boxes(cells.centroid, 0.12, model.card))
    direct = model.predict(prepare(field, got.boxes[[0, 2]], model.card), heat=True)
    np.testing.assert_allclose(got.probabilities[[0, 2]], direct.probabilities, atol=1e-5)
    np.testing.assert_allclose(got.heat[[0, 2]], direct.heat, atol=1e-3)
    assert got.heat.shape == (5, 2, 7, 7)
    assert got.heat[1].max() == 0


def test_a_tile_gives_what_the_slide_gives(model_file, field):
    model = load_model(model_file, "cpu")
    cells = table([(200, 250), (210, 260)])
    stain = slide_stain(field)
    whole = classify(model, field, cells, 0.12, stain=stain)
    tile = classify(model, field[80:330, 100:400], cells, 0.12, stain=stain, origin=(80, 100))
    np.testing.assert_array_equal(whole.probabilities, tile.probabilities)
    np.testing.assert_array_equal(whole.boxes, tile.boxes)


def test_cancelling_leaves_the_rest_unclassified(model_file, field):
    asked = iter([False, True, True])
    cells = table([(60, 60), (200, 250), (100, 400)])
    got = classify(load_model(model_file, "cpu"), field, cells, 0.12, batch=1, cancelled=lambda: next(asked))
    assert got.classified.tolist() == [True, False, False]


def test_no_cells_no_rows(model_file, field):
    got = classify(load_model(model_file, "cpu"), field, CellTable.empty(), 0.12, heat=True)
    assert len(got) == 0
    assert got.probabilities.shape == (0, 2)
