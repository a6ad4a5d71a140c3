"""Numbered regions, all in one pass."""

import cv2
import numpy as np
import pytest

from allviewer.segment.regions import boxes_of, fill_holes, held, nearest, one_piece, opened, solidity

RNG = np.random.default_rng(3)


def test_small_holes_are_filled_and_what_reaches_the_edge_is_none():
    mask = np.ones((40, 40), np.uint8)
    mask[5:8, 5:8] = 0
    mask[15:30, 15:30] = 0
    mask[38:, 10:13] = 0
    fill_holes(mask, 9)
    assert mask[5:8, 5:8].all()
    assert not mask[15:30, 15:30].any()
    assert not mask[38:, 10:13].any()


def test_holes_are_those_that_labelling_the_complement_finds():
    mask = (cv2.GaussianBlur(RNG.random((120, 150)), (0, 0), 1.5) > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    small = [k for k in range(1, count) if k not in edge and stats[k, cv2.CC_STAT_AREA] <= 12]
    assert small
    expected = mask | np.isin(labels, small)
    fill_holes(mask, 12)
    assert np.array_equal(mask, expected)


def test_only_what_hangs_together_with_a_seed_in_its_own_zone_is_held():
    zone = np.repeat([[1, 1, 1, 2, 2, 2, 0, 2]], 3, axis=0).astype(np.int32)
    mask, seed = np.ones(zone.shape, np.uint8), np.zeros(zone.shape, np.uint8)
    seed[1, 0] = 1
    assert np.array_equal(held(zone, mask, seed), np.where(zone == 1, 1, 0))
    seed[1, 4] = 1
    out = held(zone, mask, seed)
    assert (out[:, 3:6] == 2).all()
    assert (out[:, 6:] == 0).all()


def test_of_several_pieces_the_largest_stays():
    labels = np.zeros((20, 20), np.int32)
    labels[1:4, 1:4], labels[10:18, 10:18], labels[1:3, 10:12], labels[10, 1] = 1, 1, 2, 2
    one_piece(labels, 2)
    assert (labels == 1).sum() == 64
    assert (labels == 2).sum() == 4


def test_solidity_is_the_share_of_the_convex_hull():
    labels = np.zeros((120, 160), np.int32)
    cv2.circle(labels, (40, 40), 25, 1, -1)
    labels[70:90, 80:110] = 2
    labels[70:100, 110:120] = 2
    found = solidity(labels, 3)
    hull = 30 * 20 + 10 * 30 + 30 * 10 / 2  # of an L: the notch is half filled by the hull
    assert found[1] > 0.96  # a disc of pixels within a hull through their corners
    assert found[2] == pytest.approx((labels == 2).sum() / hull, abs=1e-6)
    assert found[3] == 0


def test_boxes_are_half_open_and_empty_for_missing_numbers():
    labels = np.zeros((10, 12), np.int32)
    labels[2:5, 3:9] = 2
    assert boxes_of(labels, 2)[2].tolist() == [2, 3, 5, 9]
    assert boxes_of(labels, 2)[1, 2] == 0


def test_every_pixel_goes_to_the_nearest_number():
    labels = np.zeros((9, 21), np.int32)
    labels[4, 3], labels[4, 17] = 1, 2
    zone, far = nearest(labels, np.inf)
    assert (zone[:, :10] == 1).all()
    assert (zone[:, 11:] == 2).all()
    assert far[4, 8] == pytest.approx(5, abs=0.1)
    near = nearest(labels, 3)[0]
    assert np.array_equal(near > 0, far <= 3)
    assert np.array_equal(near[near > 0], zone[near > 0])


def test_opening_keeps_only_what_is_chosen_between_its_steps():
    mask = np.zeros((60, 120), np.uint8)
    cv2.circle(mask, (30, 30), 20, 1, -1)
    cv2.circle(mask, (90, 30), 20, 1, -1)
    mask[28:33, 30:90] = 1
    left = opened(mask, 5, lambda core: (core > 0) & (np.arange(120) < 60))
    assert left[30, 30]
    assert not left[:, 60:].any()
