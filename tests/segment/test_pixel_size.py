import numpy as np
import pytest

from allviewer.segment.pixel_size import ASSUMED_UM, assumed_pixel_size, estimate_pixel_size, typical_diameter
from allviewer.synth.field import render_field
from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE, PixelSizeSource


@pytest.mark.parametrize("um", [0.05, 0.096, 0.15, 0.25, 0.4, 0.5])
def test_within_a_tenth_at_any_magnification(um):
    high, wide = (90, 120) if um < 0.3 else (160, 200)
    field = render_field(round(high / um), round(wide / um), seed=2, um_per_px=um)
    size = estimate_pixel_size(field.rgb)
    assert size.source is PixelSizeSource.ESTIMATE
    assert size.um == pytest.approx(um, rel=0.1)


@pytest.mark.parametrize("crowding", [{"rouleaux": 0.6}, {"red_spacing": 0.6}, {"blur_um": 0.3}, {"noise": 8.0}])
def test_crowded_blurred_and_noisy_fields(crowding):
    field = render_field(1000, 1300, seed=3, **crowding)
    assert estimate_pixel_size(field.rgb).um == pytest.approx(field.um_per_px, rel=0.1)


def test_unknown_rather_than_a_guess_without_red_cells():
    rng = np.random.default_rng(0)
    for image in (
        np.zeros((200, 200, 3), np.uint8),
        np.full((400, 400, 3), 230, np.uint8),
        rng.integers(0, 256, (400, 500, 3)).astype(np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
    ):
        assert estimate_pixel_size(image) == UNKNOWN_PIXEL_SIZE


def test_white_cells_are_not_taken_for_red_ones():
    # A crop that holds one blast and little else.
    field = render_field(1000, 1300, seed=5, white_cells=14, smudges=0)
    row = next(k for k, kind in enumerate(field.classes) if kind == "blast" and field.centres[k].min() > 90)
    y, x = field.centres[row].astype(int)
    assert estimate_pixel_size(np.ascontiguousarray(field.rgb[y - 80 : y + 80, x - 80 : x + 80])).um is None


def test_a_few_arcs_or_many_that_disagree_settle_nothing():
    assert typical_diameter(np.full(3, 40.0), np.full(3, 100.0)) is None
    spread = np.geomspace(12, 200, 30)
    assert typical_diameter(spread, spread * 3) is None
    sizes = np.concatenate([np.full(20, 40.0), [15.0, 90.0]])
    assert typical_diameter(sizes, sizes * 3)[0] == 40


def test_the_assumption_is_that_of_an_oil_objective():
    assert 0.06 <= ASSUMED_UM <= 0.13


@pytest.mark.parametrize("um", [0.07, 0.1, 0.17, 0.25])
def test_the_crop_of_one_cell_is_assumed_to_be_of_ordinary_size(um):
    field = render_field(round(110 / um), round(140 / um), seed=5, um_per_px=um, white_cells=14, smudges=0)
    half = round(9 / um)
    ratios = []
    for centre in field.centres.astype(int):
        if (centre >= half).all() and (centre < np.array(field.rgb.shape[:2]) - half).all():
            y, x = centre
            crop = np.ascontiguousarray(field.rgb[y - half : y + half, x - half : x + half])
            ratios.append((estimate_pixel_size(crop).um or assumed_pixel_size(crop)) / um)
    assert len(ratios) >= 8
    assert np.median(ratios) == pytest.approx(1, abs=0.25)
    assert 0.5 < min(ratios) <= max(ratios) < 2


@pytest.mark.parametrize("value", [0, 90, 255])
def test_where_nothing_is_seen_the_assumption_is_the_usual_one(value):
    assert assumed_pixel_size(np.full((300, 400, 3), value, np.uint8)) == ASSUMED_UM
    assert assumed_pixel_size(np.full((1, 1, 3), value, np.uint8)) == ASSUMED_UM
    assert assumed_pixel_size(np.empty((0, 0, 3), np.uint8)) == ASSUMED_UM
