"""Labelled cells' surroundings, cut once and kept in memory at a scale a little finer than the network's."""

from pathlib import Path

import cv2
import numpy as np
from numpy.lib.format import open_memmap

from allviewer.learning.samples import Samples
from allviewer.systems.crops import cut_crops
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
    """
    side = round(input_px * margin)
    shape = (len(samples), side, side, 3)
    if into is not None and into.is_file():
        kept: RGB = np.load(into, mmap_mode="r")
        return kept
    half = None if into is None else into.with_suffix(".part")
    block: RGB = (
        np.empty(shape, np.uint8) if half is None else open_memmap(half, mode="w+", dtype=np.uint8, shape=shape)
    )
    for number in np.unique(samples.file):
        rows = np.flatnonzero(samples.file == number)
        rgb = read_rgb(samples, int(number))
        centres, scale = samples.centres[rows].astype(np.float64), samples.um_per_px[rows].astype(np.float64)
        whole = np.isnan(scale)
        centres[whole] = np.array(rgb.shape[:2]) / 2
        reach = np.where(whole, min(rgb.shape[:2]), crop_um / np.where(whole, 1, scale))[:, None] / 2 * margin
        boxes = np.concatenate([centres - reach, centres + reach], axis=1).astype(np.float32)
        if white is None:
            block[rows] = cut_crops(rgb, boxes, side)
        else:
            stain = slide_stain(rgb)
            crops = cut_crops(rgb, boxes, side, tuple(float(v) for v in np.rint(stain.white)))
            block[rows] = level(crops, stain, white, nucleus)
    if half is None or into is None:
        return block
    del block  # written out and closed
    half.replace(into)
    finished: RGB = np.load(into, mmap_mode="r")
    return finished


def read_rgb(samples: Samples, number: int) -> RGB:
    """One of the samples' images, (H, W, 3) uint8."""
    path = samples.root / samples.files[number]
    bgr = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DataError("this image cannot be decoded", where=str(path))
    rgb: RGB = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    mask_corner(rgb, samples.masked_corner)
    return rgb


def mask_corner(rgb: RGB, share: tuple[float, float]) -> None:
    """Paint over, in place, the lower right corner of an image in the image's own median colour.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    share : height and width of the corner as shares of the image's; (0, 0) leaves it as it is.
    """
    height, width = (round(part * side) for part, side in zip(share, rgb.shape[:2], strict=True))
    if height and width:
        rgb[-height:, -width:] = np.median(rgb.reshape(-1, 3), axis=0).astype(np.uint8)
