"""From a nucleus to its two outlines: the nucleus sharpened, the cytoplasm taken in, neighbours left alone."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import find_objects

from allviewer.segment.grid import Field, disc
from allviewer.segment.seeds import fill_pores
from allviewer.vocab.arrays import Floats, Grey, Labels, Mask

OF_HEIGHT = 0.45
"""A nucleus ends where the contrast falls to this part of the way from its plateau to what lies around it."""

OF_CYTOPLASM = 0.5
"""A cell ends where the contrast falls to this part of its cytoplasm's: half-height again."""

ASIDE = 0.7
"""Weight of colour that is neither the red cells' nor azure: eosin granules, blue cytoplasm."""

REACH_UM = 5.0
"""Cytoplasm is looked for this far from the nucleus."""

CYTOPLASM = 0.022
"""Least contrast of cytoplasm against background and red cells, optical density."""

HALO, HALO_UM = 0.14, 1.2
"""What the optics spread of a nucleus's own plateau just outside it, and how far out that has gone: not cytoplasm."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One cell in a window of the working grid.

    Attributes
    ----------
    y, x : the window's corner.
    cell, nucleus : (h, w) bool masks; the nucleus lies inside the cell.
    plateau : contrast of the nucleus, optical density.
    """

    y: int
    x: int
    cell: Mask
    nucleus: Mask
    plateau: float


def nearest(labels: Labels) -> tuple[Labels, Floats]:
    """For every pixel the nearest numbered part and the distance to it in pixels (0 inside)."""
    outside = (labels == 0).astype(np.uint8)
    far, index = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    part = np.zeros(int(index.max(initial=0)) + 1, np.int32)
    inside = labels > 0
    part[index[inside]] = labels[inside]
    zone: Labels = part[index]
    return zone, far


def _windows(zone: Labels, count: int) -> list[tuple[slice, slice] | None]:
    """Each number's box, two pixels wider so that nothing is cut at the box's own edge."""
    rows, columns = zone.shape
    return [
        None
        if box is None
        else (
            slice(max(0, box[0].start - 2), min(rows, box[0].stop + 2)),
            slice(max(0, box[1].start - 2), min(columns, box[1].stop + 2)),
        )
        for box in find_objects(zone, max_label=count)
    ]


def _touching(mask: Mask, seed: Mask) -> Mask:
    """The 4-connected pieces of a mask that meet the seed."""
    _, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    hit = np.zeros(int(labels.max(initial=0)) + 1, np.bool_)
    hit[labels[seed & mask]] = True
    hit[0] = False
    out: Mask = hit[labels]
    return out


def _largest(mask: Mask) -> Mask:
    """The largest 4-connected piece."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    if len(stats) < 2:
        return mask
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def _nucleus(fine: Floats, seed: Mask, zone: Mask, far: Floats, field: Field) -> tuple[Mask, float]:
    """The seed's nucleus, cut at half the height between its plateau and what lies around it."""
    top = float(np.percentile(fine[seed], 70))
    around = zone & (far > field.px(0.7)) & (far < field.px(1.8))
    floor = float(np.median(fine[around])) if around.sum() >= 12 else 0.0
    rest = min(max(floor, 0.0), 0.6 * top)
    level = rest + OF_HEIGHT * (top - rest)
    mask = zone & (fine > level) & (far <= field.px(1.0))
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(field.px(0.3))).view(np.bool_)
    mask = _touching(mask, seed)
    return (mask if mask.any() else seed), top


def filled(mask: Mask, field: Field) -> Mask:
    """A cell's mask without holes and without tails thinner than 2 µm; its largest piece."""
    mask = fill_pores(mask, field.area(20.0))
    opened: Grey = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, disc(field.px(1.0)))
    return _largest(opened.view(np.bool_))


def _cell(coarse: Floats, nucleus: Mask, zone: Mask, far: Floats, top: float, field: Field) -> Mask:
    """Nucleus and cytoplasm: what is stained at all around the nucleus, whole and without tails."""
    halo = HALO * top * np.maximum(1 - far / np.float32(field.px(HALO_UM)), 0)
    stained = zone & ~nucleus & (coarse > np.maximum(CYTOPLASM, halo))
    own = float(np.median(coarse[stained])) if stained.any() else 0.0
    level = np.maximum(max(CYTOPLASM, OF_CYTOPLASM * own), halo)
    mask = (zone & (coarse > level)) | nucleus
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, disc(field.px(0.5))).view(np.bool_)
    mask = fill_pores((closed & zone) | nucleus, field.area(20.0))
    return _largest(_touching(_without_tails(mask, nucleus, field) | nucleus, nucleus))


def _without_tails(mask: Mask, nucleus: Mask, field: Field) -> Mask:
    """What of a mask hangs together with the nucleus by more than 2 µm.

    An opening alone would leave the knob behind a thin neck, and with it the neck: so between its two steps only the
    pieces that meet the nucleus are kept.
    """
    element = disc(field.px(1.0))
    core = cv2.erode(mask.view(np.uint8), element).view(np.bool_)
    kept = _touching(core, nucleus)
    grown: Mask = cv2.dilate(kept.view(np.uint8), element).view(np.bool_) & mask
    return grown


def evidence(field: Field) -> Floats:
    """What speaks for cytoplasm, (h, w) float32 optical density: stain that is not the red cells' own."""
    width = max(0.5, field.px(0.3))
    across, aside = (cv2.GaussianBlur(plane, (0, 0), width) for plane in (field.azure, field.aside))
    out: Floats = cv2.magnitude(np.maximum(across, 0), ASIDE * aside)
    return out


def whole_cells(field: Field, nuclei: Labels) -> tuple[list[Found | None], Labels, Floats]:
    """Both masks of every numbered nucleus.

    Parameters
    ----------
    field : the image on the working grid.
    nuclei : (h, w) int32, numbered from 1: nuclei and lobes.

    Returns
    -------
    One `Found` a number, in order; None for a number that does not occur. A pixel belongs to the nearest nucleus at
    most, so neighbours never overlap. Beside them, each pixel's nearest number within reach, and its distance.
    """
    count = int(nuclei.max(initial=0))
    zone, far = nearest(nuclei)
    reach = field.px(REACH_UM)
    zone[far > reach] = 0
    fine = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.15)))
    coarse = evidence(field)
    out: list[Found | None] = []
    for number, window in enumerate(_windows(zone, count), start=1):
        if window is None:
            out.append(None)
            continue
        own, away = zone[window] == number, far[window]
        seed = nuclei[window] == number
        nucleus, top = _nucleus(fine[window], seed, own, away, field)
        cell = _cell(coarse[window], nucleus, own, away, top, field)
        out.append(Found(window[0].start, window[1].start, cell, nucleus & cell, top))
    return out, zone, far
