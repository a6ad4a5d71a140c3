"""What everybody is given: one decoded field, its pixel size, and what is truly on it."""

import csv
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from allviewer.segment.pixel_size import ASSUMED_UM, estimate_pixel_size
from allviewer.synth import render_field

NUCLEUS_UM = (3.0, 13.0)
"""Least and greatest diameter of a nucleus, given to every peer that asks for one."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A field: ``nuclei`` and ``smudges`` are (H, W) label images or None, ``centres`` (n, 2) (y, x) or None."""

    name: str
    rgb: np.ndarray
    um: float
    nuclei: np.ndarray | None = None
    smudges: np.ndarray | None = None
    centres: np.ndarray | None = None

    @property
    def diameter(self):
        """Least and greatest diameter of a nucleus in pixels."""
        return tuple(d / self.um for d in NUCLEUS_UM)

    @property
    def area(self):
        """Least and greatest area of a nucleus in pixels."""
        return tuple(np.pi / 4 * d**2 for d in self.diameter)


def synthetic(height=1944, width=2592, *, cells=40, seed=5):
    """A rendered field with exact truth."""
    field = render_field(height, width, seed=seed, white_cells=cells, smudges=max(1, cells // 20))
    name = f"synthetic {width}x{height}, {cells} cells"
    return Picture(name, field.rgb, field.um_per_px, field.nuclei, field.smudges)


def mosaic(picture):
    """Four times the same field in one, shifted so that its seams are not where a slide would be cut into tiles."""
    rgb = np.roll(np.tile(picture.rgb, (2, 2, 1)), (picture.rgb.shape[0] // 3, picture.rgb.shape[1] // 3), (0, 1))
    size = f"{rgb.shape[1]}x{rgb.shape[0]}"
    return Picture(f"four times the field, {size}", np.ascontiguousarray(rgb), picture.um)


def real():
    """The field of `all_idb1` with the number of white cells nearest to 40, or None where the data do not stand."""
    folder = Path(os.environ.get("ALLVIEWER_DATA", "")) / "all_idb1"
    if not (folder / "cells.csv").is_file():
        return None
    points = defaultdict(list)
    with (folder / "cells.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            if row["label"] == "lymphoblast" or row["kind_guess"] == "wbc_like":
                points[row["image"]].append((float(row["y"]), float(row["x"])))
    with (folder / "manifest.csv").open(newline="") as rows:
        files = {Path(row["file"]).name: folder / row["file"] for row in csv.DictReader(rows)}
    name = min(files, key=lambda n: (abs(len(points[n]) - 40), n))
    rgb = np.ascontiguousarray(cv2.imread(str(files[name]))[..., ::-1])
    um = estimate_pixel_size(rgb).um or ASSUMED_UM
    size = f"{rgb.shape[1]}x{rgb.shape[0]}"
    return Picture(f"all_idb1 {name} {size}, {len(points[name])} cells", rgb, um, centres=np.array(points[name]))
