import numpy as np
import pytest

from allviewer.pixels.density import AZURE, RED_CELL, background
from allviewer.segment import segmenter
from allviewer.segment.outlines import draw
from allviewer.segment.pixel_size import assumed_pixel_size, estimate_pixel_size
from allviewer.segment.score import dice
from allviewer.segment.survey import nuclear_contrast, off_line, red_cell_direction, survey
from allviewer.synth.field import render_field


def stained(white, *patches):
    """A background with rectangles of given optical density: (y0, y1, x0, x1, (r, g, b))."""
    image = np.tile(np.array(white, float), (400, 500, 1))
    for y0, y1, x0, x1, density in patches:
        image[y0:y1, x0:x1] *= 10 ** -np.array(density, float)
    return np.rint(image).astype(np.uint8)


ORDINARY, TEAL, NUCLEUS = (0.05, 0.13, 0.11), (0.28, 0.22, 0.09), (0.36, 0.9, 0.15)


def unit(vector):
    return np.array(vector) / np.linalg.norm(vector)


def test_background_is_the_brightest_clear_peak():
    image = stained((200, 190, 170), (0, 300, 0, 500, ORDINARY))
    image[:4, :4] = 255
    assert background(image) == (200.0, 190.0, 170.0)


@pytest.mark.parametrize("density", [ORDINARY, TEAL])
def test_direction_of_the_red_cells_whatever_their_colour(density):
    image = stained((210, 205, 200), (50, 350, 50, 250, density), (150, 220, 400, 470, NUCLEUS))
    found = survey(image)
    assert unit(density) @ np.array(found.red_cell) > 0.995
    contrast = nuclear_contrast(image, found)
    assert abs(np.median(contrast[50:350, 50:250])) < 0.01
    assert abs(np.median(off_line(image, found)[50:350, 50:250])) < 0.01
    assert np.median(contrast[150:220, 400:470]) > 0.2


def test_one_large_white_cell_does_not_pass_for_red_ones():
    # Its cytoplasm and nucleus are nearly all that is stained.
    image = stained((210, 205, 200), (100, 300, 150, 350, (0.1, 0.2, 0.04)), (150, 250, 200, 300, NUCLEUS))
    assert red_cell_direction(image, background(image)) == RED_CELL


def test_too_little_stain_falls_back_on_the_usual_direction():
    assert red_cell_direction(np.full((100, 100, 3), 220, np.uint8), (220.0, 220.0, 220.0)) == RED_CELL


def test_intact_nuclei_set_the_standard_and_darkness_is_said():
    field = render_field(800, 1000, seed=3, white_cells=8, smudges=0)
    found = survey(field.rgb)
    nuclei = nuclear_contrast(field.rgb, found)[field.nuclei > 0]
    assert 0.8 < found.nucleus / np.median(nuclei) < 1.6
    assert found.lit
    assert not survey(np.zeros((50, 50, 3), np.uint8)).lit
    assert survey(np.full((50, 50, 3), 220, np.uint8)).nucleus == 0


def test_the_same_at_any_power():
    field = render_field(1000, 1300, seed=5, white_cells=14, smudges=0)
    full, low = survey(field.rgb), survey(field.rgb[::2, ::2].copy())
    assert np.abs(np.array(full.white) - low.white).max() <= 2
    assert np.array(full.red_cell) @ np.array(low.red_cell) > 0.998


def test_azure_and_red_cells_point_apart():
    assert unit(AZURE) @ unit(RED_CELL) < 0.95


def cell_on_black(seed=5):
    """One whole cell of a rendered field, cut out and laid on black, and its mask."""
    field = render_field(700, 900, seed=seed, white_cells=6, smudges=0, clumping=0.0, blast_fraction=1.0)
    at = field.centres.astype(int)
    row = next(k for k in range(len(field)) if (at[k] > 120).all() and (at[k] < np.array([580, 780])).all())
    y, x = at[row]
    window = (slice(y - 110, y + 110), slice(x - 110, x + 110))
    mask = field.cells[window] == row + 1
    return np.where(mask[..., None], field.rgb[window], 0).astype(np.uint8), mask


@pytest.mark.parametrize("name", ["default", "oadls"])
def test_a_cell_cut_out_on_black_is_found_whole(name):
    rgb, mask = cell_on_black()
    um = assumed_pixel_size(rgb)
    assert estimate_pixel_size(rgb).um is None
    finder = segmenter(name)
    cells = finder.cells(rgb, um, finder.survey(rgb, um))
    assert len(cells) == 1
    assert dice(draw(cells.cell, mask.shape) > 0, mask) > 0.9


def test_black_around_a_field_is_not_taken_for_a_cells_ground():
    field = render_field(500, 700, seed=3, white_cells=4)
    y, x = np.mgrid[:500, :700]
    round_view = np.where((np.hypot(y - 250, x - 350) < 240)[..., None], field.rgb, 0).astype(np.uint8)
    assert not survey(round_view).on_black
    assert not survey(field.rgb).on_black
    assert not survey(np.zeros((90, 90, 3), np.uint8)).on_black
