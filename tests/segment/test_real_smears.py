"""Floors on real smears, one setting for all; each well below what is reached, so that a fall is seen."""

import csv
from collections import defaultdict

import cv2
import numpy as np
import pytest

from allviewer.segment import segmenter
from allviewer.segment.outlines import draw
from allviewer.segment.pixel_size import ASSUMED_UM, estimate_pixel_size
from allviewer.segment.score import dice, match_boxes, score_centres, total
from allviewer.vocab.cells import Kind


def rgb(path):
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def analyse(image, finder):
    size = estimate_pixel_size(image)
    um = size.um or ASSUMED_UM
    return finder.cells(image, um, finder.survey(image, um)), size


@pytest.fixture(scope="module")
def fields(data):
    """Every ALL-IDB1 field by the default route: (session, width, centres, table, pixel size)."""
    centres = defaultdict(list)
    for r in rows(data / "all_idb1" / "cells.csv"):
        if r["label"] == "lymphoblast" or r["kind_guess"] == "wbc_like":
            centres[r["image"]].append((float(r["y"]), float(r["x"])))
    finder = segmenter("default")
    out = {}
    for r in rows(data / "all_idb1" / "manifest.csv"):
        name = r["file"].rsplit("/", 1)[-1]
        image = rgb(data / "all_idb1" / r["file"])
        table, size = analyse(image, finder)
        out[name] = (r["subject_id"], image.shape[1], np.array(centres[name]).reshape(-1, 2), table, size)
    return out


def test_white_cell_centres_are_found_each_in_a_cell_of_its_own(fields):
    scores = {name: score_centres(table, points) for name, (_, _, points, table, _) in fields.items()}
    everything = total(list(scores.values()))
    healthy = total([scores[name] for name, row in fields.items() if row[0].startswith("H")])
    assert len(scores) == 61
    assert everything.centres == 660
    assert everything.found_share >= 0.96
    assert everything.own_share >= 0.95
    assert everything.per_centre <= 1.2
    assert healthy.per_centre <= 1.3
    assert np.median([s.own_share for s in scores.values()]) == 1


def test_pixel_size_of_the_two_cameras(fields):
    for width, diameter in ((1712, 69), (2592, 83)):
        found = [row[4].um for row in fields.values() if row[1] == width]
        assert None not in found
        assert np.median(found) == pytest.approx(7.5 / diameter, rel=0.05)
        assert np.ptp(found) / np.median(found) < 0.25


def test_outlines_agree_with_masks_drawn_by_hand(data, fields):
    cell, nucleus = [], []
    for r in rows(data / "all_idb2" / "crops.csv"):
        if r["field"] not in fields or "platelet" in r["notes"].lower():
            continue
        _, _, _, table, _ = fields[r["field"]]
        keep = table.take(table.kind == Kind.CELL)
        y, x, h, w = (int(r[k]) for k in ("y", "x", "h", "w"))
        near = keep.take((np.abs(keep.centroid - [y + h / 2, x + w / 2]) < 200).all(axis=1)).shift(-y, -x)
        mask = cv2.imread(str(data / "all_idb2" / r["mask"]), cv2.IMREAD_GRAYSCALE)
        cells, nuclei = draw(near.cell, mask.shape), draw(near.nucleus, mask.shape)
        hit = np.bincount(cells[mask > 80], minlength=2)[1:]
        row = int(hit.argmax()) + 1
        cell.append(dice(cells == row, mask > 80))
        nucleus.append(dice(nuclei == row, mask > 205))
    assert len(cell) > 150
    assert np.mean(cell) >= 0.92
    assert np.mean(nucleus) >= 0.92


def test_fields_of_red_cells_give_next_to_no_white_ones(data):
    finder = segmenter("default")
    folder = data / "chula_rbc_negative_controls"
    found = [len(analyse(rgb(folder / r["file"]), finder)[0]) for r in rows(folder / "manifest.csv")]
    assert len(found) == 17
    assert np.mean(found) <= 0.5


def test_the_paper_route_finds_them_too(data, fields):
    finder = segmenter("oadls")
    chosen = ("Im001_1.jpg", "Im006_1.jpg", "Im022_1.jpg", "Im049_1.jpg", "Im084_0.jpg", "Im041_0.jpg")
    scores = []
    for name in chosen:
        image = rgb(data / "all_idb1" / "im" / name)
        um = fields[name][4].um
        scores.append(score_centres(finder.cells(image, um, finder.survey(image, um)), fields[name][2]))
    everything = total(scores)
    assert everything.found_share >= 0.95
    assert everything.own_share >= 0.9
    assert everything.per_centre <= 1.5


@pytest.mark.parametrize(("folder", "cells"), [("leukemiaattri_samples", 13), ("peybey_all_fields", 27)])
def test_stains_never_looked_at_before(data, folder, cells):
    # Blue and grey red cells; counted by eye on the pictures.
    finder = segmenter("default")
    found = 0
    for r in rows(data / folder / "manifest.csv"):
        table, _ = analyse(rgb(data / folder / r["file"]), finder)
        found += int((table.kind == Kind.CELL).sum())
    assert abs(found - cells) <= 2


def test_white_cells_of_another_laboratory(data):
    finder = segmenter("default")
    hits = wanted = reported = 0
    overlap = []
    for r in rows(data / "bccd" / "manifest.csv")[::5]:
        if not r["mask"]:
            continue
        table, _ = analyse(rgb(data / "bccd" / r["file"]), finder)
        keep = table.take(table.kind == Kind.CELL)
        mask = cv2.imread(str(data / "bccd" / r["mask"]), cv2.IMREAD_GRAYSCALE)
        _, _, stats, _ = cv2.connectedComponentsWithStats((mask > 80).astype(np.uint8))
        true = stats[1:][stats[1:, 4] > 800]
        boxes = np.column_stack([true[:, 1], true[:, 0], true[:, 1] + true[:, 3], true[:, 0] + true[:, 2]])
        hits += match_boxes(keep.bbox, boxes)
        wanted, reported = wanted + len(boxes), reported + len(keep)
        overlap.append(dice(draw(keep.nucleus, mask.shape) > 0, mask > 205))
    assert wanted > 35
    assert 2 * hits / (wanted + reported) >= 0.75
    assert np.mean(overlap) >= 0.9
