"""What needs a process of its own or a larger image: tiles, threads, the first field, memory."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path

import cv2
import numpy as np

from allviewer.engine.tiles import LONGEST_TILE, tiles
from allviewer.segment import segmenter
from peers.rounds import Times, timed

SELF = Path(__file__).resolve().parents[1] / "workers" / "first_field.py"


class Tiled:
    """A field whole and in tiles, on one thread or on several; the survey is made once beforehand, as for a slide."""

    def __init__(self, picture, longest=LONGEST_TILE, route="default"):
        self._finder, self._picture = segmenter(route), picture
        self._survey = self._finder.survey(picture.rgb, picture.um)
        self._cut = tiles(picture.rgb.shape[:2], ceil(self._finder.halo_um / picture.um), longest=longest)

    def __len__(self):
        return len(self._cut)

    def whole(self):
        """Centres of the cells of the field in one piece, (n, 2)."""
        return self._finder.cells(self._picture.rgb, self._picture.um, self._survey).centroid

    def in_tiles(self, threads=1):
        """The same from tiles with their halos, each cell from the tile that owns its centre."""
        if threads == 1:
            parts = [self._tile(tile) for tile in self._cut]
        else:
            with ThreadPoolExecutor(threads) as pool:
                parts = list(pool.map(self._tile, self._cut))
        return np.concatenate(parts)

    def _tile(self, tile):
        view = tile.view
        part = np.ascontiguousarray(self._picture.rgb[view.y0 : view.y1, view.x0 : view.x1])
        centres = self._finder.cells(part, self._picture.um, self._survey).centroid + np.float32([view.y0, view.x0])
        return centres[[tile.owns(y, x) for y, x in centres]] if len(centres) else centres

    def compare(self, rounds):
        """Times whole, tiled and on two threads, interleaved, with OpenCV on one thread; and how many cells differ."""
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            whole, cut = self.whole(), self.in_tiles()
            calls = {"whole": self.whole, "tiled": self.in_tiles, "two threads": lambda: self.in_tiles(2)}
            took = {name: Times() for name in calls}
            for _ in range(rounds):
                for name, call in calls.items():
                    took[name].add(*timed(call)[1:])
        finally:
            cv2.setNumThreads(threads)
        return {
            "times": {name: one.summary() for name, one in took.items()},
            "tiles": len(self._cut), "cells": len(whole), "cells_that_differ": _apart(whole, cut) + _apart(cut, whole),
        }  # fmt: skip


def _apart(some, others):
    """How many centres have none of the others within a twentieth of a pixel."""
    if not len(some) or not len(others):
        return len(some)
    away = np.linalg.norm(some[:, None].astype(float) - others[None], axis=2).min(axis=1)
    return int((away > 0.05).sum())


def first_fields(picture, fresh):
    """Seconds of importing, of the first field and of the second in a new process, and its memory.

    Parameters
    ----------
    picture : the field.
    fresh : a folder for compiled code; empty, it is what a fresh install finds.

    Returns
    -------
    ``import``, ``first``, ``second`` seconds of wall, ``first_cpu``, ``second_cpu`` of CPU; ``bytes_per_pixel`` at the
    peak of a later field beside the image.
    """
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.npy"
        np.save(image, picture.rgb)
        kept = {**os.environ, "NUMBA_CACHE_DIR": str(fresh)}
        command = [sys.executable, str(SELF), str(image), str(picture.um)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=kept)
    return json.loads(done.stdout.splitlines()[-1])


def compile_ahead(fresh):
    """Seconds of wall that the installation's compiling takes, into the folder ``fresh``."""
    kept = {**os.environ, "NUMBA_CACHE_DIR": str(fresh)}
    code = "from allviewer.segment import build_kernels; build_kernels()"
    return timed(lambda: subprocess.run([sys.executable, "-c", code], check=True, env=kept))[1]
