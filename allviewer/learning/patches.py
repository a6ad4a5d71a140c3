"""Labelled cells' surroundings, cut once and kept in memory at a scale a little finer than the network's."""

import math
import os
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from allviewer.learning.picture import Picture
from allviewer.learning.samples import Samples
from allviewer.systems.stain import level, slide_stain
from allviewer.vocab.arrays import RGB
from allviewer.vocab.errors import DataError

MARGIN = 1.5
"""A patch shows this many times the crop's side, so that turning and shifting stay inside it."""


def cut_patches(
    samples: Samples,
    crop_um: float,
    input_px: int,
    white: float | None,
    nucleus: tuple[float, float] | None = None,
    margin: float = MARGIN,
    into: Path | None = None,
) -> RGB:
    """White-balanced and levelled surroundings of every sample.

    Parameters
    ----------
    samples : n cells.
    crop_um : side of the crop, µm.
    input_px : side of the network's input, pixels.
    white : grey level of the background after balancing; None leaves colours as they are.
    nucleus : absorbance of the nuclei after levelling, see `systems.stain`; None does not level.
    into : a ``.npy`` file to hold them, where they may be more than memory; one that is already there is taken as it
        is.
    margin : patch side over crop side; 1 gives the crops themselves, exactly as prediction cuts them.

    Returns
    -------
    (n, P, P, 3) uint8, P = ``input_px * margin`` rounded. With margin 1 a row equals what `systems.crops.prepare`
    gives for that cell.

    Raises
    ------
    DataError : the disk has no room for ``into``; or an image cannot be read.
    """
    side = round(input_px * margin)
    shape = (len(samples), side, side, 3)
    if into is not None and into.is_file():
        kept: RGB = np.load(into, mmap_mode="r")
        return kept
    half = None if into is None else into.with_suffix(".part")
    block: RGB = np.empty(shape, np.uint8) if half is None else _room(half, shape)
    for number in np.unique(samples.file):
        rows = np.flatnonzero(samples.file == number)
        picture = Picture(samples, int(number))
        centres, scale = samples.centres[rows].astype(np.float64), samples.um_per_px[rows].astype(np.float64)
        whole = np.isnan(scale)
        centres[whole] = np.array(picture.shape) / 2
        reach = np.where(whole, min(picture.shape), crop_um / np.where(whole, 1, scale))[:, None] / 2 * margin
        boxes = np.concatenate([centres - reach, centres + reach], axis=1).astype(np.float32)
        if white is None:
            block[rows] = picture.cut(boxes, side)
        else:
            stain = slide_stain(picture.view)
            crops = picture.cut(boxes, side, tuple(float(v) for v in np.rint(stain.white)))
            block[rows] = level(crops, stain, white, nucleus)
    if half is None or into is None:
        return block
    del block  # written out and closed
    half.replace(into)
    finished: RGB = np.load(into, mmap_mode="r")
    return finished


def _room(path: Path, shape: tuple[int, ...]) -> RGB:
    """A file's array to write into, its place on the disk taken: a write that finds none would end the program."""
    try:
        block: RGB = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise DataError(
            "there is no room for the cells to train on", where=str(path.parent),
            expected=f"{math.prod(shape) / 1e6:.0f} MB", got=error.strerror or str(error),
            todo="Free some disk space, or give --out a place on another disk.",
        ) from error  # fmt: skip
    return block
