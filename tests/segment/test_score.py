import numpy as np
import pytest

from allviewer.segment.score import CentreScore, dice, match_boxes, owners, score_centres, total
from allviewer.vocab.cells import CellTable, Kind, Outlines


def squares(corners, kinds=None, side=10):
    n = len(corners)
    unit = np.array([[0, 0], [0, side], [side, side], [side, 0]], np.float32)
    low = np.array(corners, np.float32).reshape(-1, 2)
    outlines = Outlines.of([[unit + corner] for corner in low])
    boxes = np.concatenate([low, low + side], axis=1).astype(np.int32)
    zeros = np.zeros(n, np.float32)
    return CellTable(
        np.arange(1, n + 1), np.array(kinds or [Kind.CELL] * n, np.uint8), low + side / 2, boxes,
        zeros, zeros, np.zeros(n, bool), outlines, outlines,
    )  # fmt: skip


def test_a_point_belongs_to_the_cell_it_lies_in():
    cells = squares([(0, 0), (0, 20)])
    points = np.array([[5, 5], [5, 25], [5, 15], [50, 50]], np.float32)
    assert owners(cells, points).tolist() == [0, 1, -1, -1]


def test_a_smudge_holds_no_point():
    cells = squares([(0, 0), (0, 20)], [Kind.SMUDGE, Kind.CELL])
    assert owners(cells, np.array([[5, 5], [5, 25]], np.float32)).tolist() == [-1, 1]


def test_two_centres_in_one_cell_are_found_but_not_its_own():
    cells = squares([(0, 0), (0, 20), (30, 30)])
    score = score_centres(cells, np.array([[2, 2], [8, 8], [5, 25], [90, 90]], np.float32))
    assert score == CentreScore(centres=4, found=3, own=1, reported=3)
    assert score.found_share == pytest.approx(0.75)
    assert score.own_share == pytest.approx(0.25)
    assert score.per_centre == pytest.approx(0.75)


def test_fields_add_up():
    both = total([CentreScore(4, 3, 2, 5), CentreScore(6, 6, 6, 6)])
    assert both == CentreScore(10, 9, 8, 11)
    assert CentreScore(0, 0, 0, 2).per_centre == 2
    assert CentreScore(0, 0, 0, 0).found_share == 1


def test_dice():
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert dice(one, other) == 1
    one[:2] = True
    other[1:3] = True
    assert dice(one, other) == pytest.approx(0.5)


def test_boxes_pair_off_once():
    true = np.array([[0, 0, 10, 10], [0, 20, 10, 30]])
    found = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [0, 21, 10, 30], [50, 50, 60, 60]])
    assert match_boxes(found, true) == 2
    assert match_boxes(found[:2], true) == 1
    assert match_boxes(np.empty((0, 4)), true) == 0
