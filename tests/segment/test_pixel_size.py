import numpy as np
import pytest

from allviewer.segment.pixel_size import ASSUMED_UM, estimate_pixel_size, typical_diameter
from allviewer.synth.field import render_field
from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE, PixelSizeSource


@pytest.mark.parametrize("um", [0.05, 0.096, 0.15, 0.25])
def test_within_a_tenth_at_any_magnification(um):
    field = render_field(round(90 / um), round(120 / um), seed=2, um_per_px=um)
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
