"""Stained bodies that stand by themselves: what is as convex as one cell and holds a nucleus is one cell's."""

import cv2
import numba as nb
import numpy as np

from allviewer.segment.grid import Field
from allviewer.segment.regions import fill_holes, held, one_piece, opened, solidity
from allviewer.vocab.arrays import Floats, Labels

DENSE = 0.05
"""Least density in green, over the background around it, of a stained body."""

OF_DENSITY = 0.42
"""A body ends where the density falls to this part of what it has outside its nuclei."""

CONVEX = 0.94
"""Least part of its convex hull that one cell fills. With a red cell against it a white one fills less."""

NECK_UM = 2.0
"""What hangs together with a nucleus by less than twice this is another cell."""

FARTHEST_UM = 7.0
"""Cytoplasm lies no further from the nucleus than this; a body that does goes on as something else."""

LARGEST_UM2 = 420.0
"""Area of the largest body: a disc of 23 µm."""

HALO, HALO_UM = 0.25, 1.2
"""What the optics spread of a nucleus's own density just outside it, and how far out that has gone."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _half_way(body, count, green, nuclei, far, rule, out):  # type: ignore[no-untyped-def]
    """Cut each body at half its own density; 0 where it is too large or goes on beyond reach or edge.

    ``rule``: least density, part of the body's own, halo, its width, farthest distance, largest area.
    """
    dense, part, halo, halo_px, farthest, largest = rule
    inner, outer = np.zeros((count, 256), np.int32), np.zeros((count, 256), np.int32)
    bad = np.zeros(count, np.bool_)
    for y in range(body.shape[0]):
        for x in range(body.shape[1]):
            k = body[y, x]
            if k == 0:
                continue
            bin = min(255, max(0, int(green[y, x] * 250)))
            if nuclei[y, x]:
                inner[k, bin] += 1
            else:
                outer[k, bin] += 1
            at_edge = y == 0 or x == 0 or y == body.shape[0] - 1 or x == body.shape[1] - 1
            if at_edge or far[y, x] > farthest - 1.5:
                bad[k] = True
    tops, own = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for k in range(1, count):
        size, below = inner[k].sum(), 0
        bad[k] |= size == 0 or size + outer[k].sum() > largest
        for bin in range(256):
            below += inner[k, bin]
            if below >= 0.5 * size:
                tops[k] = (bin + 0.5) / 250
                break
        size, below = outer[k].sum(), 0
        for bin in range(256):
            below += outer[k, bin]
            if below >= 0.5 * size:
                own[k] = (bin + 0.5) / 250 if size > 0 else 0.0
                break
    for y in range(body.shape[0]):
        for x in range(body.shape[1]):
            k = body[y, x]
            if k == 0 or bad[k]:
                continue
            level = max(dense, part * own[k])
            if far[y, x] < halo_px:
                level = max(level, halo * tops[k] * (1 - far[y, x] / halo_px))
            if nuclei[y, x] or green[y, x] > level:
                out[y, x] = k


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _owned(body, convex, zone, nuclei, held, out):  # type: ignore[no-untyped-def]
    """The zone's number on convex bodies that hold more than half of that zone's nucleus; ``held`` counts both."""
    for y in range(body.shape[0]):
        for x in range(body.shape[1]):
            n = nuclei[y, x]
            if n > 0:
                held[n, 0] += 1
                held[n, 1] += convex[body[y, x]] and zone[y, x] > 0
    for y in range(body.shape[0]):
        for x in range(body.shape[1]):
            k = zone[y, x]
            if k > 0 and convex[body[y, x]] and 2 * held[k, 1] > held[k, 0]:
                out[y, x] = k


def lone_bodies(green: Floats, nuclei: Labels, zone: Labels, far: Floats, field: Field) -> Labels:
    """Bodies that stand by themselves, each pixel with the number of the nearest nucleus.

    Parameters
    ----------
    green : (h, w) float32, density in green over the background.
    nuclei : (h, w) int32, numbered from 1.
    zone, far : (h, w) number of the nearest nucleus, and the distance to it in pixels.
    field : the image on the working grid.

    Returns
    -------
    (h, w) int32: the zone's number on a body that is convex, ends within reach, and holds most of that nucleus.
    """
    count = int(nuclei.max(initial=0)) + 1
    nucleus = (nuclei > 0).view(np.uint8)
    hole = field.area(20.0)
    stained = ((zone > 0) & (green > DENSE)).view(np.uint8) | nucleus
    fill_holes(stained, hole)
    everywhere = np.ones(zone.shape, np.int32)
    body = opened(stained, field.px(NECK_UM), lambda core: held(everywhere, core | nucleus, nucleus) > 0)
    bodies, labels = cv2.connectedComponents(body | nucleus, connectivity=4, ltype=cv2.CV_32S)
    halo, farthest = field.px(HALO_UM), field.px(FARTHEST_UM)
    rule = tuple(np.float32(v) for v in (DENSE, OF_DENSITY, HALO, halo, farthest, field.area(LARGEST_UM2)))
    cut: Labels = np.zeros(zone.shape, np.int32)
    _half_way(labels, bodies, green, nucleus, far, rule, cut)
    solid = (cut > 0).view(np.uint8)
    fill_holes(solid, hole)
    cut = np.where(solid.view(np.bool_), labels, 0)
    one_piece(cut, bodies)
    out: Labels = np.zeros(zone.shape, np.int32)
    _owned(cut, solidity(cut, bodies) > CONVEX, zone, nuclei, np.zeros((count, 2), np.int64), out)
    return out
