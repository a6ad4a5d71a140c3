"""Small labelled smears, drawn here: blasts are big even discs, normal cells small lobed ones."""

import csv

import cv2
import numpy as np
import pytest

from allviewer.learning.layouts import read_samples
from allviewer.vocab.taxonomy import ALL_HEM


def draw_field(path, kinds, seed):
    """A field with one cell at each place; returns the centres."""
    rng = np.random.default_rng(seed)
    rgb = np.clip(rng.normal((215, 210, 200), 2, (240, 200 * len(kinds), 3)), 0, 255).astype(np.uint8)
    centres = []
    for i, kind in enumerate(kinds):
        y, x = 120 + int(rng.integers(-8, 9)), 100 + 200 * i
        if kind == "blast":
            cv2.circle(rgb, (x, y), 55, (110, 70, 150), -1)
        else:
            for dy, dx in ((-20, 0), (15, -15), (15, 18)):
                cv2.circle(rgb, (x + dx, y + dy), 16, (90, 50, 130), -1)
        centres.append((y, x))
    cv2.imwrite(str(path), rgb[..., ::-1])
    return centres


def write_manifest(folder):
    """A CSV manifest of 4 sessions with 2 fields each, 16 cells."""
    rows = []
    for session in range(4):
        for field in range(2):
            name = f"s{session}f{field}.png"
            kinds = ("blast", "normal")
            for kind, (y, x) in zip(kinds, draw_field(folder / name, kinds, session * 10 + field), strict=True):
                rows.append((name, kind, y, x, 0.12, f"S{session}", f"camera {session % 2}"))
    path = folder / "cells.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label", "y", "x", "um_per_px", "group", "camera"))
        writer.writerows(rows)
    return path


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return write_manifest(tmp_path_factory.mktemp("smears"))


@pytest.fixture(scope="session")
def samples(manifest):
    return read_samples(manifest, ALL_HEM)
