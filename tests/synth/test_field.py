"""A rendered field says exactly what is on it, and says the same again."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.synth import STAINS, Scene, render_field, render_sample, render_through
from allviewer.vocab.optics import RED_CELL_UM


@pytest.fixture(scope="module")
def field():
    return render_field(900, 1100, seed=4, white_cells=9)


def test_same_seed_same_pixels_other_seed_other_pixels(field):
    again = render_field(900, 1100, seed=4, white_cells=9)
    for name in ("rgb", "cells", "nuclei", "smudges", "centres", "red_cells", "platelets"):
        np.testing.assert_array_equal(getattr(field, name), getattr(again, name))
    assert (render_field(900, 1100, seed=5, white_cells=9).rgb != field.rgb).any()


def test_one_smear_through_many_cameras():
    scene = Scene(300, 700, seed=7, white_cells=4)
    cameras = ({}, {"blur_um": 0.4}, {"noise": 9.0, "blur_um": 0.0}, {"vignette": 0.3, "fringe_um": 0.2})
    for camera, seen in zip(cameras, render_through(scene, cameras), strict=True):
        alone = render_field(300, 700, seed=7, white_cells=4, **camera)
        for name in ("rgb", "cells", "nuclei", "centres"):
            np.testing.assert_array_equal(getattr(seen, name), getattr(alone, name))
    with pytest.raises(ValueError, match="stain"):
        next(render_through(scene, [{"stain": "pale"}]))


def test_instances_classes_and_centres_agree(field):
    n = len(field.classes)
    assert n == 9
    assert len(field.centres) == n
    assert set(np.unique(field.cells)) == set(range(n + 1))
    rows, cols = field.centres.astype(int).T
    np.testing.assert_array_equal(field.cells[rows, cols], np.arange(1, n + 1))


def test_every_nucleus_lies_inside_its_cell(field):
    inside = field.nuclei > 0
    np.testing.assert_array_equal(field.nuclei[inside], field.cells[inside])
    areas = np.bincount(field.nuclei.ravel(), minlength=10)[1:] / np.bincount(field.cells.ravel())[1:]
    assert (areas > 0.1).all()
    assert (areas < 0.98).all()
    blasts = np.array([c == "blast" for c in field.classes])
    assert areas[blasts].min() > 0.55


def test_red_cells_are_seven_and_a_half_micrometres_wide():
    for um in (0.096, 0.2):
        red = render_field(1200, 1200, seed=2, um_per_px=um, white_cells=0).red_cells
        assert len(red) > 30
        assert red[:, 2].mean() == pytest.approx(RED_CELL_UM / um, rel=0.05)


def test_a_field_without_white_cells():
    bare = render_field(600, 600, seed=3, white_cells=0, smudges=0)
    assert bare.classes == ()
    assert bare.centres.shape == (0, 2)
    assert not bare.cells.any()
    assert not bare.nuclei.any()
    assert not bare.smudges.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([0.096, 0.15, 0.25]))
def test_any_seed_gives_whole_cells_around_their_centres(seed, count, um):
    field = render_field(300, 360, seed=seed, um_per_px=um, white_cells=count, smudges=1, red_spacing=3)
    rows, cols = field.centres.astype(int).T
    np.testing.assert_array_equal(field.cells[rows, cols], np.arange(1, count + 1))
    inside = field.nuclei > 0
    np.testing.assert_array_equal(field.nuclei[inside], field.cells[inside])
    assert not (field.smudges > 0)[field.cells > 0].any()
    for k in range(1, count + 1):
        pieces = cv2.connectedComponentsWithStats((field.cells == k).astype(np.uint8), connectivity=4)[2][1:, 4]
        assert pieces.max() > 0.98 * pieces.sum()
    ys, xs = field.centres.T
    clear = np.minimum(np.minimum(ys, 300 - ys), np.minimum(xs, 360 - xs)) > 10 / um
    areas = np.bincount(field.cells.ravel(), minlength=count + 1)[1:] * um**2
    assert (areas[clear] > 0.6 * np.pi * field.radii_um[clear] ** 2).all()


def test_blasts_only_and_no_blasts():
    assert set(render_field(700, 700, seed=1, white_cells=6, blast_fraction=1).classes) == {"blast"}
    assert "blast" not in render_field(700, 700, seed=1, white_cells=6, blast_fraction=0).classes


@pytest.mark.parametrize("stain", STAINS)
def test_every_stain_makes_nuclei_darkest_and_the_background_brightest(stain):
    field = render_field(500, 500, seed=6, stain=stain, white_cells=3, smudges=0, noise=0)
    green = field.rgb[..., 1].astype(float)
    nucleus = green[field.nuclei > 0].mean()
    red = field.red_cells[0]
    assert nucleus < 0.7 * np.percentile(green, 99)
    assert field.rgb[field.nuclei > 0].mean(axis=0)[1] < field.rgb[field.nuclei > 0].mean(axis=0)[2]
    assert red[2] == pytest.approx(RED_CELL_UM / 0.096, rel=0.35)


def test_the_sample_has_blasts_others_smudges_and_platelets():
    sample = render_sample()
    blasts = sum(c == "blast" for c in sample.classes)
    assert sample.rgb.shape == (1944, 2592, 3)
    assert len(sample) == 35
    assert 0.35 < blasts / 35 < 0.65
    assert set(sample.classes) == {"blast", "lymphocyte", "neutrophil", "monocyte", "eosinophil"}
    assert sample.smudges.max() == 3
    assert touching(sample.cells) >= 5
    assert len(sample.platelets) >= 3


def touching(cells):
    """How many cells the largest clump has."""
    closed = cv2.morphologyEx((cells > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    groups = cv2.connectedComponents(closed)[1]
    return max(len(np.unique(cells[groups == g])) - 1 for g in range(1, groups.max() + 1))


def borders(cells, reach):
    """Pairs of cells that come within ``reach`` pixels of each other."""
    grown = np.zeros((cells.max() + 1, *cells.shape), np.uint8)
    for k in range(1, len(grown)):
        grown[k] = cv2.dilate((cells == k).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    return {(a, b) for a in range(1, len(grown)) for b in range(1, a) if (grown[a] & (cells == b)).any()}


@pytest.mark.parametrize(("cleft", "reach"), [(0.0, 1), (0.4, 6)])
def test_clumps_of_the_sizes_asked_for(cleft, reach):
    sizes = (8, 2, 5, 3)
    field = render_field(1050, 1050, seed=9, um_per_px=0.12, clumps=sizes, cleft_um=cleft)
    assert field.classes == ("blast",) * sum(sizes)
    assert not field.smudges.any()
    rim = np.concatenate([field.cells[[0, -1]].ravel(), field.cells[:, [0, -1]].ravel()])
    assert not rim.any()
    touching = borders(field.cells, reach)
    group = np.arange(sum(sizes) + 1)
    for a, b in sorted(touching):
        group[group == group[a]] = group[b]
    numbers = np.repeat(np.arange(len(sizes)), sizes)
    for k in range(len(sizes)):
        assert len(set(group[1:][numbers == k])) == 1
    assert len(set(group[1:])) == len(sizes)
    if cleft:
        assert not borders(field.cells, 1)
    areas = np.bincount(field.cells.ravel())[1:] * field.um_per_px**2
    assert (areas > 0.7 * np.pi * field.radii_um**2).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"um_per_px": 0},
        {"stain": "ink"},
        {"white_cells": 10_000},
        {"seed": -1},
        {"blast_fraction": 2},
        {"noise": -1},
        {"blur_um": float("nan")},
        {"clumps": (9,)},
        {"clumps": (1,)},
        {"clumps": (2,) * 400},
        {"clumps": (2,), "white_cells": 3},
        {"clumps": (2,), "smudges": 1},
        {"cleft_um": -0.1},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        render_field(64, 64, **wrong)
