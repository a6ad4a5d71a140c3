from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.segment import sheet as sheets
from allviewer.segment.default import grown
from allviewer.segment.grid import working_field
from allviewer.segment.seeds import nuclear_parts
from allviewer.segment.sheet import Place, Sheet, arrange, cut_out
from allviewer.segment.survey import survey
from allviewer.synth import render_field


@st.composite
def fields(draw):
    """Boxes in a field that do not overlap: some cells of a grid, each grown to the field's edge or kept off it."""
    rows, columns = draw(st.integers(2, 9)), draw(st.integers(2, 12))
    side = draw(st.integers(2, 30))
    cells = [(r, c) for r in range(rows) for c in range(columns)]
    chosen = draw(st.lists(st.sampled_from(cells), unique=True, min_size=1, max_size=20))
    trim = draw(st.integers(0, 1))
    boxes = []
    for r, c in chosen:
        y0, x0, y1, x1 = r * side, c * side, (r + 1) * side, (c + 1) * side
        y0, x0 = y0 + (trim if r else 0), x0 + (trim if c else 0)
        boxes.append((y0, x0, y1, x1))
    return np.array(boxes), (rows * side, columns * side)


@settings(max_examples=200, deadline=None)
@given(fields())
def test_windows_never_overlap_and_keep_their_edges(drawn):
    boxes, shape = drawn
    arranged = arrange(boxes, shape)
    if arranged is None:
        return
    (height, width), places = arranged
    assert height * width <= sheets.CROWDED * shape[0] * shape[1]
    assert len(places) == len(boxes)
    for p, (y0, x0, y1, x1) in zip(places, boxes.tolist(), strict=True):
        assert (p.y, p.x, p.height, p.width) == (y0, x0, y1 - y0, x1 - x0)
        assert 0 <= p.sheet_y <= height - p.height
        assert 0 <= p.sheet_x <= width - p.width
        for at_edge, on_sheet in (
            (y0 == 0, p.sheet_y == 0),
            (x0 == 0, p.sheet_x == 0),
            (y1 == shape[0], p.sheet_y + p.height == height),
            (x1 == shape[1], p.sheet_x + p.width == width),
        ):
            assert on_sheet or not at_edge
    for p, q in combinations(places, 2):
        apart = (
            p.sheet_y + p.height <= q.sheet_y
            or q.sheet_y + q.height <= p.sheet_y
            or p.sheet_x + p.width <= q.sheet_x
            or q.sheet_x + q.width <= p.sheet_x
        )
        assert apart


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(1500, 1900), (1501, 1893)])
def test_the_sheet_gives_the_cells_of_the_whole_field(seed, shape):
    made = render_field(*shape, seed=seed, white_cells=7, smudges=1)
    found = survey(made.rgb)
    sheet = cut_out(made.rgb, made.um_per_px, found)
    assert len(sheet.places) > 1
    assert sheet.field.azure.size < 0.7 * made.rgb[..., 0].size / sheet.field.factor**2
    field = working_field(made.rgb, made.um_per_px, found)
    cells = [(sheet.back(one), kind) for one, kind in grown(sheet.field, nuclear_parts(sheet.field), found)]
    whole = grown(field, nuclear_parts(field), found)
    assert len(cells) == len(whole) >= 7
    for (one, kind), (other, other_kind) in zip(
        *(sorted(c, key=lambda k: k[0].corner) for c in (cells, whole)), strict=True
    ):
        assert one.corner == other.corner
        assert kind == other_kind
        assert (one.cut is None) == (other.cut is None)
        assert one.cell.area == pytest.approx(other.cell.area, rel=1e-3)
        assert one.values == pytest.approx(other.values, rel=0.01, abs=0.01)


def test_a_field_with_nothing_nuclear_has_no_sheet():
    made = render_field(800, 1000, seed=2, white_cells=0, smudges=0, platelets_per_mm2=0, precipitate_per_mm2=0)
    assert cut_out(made.rgb, made.um_per_px, survey(made.rgb)) is None


def test_a_crowded_field_is_its_own_sheet():
    made = render_field(600, 700, seed=2, white_cells=8)
    sheet = cut_out(made.rgb, made.um_per_px, survey(made.rgb))
    assert sheet.places == (Place(0, 0, 0, 0, 300, 350),)


def test_a_place_outside_every_window_has_no_home():
    made = render_field(600, 700, seed=2, white_cells=8)
    field = working_field(made.rgb, made.um_per_px, survey(made.rgb))
    one = grown(field, nuclear_parts(field), survey(made.rgb))[0][0]
    with pytest.raises(ValueError, match="no window"):
        Sheet(field, (Place(0, 0, 0, 0, 1, 1),)).back(one)
