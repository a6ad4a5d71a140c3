"""Laws of the cell table and its outlines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allviewer.vocab.cells import CellTable, Outlines
from allviewer.vocab.optics import PixelSize, PixelSizeSource
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.region import Region
from tests.tables import some_cells, some_prediction

ring = st.integers(3, 8).map(lambda k: np.arange(2 * k, dtype=np.float32).reshape(k, 2))


def table(n: int, rings_per_nucleus: list[int] | None = None) -> CellTable:
    square = np.array([[0, 0], [0, 2], [2, 2], [2, 0]], np.float32)
    nuclei = rings_per_nucleus or [1] * n
    return CellTable(
        np.arange(1, n + 1), np.zeros(n, np.uint8), np.full((n, 2), 1, np.float32),
        np.tile([0, 0, 2, 2], (n, 1)).astype(np.int32), np.full(n, 4, np.float32), np.full(n, 1, np.float32),
        np.zeros(n, bool), Outlines.of([[square + i] for i in range(n)]),
        Outlines.of([[square / 2 + i] * k for i, k in enumerate(nuclei)]), {"x": np.arange(n, dtype=np.float32)},
    )  # fmt: skip


@given(st.lists(st.lists(ring, max_size=3), max_size=6))
def test_packed_rings_come_back(rows):
    packed = Outlines.of(rows)
    for i, rings in enumerate(rows):
        back = list(packed.rings(i))
        assert len(back) == len(rings)
        assert all(np.array_equal(a, b) for a, b in zip(back, rings, strict=True))


@given(st.permutations(range(5)), st.integers(0, 5))
def test_taking_rows_takes_their_outlines(order, k):
    cells = table(5, [1, 2, 0, 3, 1])
    rows = np.array(order[:k], np.intp)
    some = cells.take(rows)
    assert some.ids.tolist() == (rows + 1).tolist()
    for i, row in enumerate(rows):
        assert [r.tolist() for r in some.nucleus.rings(i)] == [r.tolist() for r in cells.nucleus.rings(int(row))]
        assert some.measurements["x"][i] == row


def test_shift_moves_everything_and_back():
    cells = table(3)
    there = cells.shift(10, -4)
    assert there.centroid[0].tolist() == [11, -3]
    assert there.bbox[0].tolist() == [10, -4, 12, -2]
    assert next(iter(there.cell.rings(0)))[0].tolist() == [10, -4]
    assert np.array_equal(there.shift(-10, 4).cell.points, cells.cell.points)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_concatenation_keeps_every_row(sizes):
    whole = CellTable.concat([table(n).renumber(100 * i) for i, n in enumerate(sizes)])
    assert len(whole) == sum(sizes)
    assert len(whole.cell.owner) == len(whole)
    assert list(whole.measurements) == ["x"]


def test_columns_of_different_length_are_refused():
    cells = table(2)
    with pytest.raises(ValueError, match="one entry a cell"):
        CellTable(
            cells.ids, cells.kind[:1], cells.centroid, cells.bbox, cells.area_px, cells.nucleus_area_px,
            cells.touches_border, cells.cell, cells.nucleus,
        )  # fmt: skip


def test_unclassified_rows_have_no_class():
    p = np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]], np.float32)
    said = Prediction(("a", "b"), p, np.zeros(3, bool), np.zeros((3, 4), np.float32), "m")
    assert said.predicted.tolist() == [0, -1, 1]
    assert said.confidence[[0, 2]].tolist() == pytest.approx([0.9, 0.8])
    assert np.isnan(said.confidence[1])


@pytest.mark.parametrize(("um", "source"), [(None, "file"), (0.1, "unknown"), (300.0, "given"), (0.0001, "file")])
def test_impossible_pixel_sizes_are_refused(um, source):
    with pytest.raises(ValueError):
        PixelSize(um, PixelSizeSource(source))


def test_a_region_grows_and_is_clipped():
    assert Region(0, 5, 10, 20).grow(3).clip(11, 30) == Region(0, 2, 11, 23)
    with pytest.raises(ValueError, match="ends before"):
        Region(5, 0, 4, 3)


def test_a_part_that_classified_nothing_costs_no_heat():
    cells = some_cells(3)
    with_heat, nothing = some_prediction(cells), some_prediction(cells.take(np.array([], np.intp)), heat=False)
    smudges = some_prediction(cells, heat=False)
    smudges.probabilities[:] = np.nan
    whole = Prediction.concat([with_heat, nothing, smudges])
    assert np.array_equal(whole.heat[:3], with_heat.heat)
    assert not whole.heat[3:].any()
    assert Prediction.concat([with_heat, some_prediction(cells, heat=False)]).heat is None
