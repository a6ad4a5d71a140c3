"""Regions of masks, by their runs."""

import cv2
import numpy as np
import pytest

from allviewer.segment.bits import packed, unpacked
from allviewer.segment.regions import (
    NOWHERE,
    boxes,
    fill_holes,
    held,
    largest_pieces,
    nearest,
    solidity,
    unbroken,
)
from allviewer.segment.runs import drawn, pieces, runs

RNG = np.random.default_rng(3)


def spotted(shape=(120, 150), share=0.5):
    return (cv2.GaussianBlur(RNG.random(shape), (0, 0), 1.5) > share).astype(np.uint8)


def runs_of(labels):
    """Runs of a label image."""
    same = np.zeros(labels.shape, np.uint8)
    same[:, 1:] = labels[:, 1:] == labels[:, :-1]
    return runs(packed((labels > 0).view(np.uint8)), packed(same), labels)


def filled(mask, largest):
    out = packed(mask)
    fill_holes(out, mask.shape[1], largest)
    return unpacked(out, mask.shape[1])


@pytest.mark.parametrize("corners", [0, 1])
def test_pieces_are_connected_components(corners):
    mask = spotted(share=0.52)
    held_bits = packed(mask)
    found = runs(held_bits, unbroken(held_bits), NOWHERE)
    piece = pieces(found, corners)
    count, labels = cv2.connectedComponents(mask, connectivity=8 if corners else 4)
    assert len(np.unique(piece)) == count - 1 > 10
    painted = np.full(mask.shape, -1)
    for (y, first, last, _), k in zip(found, piece, strict=True):
        painted[y, first:last] = k
    assert ((painted >= 0) == (mask > 0)).all()
    pairs = np.unique(np.stack([painted[mask > 0], labels[mask > 0]]), axis=1)
    assert pairs.shape[1] == count - 1
    assert np.array_equal(unpacked(drawn(found, held_bits), 150), mask > 0)


def test_small_holes_are_filled_and_what_reaches_the_edge_is_none():
    mask = np.ones((40, 40), np.uint8)
    mask[5:8, 5:8] = 0
    mask[15:30, 15:30] = 0
    mask[38:, 10:13] = 0
    out = filled(mask, 9)
    assert out[5:8, 5:8].all()
    assert not out[15:30, 15:30].any()
    assert not out[38:, 10:13].any()


def test_holes_are_those_that_labelling_the_complement_finds():
    mask = spotted()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    small = [k for k in range(1, count) if k not in edge and stats[k, cv2.CC_STAT_AREA] <= 12]
    assert small
    assert np.array_equal(filled(mask, 12), (mask | np.isin(labels, small)) > 0)


def test_only_what_hangs_together_with_a_seed_in_its_own_zone_is_held():
    zone = np.repeat([[1, 1, 1, 2, 2, 2, 0, 2]], 3, axis=0).astype(np.int32)
    same = np.zeros(zone.shape, np.uint8)
    same[:, 1:] = zone[:, 1:] == zone[:, :-1]
    mask, seed = np.ones(zone.shape, np.uint8), np.zeros(zone.shape, np.uint8)
    seed[1, 0] = 1

    def kept():
        return unpacked(held(packed(mask), packed(seed), packed(same), zone), 8)

    assert np.array_equal(kept(), zone == 1)
    seed[1, 4] = seed[1, 6] = 1
    assert kept()[:, 3:6].all()
    assert not kept()[:, 6:].any()


def test_of_several_pieces_the_largest_stays():
    labels = np.zeros((20, 20), np.int32)
    labels[1:4, 1:4], labels[10:18, 10:18], labels[1:3, 10:12], labels[10, 1] = 1, 1, 2, 2
    left = largest_pieces(runs_of(labels), 3)
    area = [sum(last - first for _, first, last, k in left.tolist() if k == number) for number in (1, 2, 3)]
    assert area == [64, 4, 0]


def test_solidity_is_the_share_of_the_convex_hull():
    labels = np.zeros((120, 160), np.int32)
    cv2.circle(labels, (40, 40), 25, 1, -1)
    labels[70:90, 80:110] = 2
    labels[70:100, 110:120] = 2
    found = solidity(runs_of(labels), 3)
    hull = 30 * 20 + 10 * 30 + 30 * 10 / 2  # of an L: the notch is half filled by the hull
    assert found[1] > 0.96  # a disc of pixels within a hull through their corners
    assert found[2] == pytest.approx((labels == 2).sum() / hull, abs=1e-6)
    assert found[3] == 0


def test_boxes_are_half_open_and_empty_for_missing_numbers():
    labels = np.zeros((10, 12), np.int32)
    labels[2:5, 3:9] = 2
    assert boxes(runs_of(labels), 2)[2].tolist() == [2, 3, 5, 9]
    assert boxes(runs_of(labels), 2)[1, 2] == 0


def test_every_pixel_goes_to_the_nearest_number():
    labels = np.zeros((9, 21), np.int32)
    labels[4, 3], labels[4, 17] = 1, 2
    zones = nearest(labels, np.inf)
    assert (zones.number[:, :10] == 1).all()
    assert (zones.number[:, 11:] == 2).all()
    assert zones.far[4, 8] == pytest.approx(5, abs=0.1)
    near = nearest(labels, 3)
    assert np.array_equal(near.number > 0, zones.far <= 3)
    assert np.array_equal(near.number[near.number > 0], zones.number[near.number > 0])
    assert np.array_equal(unpacked(near.within, 21), near.number > 0)
    assert np.array_equal(unpacked(near.links, 21)[:, 1:], near.number[:, 1:] == near.number[:, :-1])


def test_zones_are_cv2s():
    labels = np.where(RNG.random((80, 90)) > 0.99, RNG.integers(1, 30, (80, 90)), 0).astype(np.int32)
    zones = nearest(labels, 12)
    far, index = cv2.distanceTransformWithLabels(
        (labels == 0).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    part = np.zeros(labels.size, np.int32)
    part[index[labels > 0]] = labels[labels > 0]
    assert np.array_equal(zones.far, far)
    assert np.array_equal(zones.number, np.where(far <= 12, part[index], 0))
