import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from allviewer.segment.score import (
    Agreement,
    CentreScore,
    dice,
    owners,
    pair_boxes,
    pair_labels,
    score_centres,
    split_right,
    total,
)
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
    found = np.array([[1, 0, 10, 10], [0, 0, 10, 10], [0, 21, 10, 30], [50, 50, 60, 60]])
    assert pair_boxes(found, true).tolist() == [[1, 0], [2, 1]]
    assert pair_boxes(found[:1], true).tolist() == [[0, 0]]
    assert pair_boxes(np.empty((0, 4)), true).shape == (0, 2)
    assert pair_boxes(found, np.empty((0, 4))).shape == (0, 2)


def bars(*spans):
    """A label image of one row of 100 pixels: label k + 1 over each half-open span."""
    image = np.zeros((1, 100), np.int32)
    for k, (first, end) in enumerate(spans):
        image[:, first:end] = k + 1
    return image


def test_f1_and_panoptic_quality_by_hand():
    true = bars((0, 10), (20, 30), (40, 50), (60, 70))
    # the same; 8 of 12 shared; exactly half, which is no pair; one more beside
    found = bars((0, 10), (22, 32), (45, 55), (80, 90), (90, 95))
    paired = pair_labels(found, true)
    assert paired.pairs.tolist() == [[1, 1], [2, 2]]
    assert paired.overlap == pytest.approx([1, 8 / 12])
    agreement = paired.agreement
    assert agreement == Agreement(4, 5, 2, pytest.approx(1 + 8 / 12))
    assert agreement.f1 == pytest.approx(2 * 2 / 9)
    assert agreement.panoptic_quality == pytest.approx((1 + 8 / 12) / (2 + 0.5 * 3 + 0.5 * 2))


def test_an_overlap_of_exactly_one_half_is_no_pair():
    assert pair_labels(bars((0, 10)), bars((0, 5))).agreement.pairs == 0
    assert pair_labels(bars((0, 9)), bars((0, 5))).agreement.pairs == 1


def test_a_merged_pair_and_a_split_cell_cost_what_they_should():
    two, one = bars((0, 10), (10, 20)), bars((0, 20))
    assert pair_labels(one, two).agreement == Agreement(2, 1, 0, 0)
    assert pair_labels(two, one).agreement == Agreement(1, 2, 0, 0)
    assert pair_labels(bars((0, 14), (14, 20)), one).agreement == Agreement(1, 2, 1, pytest.approx(0.7))


def test_nothing_found_and_nothing_there():
    nothing, one = bars(), bars((3, 9))
    assert pair_labels(nothing, nothing).agreement == Agreement()
    assert Agreement().f1 == 1
    assert Agreement().panoptic_quality == 1
    for agreement in (pair_labels(nothing, one).agreement, pair_labels(one, nothing).agreement):
        assert agreement.f1 == 0
        assert agreement.panoptic_quality == 0


images = arrays(np.int32, (8, 9), elements=st.integers(0, 5))


@given(images)
def test_an_image_agrees_with_itself(image):
    agreement = pair_labels(image, image).agreement
    assert agreement.f1 == 1
    assert agreement.panoptic_quality == pytest.approx(1)
    assert agreement.pairs == len(np.unique(image[image > 0]))


@given(images, images, st.permutations(range(1, 6)))
def test_labels_are_only_names_and_neither_side_is_favoured(found, true, names):
    renamed = np.array([0, *(7 * n for n in names)], np.int32)[found]
    forth, back = pair_labels(found, true).agreement, pair_labels(true, found).agreement
    again = pair_labels(renamed, true).agreement
    for other in (again, Agreement(back.found, back.true, back.pairs, back.overlap)):
        assert (forth.true, forth.found, forth.pairs) == (other.true, other.found, other.pairs)
        assert forth.overlap == pytest.approx(other.overlap)
    assert 0 <= forth.panoptic_quality <= forth.f1 <= 1


@given(images, images)
def test_side_by_side_is_the_sum(found, true):
    apart = np.where(found > 0, found + 10, 0), np.where(true > 0, true + 10, 0)
    both = pair_labels(np.hstack([found, apart[0]]), np.hstack([true, apart[1]])).agreement
    summed = pair_labels(found, true).agreement + pair_labels(*apart).agreement
    assert (both.true, both.found, both.pairs) == (summed.true, summed.found, summed.pairs)
    assert both.overlap == pytest.approx(summed.overlap)


def test_groups_are_split_right_or_not():
    true = bars((0, 10), (10, 20), (40, 50), (50, 60), (80, 90), (90, 100))
    groups = np.array([0, 0, 1, 1, 2, 2])
    assert split_right(true, true, groups).tolist() == [True] * 3
    merged = bars((0, 10), (10, 20), (40, 60), (80, 90), (90, 100))
    assert split_right(merged, true, groups).tolist() == [True, False, True]
    in_three = bars((0, 7), (7, 10), (10, 20), (40, 50), (50, 60), (80, 90), (90, 100))
    assert split_right(in_three, true, groups).tolist() == [False, True, True]
    lost = bars((0, 10), (10, 20), (40, 50), (50, 60), (80, 90))
    assert split_right(lost, true, groups).tolist() == [True, True, False]
    elsewhere = bars((0, 10), (10, 20), (25, 35), (40, 50), (50, 60), (80, 90), (90, 100))
    assert split_right(elsewhere, true, groups).tolist() == [True] * 3
    assert split_right(bars(), bars(), np.empty(0, np.int64)).tolist() == []
