"""A cell's masks end where the cell does."""

import cv2
import numpy as np
import pytest

from allviewer.segment.bits import packed, unpacked
from allviewer.segment.cytoplasm import without_tails
from allviewer.segment.grid import Field, working_field
from allviewer.segment.regions import nearest
from allviewer.segment.survey import survey
from allviewer.segment.whole_cell import whole_cells

PLANE = np.zeros((200, 300), np.float32)
FIELD = Field(np.zeros((200, 300, 3), np.uint8), PLANE, PLANE, PLANE, 1, 0.2, PLANE.shape)
WHITE, RED, NUCLEUS, LILAC, PINK = (235, 238, 240), (215, 170, 180), (90, 45, 150), (205, 195, 225), (215, 190, 195)


def mask(*discs: tuple[int, int, int]) -> np.ndarray:
    out = np.zeros(PLANE.shape, np.uint8)
    for y, x, radius in discs:
        cv2.circle(out, (x, y), radius, 1, -1)
    return out


def left_of(cell: np.ndarray, nucleus: np.ndarray) -> np.ndarray:
    held = without_tails(packed(cell), packed(nucleus), nearest(nucleus.astype(np.int32), np.inf), FIELD)
    return unpacked(held, cell.shape[1])


def test_a_knob_behind_a_thin_neck_is_no_part_of_the_cell():
    cell, nucleus = mask((100, 100, 40)), mask((100, 100, 25))
    knob = mask((100, 160, 10))  # 4 µm wide: an opening of 2 µm alone would keep it
    neck = np.zeros_like(cell)
    neck[97:103, 100:160] = 1  # 1.2 µm
    left = left_of(cell | neck | knob, nucleus)
    assert not left[100, 160]
    assert left[cell > 0].mean() > 0.99
    assert left.sum() < 1.02 * cell.sum()


def test_cytoplasm_on_one_side_stays():
    nucleus, cell = mask((100, 100, 25)), mask((100, 100, 25), (100, 130, 30))
    assert left_of(cell, nucleus)[cell > 0].mean() > 0.98


def painted(*discs: tuple[tuple[int, int, int], tuple[int, int, int]]) -> Field:
    """A field at 0.2 µm per pixel with a row of red cells along its lower edge and discs (y, x, radius) of colours."""
    rgb = np.full((400, 500, 3), WHITE, np.uint8)
    for x in range(30, 500, 50):
        cv2.circle(rgb, (x, 370), 18, RED, -1)
    for (y, x, radius), colour in discs:
        cv2.circle(rgb, (x, y), radius, colour, -1)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 1.2)
    return working_field(rgb, 0.2, survey(rgb))


def disc_of(y: int, x: int, radius: int) -> np.ndarray:
    out = np.zeros((400, 500), np.uint8)
    cv2.circle(out, (x, y), radius, 1, -1)
    return out > 0


def overlap(field: Field, nucleus: tuple[int, int, int], truth: np.ndarray) -> float:
    """Dice of the one cell found round a nucleus."""
    (found,), _ = whole_cells(field, disc_of(*nucleus).astype(np.int32))
    assert found is not None
    cell = np.zeros(truth.shape, np.bool_)
    cell[found.y : found.y + found.cell.shape[0], found.x : found.x + found.cell.shape[1]] = found.cell
    return float(2 * (cell & truth).sum() / (cell.sum() + truth.sum()))


@pytest.mark.parametrize("cytoplasm", [LILAC, PINK], ids=["lilac", "as pink as red cells"])
def test_the_whole_of_a_cell_that_stands_alone_is_taken(cytoplasm):
    nucleus, cell = (140, 190, 20), (150, 200, 38)
    assert overlap(painted((cell, cytoplasm), (nucleus, NUCLEUS)), nucleus, disc_of(*cell)) > 0.95


@pytest.mark.parametrize("towards", [0, 45, 90, 200])
def test_red_cells_against_a_white_one_are_left_out(towards):
    nucleus, cell = (150, 200, 24), (150, 200, 32)
    away = np.deg2rad([towards, towards + 120])
    red = [((round(150 + 48 * np.sin(a)), round(200 + 48 * np.cos(a)), 18), RED) for a in away]
    assert overlap(painted(*red, (cell, LILAC), (nucleus, NUCLEUS)), nucleus, disc_of(*cell)) > 0.95


def test_a_naked_nucleus_gets_no_cytoplasm():
    nucleus = (150, 200, 25)
    assert overlap(painted((nucleus, NUCLEUS)), nucleus, disc_of(*nucleus)) > 0.95


def test_what_goes_on_beyond_reach_is_not_taken_for_one_cell():
    nucleus, lake = (150, 200, 24), (150, 200, 90)  # 18 µm of something as pink as red cells, all round
    (found,), _ = whole_cells(painted((lake, PINK), (nucleus, NUCLEUS)), disc_of(*nucleus).astype(np.int32))
    assert found is not None
    assert found.cell.sum() < 1.6 * disc_of(*nucleus).sum()


def test_two_cells_share_no_pixel_and_a_missing_number_is_none():
    field = painted(
        ((150, 180, 32), LILAC), ((150, 236, 32), LILAC), ((150, 180, 24), NUCLEUS), ((150, 236, 24), NUCLEUS)
    )
    seeds = disc_of(150, 180, 24).astype(np.int32) + 3 * disc_of(150, 236, 24)
    found, zones = whole_cells(field, seeds)
    assert [cell is None for cell in found] == [False, True, False]
    owners = np.zeros(seeds.shape, np.int32)
    for cell in found:
        if cell is not None:
            owners[cell.y : cell.y + cell.cell.shape[0], cell.x : cell.x + cell.cell.shape[1]] += cell.cell
            assert cell.cell[cell.nucleus].all()
    assert owners.max() == 1
    assert set(np.unique(zones.number)) == {0, 1, 3}
    assert (zones.far[seeds > 0] == 0).all()
