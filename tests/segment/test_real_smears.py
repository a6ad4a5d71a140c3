"""Floors on real smears, one setting for all: rows of ``allviewer evaluate segmentation``, where the data stand."""

import cv2
import numpy as np
import pytest

from allviewer.learning.segmentation.all_idb import crops, fields, true_centres
from allviewer.learning.segmentation.fields import barcelona, bccd, boxed, counted, red_cells
from allviewer.learning.segmentation.finder import Finder
from allviewer.learning.segmentation.held import HELD
from allviewer.learning.segmentation.single_cells import masked
from allviewer.segment import segmenter
from allviewer.segment.score import score_centres, total

JUDGES = {
    "all_idb1": fields,
    "all_idb2": crops,
    "segmentation_wbc": masked,
    "bccd": bccd,
    "draaslan_rbc_wbc": boxed,
    "chula_rbc_negative_controls": red_cells,
    "pbc_barcelona_subset": barcelona,
}


@pytest.fixture(scope="module")
def finder():
    return Finder("default")


@pytest.fixture(scope="module")
def sections(data, finder):
    """Each data set judged once, when it is first asked for."""
    done = {}

    def judged(name):
        if name not in done:
            done[name] = JUDGES[name](data / name, finder)
        return done[name]

    return judged


HELD_HERE = [key for key in HELD if key.partition(".")[0] in JUDGES]


@pytest.mark.parametrize("key", HELD_HERE)
def test_a_row_keeps_its_floor(sections, key):
    row = sections(key.partition(".")[0]).row(key)
    assert row.value is not None
    told = f"{row.what}: {row.value:.4f}, floor {row.held.floor}, target {row.held.target}, worst {row.worst}"
    assert row.held.kept(row.value), told


def test_all_of_the_data_was_looked_at(sections):
    for key, n in {
        "all_idb1.found": 660,
        "all_idb2.cell": 155,
        "segmentation_wbc.cell": 299,
        "bccd.f1": 224,
        "chula_rbc_negative_controls.false_cells": 17,
    }.items():
        assert sections(key.partition(".")[0]).row(key).n == n
    assert sections("all_idb1").row("own").median == 1


@pytest.mark.parametrize(("folder", "cells"), [("leukemiaattri_samples", 13), ("peybey_all_fields", 27)])
def test_stains_never_looked_at_before(data, finder, folder, cells):
    # Blue and grey red cells; counted by eye on the pictures.
    row = counted(data / folder, finder, folder).row("cells")
    assert abs(row.value * row.n - cells) <= 2


def test_the_paper_route_finds_them_too(data):
    finder, points = segmenter("oadls"), _centres(data)
    scores = []
    for name in ("Im001_1.jpg", "Im006_1.jpg", "Im022_1.jpg", "Im049_1.jpg", "Im084_0.jpg", "Im041_0.jpg"):
        image = np.ascontiguousarray(cv2.imread(str(data / "all_idb1" / "im" / name))[..., ::-1])
        um = 0.109 if image.shape[1] == 1712 else 0.09
        scores.append(score_centres(finder.cells(image, um, finder.survey(image, um)), points[name]))
    everything = total(scores)
    assert everything.found_share >= 0.95
    assert everything.own_share >= 0.9
    assert everything.per_centre <= 1.5


def _centres(data):
    return {row["file"].rpartition("/")[2]: points for row, points in true_centres(data / "all_idb1")}
