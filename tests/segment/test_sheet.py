import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.segment import sheet as sheets
from allviewer.segment.default import grown
from allviewer.segment.grid import working_field
from allviewer.segment.seeds import nuclear_parts
from allviewer.segment.sheet import Sheet, arrange, cut_out, groups
from allviewer.segment.survey import survey
from allviewer.synth import render_field


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(4, 60), columns=st.integers(4, 80), share=st.floats(0.001, 0.08),
    margin=st.integers(1, 3),
)  # fmt: skip
def test_groups_never_overlap_and_keep_their_edges(seed, rows, columns, share, margin):
    suspect = (np.random.default_rng(seed).random((rows, columns)) < share).astype(np.uint8)
    labels, numbers, boxes = groups(suspect, margin, 1, 1)
    if len(numbers) == 0:
        return
    arranged = arrange(labels, numbers, boxes)
    if arranged is None:
        return
    (height, width), at = arranged
    taken = np.zeros((height, width), int)
    for number, (y0, x0, y1, x1), (y, x) in zip(numbers, boxes.tolist(), at.tolist(), strict=True):
        assert 0 <= y <= height - (y1 - y0)
        assert 0 <= x <= width - (x1 - x0)
        taken[y : y + y1 - y0, x : x + x1 - x0] += labels[y0:y1, x0:x1] == number
        assert y == 0 or y0 > 0
        assert x == 0 or x0 > 0
        assert y + y1 - y0 == height or y1 < rows
        assert x + x1 - x0 == width or x1 < columns
    assert taken.max() == 1
    assert taken.sum() == np.isin(labels, numbers).sum()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(1500, 1900), (1501, 1893)])
def test_the_sheet_gives_the_cells_of_the_whole_field(seed, shape):
    made = render_field(*shape, seed=seed, white_cells=5, smudges=1)
    found = survey(made.rgb)
    sheet = cut_out(made.rgb, made.um_per_px, found)
    assert len(sheet.moved) > 1
    assert sheet.field.azure.size < 0.7 * made.rgb[..., 0].size / sheet.field.factor**2
    field = working_field(made.rgb, made.um_per_px, found)
    cells = [(sheet.back(one), kind) for one, kind in grown(sheet.field, nuclear_parts(sheet.field), found)]
    whole = grown(field, nuclear_parts(field), found)
    assert len(cells) == len(whole) >= 5
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
    assert sheet.field.azure.shape == (300, 350)
    assert sheet.owner.tolist() == [[1]]


def test_a_cell_outside_every_group_has_no_home():
    made = render_field(600, 700, seed=2, white_cells=8)
    field = working_field(made.rgb, made.um_per_px, survey(made.rgb))
    one = grown(field, nuclear_parts(field), survey(made.rgb))[0][0]
    with pytest.raises(ValueError, match="no group"):
        Sheet(field, np.zeros((75, 88), np.int32), np.empty((0, 2), np.int64)).back(one)


@pytest.mark.parametrize(("shape", "seed"), [((363, 361), 1), ((363, 361), 4), ((491, 493), 1), ((603, 605), 6)])
def test_nothing_is_written_beyond_the_sheet(monkeypatch, shape, seed):
    # compiled loops do not look: in Python a step over the edge is an IndexError
    monkeypatch.setattr(sheets, "_copy", sheets._copy.py_func)
    made = render_field(
        *shape, seed=seed, um_per_px=0.1, white_cells=1, smudges=0, platelets_per_mm2=0, precipitate_per_mm2=0
    )
    assert cut_out(made.rgb, 0.1, survey(made.rgb)) is not None
