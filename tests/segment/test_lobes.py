"""Which parts make one cell, on masks drawn by hand."""

import numpy as np
import pytest

from allviewer.segment.grid import Field
from allviewer.segment.lobes import join_lobes
from allviewer.segment.whole_cell import Found

UM = 0.2
SIDE = 200


def field():
    plane = np.zeros((SIDE, SIDE), np.float32)
    return Field(np.zeros((SIDE, SIDE, 3), np.uint8), plane, plane, plane, 1, UM, (SIDE, SIDE))


def disc(y, x, radius_um):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (rows - y) ** 2 + (columns - x) ** 2 <= (radius_um / UM) ** 2


def part(cell, nucleus):
    return Found(0, 0, cell, nucleus & cell, 0.5)


def halves(cell, nuclei, axis=1, at=SIDE // 2):
    """A cell whose nuclei divide it along a straight line."""
    first = np.arange(SIDE) < at
    first = first[None, :] if axis == 1 else first[:, None]
    return [part(cell & first, nuclei[0]), part(cell & ~first, nuclei[1])]


def joined(parts, pairs=((1, 2),)):
    return join_lobes(field(), parts, list(pairs))


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.3])
def test_two_large_lobes_of_one_round_cell_stay_together_even_where_the_pixel_size_is_off(scale):
    cell = disc(100, 100, 8.5 * scale)
    nuclei = [disc(100, 100 - 20 * scale, 4 * scale), disc(100, 100 + 20 * scale, 4 * scale)]
    assert len(joined(halves(cell, nuclei))) == 1


@pytest.mark.parametrize("apart", [1.55, 1.7, 2.0])
def test_two_blasts_pressed_flat_against_each_other_stay_two(apart):
    radius = 6.0
    away = apart * radius / UM / 2
    cells = disc(100, 100 - away, radius) | disc(100, 100 + away, radius)
    nuclei = [disc(100, 100 - away, 5.4), disc(100, 100 + away, 5.4)]
    assert len(joined(halves(cells, nuclei))) == 2


def test_a_small_lymphocyte_beside_a_blast_stays_its_own():
    cells = disc(100, 80, 6.5) | disc(100, 135, 4.0)
    parts = halves(cells, [disc(100, 80, 5.8), disc(100, 135, 3.5)], at=114)
    assert len(joined(parts)) == 2


def test_lobes_of_a_cell_cut_through_by_the_edge_stay_together():
    cell = disc(0, 100, 9.0)
    assert len(joined(halves(cell, [disc(12, 80, 3.4), disc(12, 120, 3.4)]))) == 1


def test_two_blasts_cut_by_the_edge_stay_two():
    cells = disc(0, 70, 6.0) | disc(0, 130, 6.0)
    assert len(joined(halves(cells, [disc(0, 70, 5.4), disc(0, 130, 5.4)]))) == 2


def test_a_joined_cell_holds_both_nuclei():
    cell = disc(100, 100, 8.0)
    (one,) = joined(halves(cell, [disc(100, 80, 3.5), disc(100, 120, 3.5)]))
    assert one.nucleus[100, 80]
    assert one.nucleus[100, 120]
    assert one.cell.sum() >= 0.97 * cell.sum()
