"""Quality on rendered smears, whose truth is exact: floors for a part of ``allviewer evaluate segmentation``."""

import pytest

from allviewer.learning.segmentation.figures import detection, panoptic
from allviewer.learning.segmentation.finder import Finder
from allviewer.learning.segmentation.held import HELD
from allviewer.learning.segmentation.synthetic import BLUR_UM, JPEG, NOISE, clumps, curves, swept
from allviewer.learning.segmentation.synthetic_scale import magnified, pixel_sizes


@pytest.fixture(scope="module")
def finder():
    return Finder("default")


@pytest.fixture(scope="module")
def settings(finder):
    return [setting for setting, _ in swept(finder, stains=("wright-giemsa", "pale", "blue"), far=False)]


def test_nuclei_at_every_blur_noise_and_packing(settings):
    assert len(settings) == 3 * len(BLUR_UM) * len(NOISE) * len(JPEG)
    names, scores = [s.name for s in settings], [s.nuclei for s in settings]
    for row in (
        detection("synthetic.f1", "", scores, names, of=""),
        panoptic("synthetic.pq", "", scores, names, of=""),
    ):
        assert row.held.kept(row.value), row
        assert row.worst[0] > 0.8, row


def test_quality_falls_slowly(settings):
    for curve in curves(settings):
        if curve.key in ("blur_um", "noise", "jpeg"):
            measured = [q for q, n in zip(curve.figures["nucleus PQ"], curve.n, strict=True) if n]
            assert len(measured) == 3
            assert max(measured) - min(measured) < 0.08, curve


def test_clumps_are_split_right(finder):
    rows, curve, _ = clumps(finder, stains=("may-gruenwald-giemsa", "pale"))
    for row in rows:
        assert row.value >= HELD["synthetic.clumps"].floor, curve
    assert curve.levels == (2, 3, 4, 5, 6, 7, 8)


def test_pixel_size_at_any_magnification():
    size, known = pixel_sizes((0.07, 0.14, 0.28))
    assert size.held.kept(size.value), size
    assert known.value == 1


def test_the_same_cells_at_any_magnification(finder):
    (row,) = magnified(finder)
    assert row.held.kept(row.value), row
