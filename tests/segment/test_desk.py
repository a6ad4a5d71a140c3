import threading

import numpy as np

from allviewer.segment import Survey, segmenter
from allviewer.segment.desk import LARGEST, Desk, own_desk
from allviewer.synth import render_field


def test_what_is_asked_for_again_is_not_made_again():
    desk = Desk()
    first = desk.array("a", (30, 40), np.float32)
    first[:] = 7
    again = desk.array("a", (20, 10), np.int32)
    assert again.shape == (20, 10)
    assert again.flags.c_contiguous
    assert np.shares_memory(first, again)
    assert not np.shares_memory(first, desk.array("b", (30, 40), np.float32))
    assert desk.array("a", (60, 40), np.float32).size == 2400
    assert (first[-1] == 7).all()  # whoever holds the smaller one keeps it


def test_what_is_very_large_is_not_kept():
    desk = Desk()
    first = desk.array("a", (LARGEST + 1,), np.uint8)
    assert first.shape == (LARGEST + 1,)
    assert not np.shares_memory(first, desk.array("a", (LARGEST + 1,), np.uint8))


def test_every_thread_has_its_own():
    others = []
    thread = threading.Thread(target=lambda: others.append(own_desk()))
    thread.start()
    thread.join()
    assert own_desk() is own_desk()
    assert others[0] is not own_desk()


def test_a_table_outlives_the_next_field():
    finder, fields = segmenter("default"), [render_field(500, 600, seed=s, white_cells=5) for s in (1, 2)]
    surveys: list[Survey] = [finder.survey(f.rgb, f.um_per_px) for f in fields]
    first = finder.cells(fields[0].rgb, fields[0].um_per_px, surveys[0])
    points, areas = first.cell.points.copy(), first.measurements["cell_area_um2"].copy()
    finder.cells(fields[1].rgb, fields[1].um_per_px, surveys[1])
    assert len(first) >= 4
    assert np.array_equal(first.cell.points, points)
    assert np.array_equal(first.measurements["cell_area_um2"], areas)
