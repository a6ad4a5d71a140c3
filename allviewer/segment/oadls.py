"""The `oadls` route: the paper's marker-controlled watershed, stage by stage, then the same two outlines and rules."""

from dataclasses import dataclass

import cv2
import numpy as np

from allviewer.pixels.equalise import luminance
from allviewer.pixels.reconstruct import by_dilation, by_erosion, h_minima
from allviewer.pixels.wiener import wiener
from allviewer.segment.bits import dilated, packed, unpacked, within
from allviewer.segment.default import grown, visible
from allviewer.segment.desk import own_desk
from allviewer.segment.dictionary import NAMES
from allviewer.segment.grid import Field, disc, working_field
from allviewer.segment.measure import table_from
from allviewer.segment.parting import part_clumps
from allviewer.segment.regions import nearest
from allviewer.segment.seeds import nuclear_mask
from allviewer.segment.survey import GATE, Survey, grounded, survey
from allviewer.segment.watershed import components, watershed
from allviewer.vocab.arrays import RGB, Grey, Labels, Mask
from allviewer.vocab.cells import CellTable

TEXTURE_UM = 1.1
"""Radius of the structuring element that flattens texture: smaller than a lobe, larger than chromatin."""

DEPTH = 4
"""Grey levels by which a minimum must be deeper than its passes to seed a cell."""


def smoothed(rgb: RGB) -> RGB:
    """Wiener filter, (h, w, 3) uint8."""
    return np.clip(np.rint(wiener(rgb)), 0, 255).astype(np.uint8)


def equalised(rgb: RGB, table: Grey) -> Grey:
    """Dynamic histogram equalisation of the luminance, (h, w) uint8."""
    out: Grey = table[luminance(rgb)]
    return out


def gradient(image: Grey) -> Grey:
    """Stage 1: morphological gradient, dilation minus erosion by a disc of one pixel."""
    out: Grey = cv2.morphologyEx(image, cv2.MORPH_GRADIENT, disc(1))
    return out


def flattened(image: Grey, radius: float) -> Grey:
    """Stage 2: opening, then closing by reconstruction: texture goes, contours stay.

    Parameters
    ----------
    image : (h, w) uint8.
    radius : of the disc, pixels.
    """
    element = disc(radius)
    opened = by_dilation(cv2.erode(image, element), image)
    return by_erosion(cv2.dilate(opened, element), opened)


def internal_markers(image: Grey, nuclear: Mask, depth: int = DEPTH) -> Labels:
    """Stage 3a: the dark regional minima at least ``depth`` grey levels deep that hold nuclear stain, numbered."""
    return components(h_minima(image, depth) & nuclear)[1]


def external_marker(internal: Labels, nuclear: Mask, margin: float) -> Mask:
    """Stage 3b: background: further than ``margin`` pixels from nuclear stain, and the lines half-way between markers.

    The lines are the skeleton of the markers' zones of influence, drawn only outside the nuclear stain.
    """
    columns = nuclear.shape[1]
    near = unpacked(dilated(packed(nuclear.view(np.uint8)), within(margin), columns), columns)
    zones = nearest(internal, np.inf).number
    return np.asarray(~near | (_lines(zones) & ~nuclear))


def impose(relief: Grey, markers: Mask) -> Grey:
    """Stage 4: make the markers the only minima of a relief, by reconstruction by erosion.

    Parameters
    ----------
    relief : (h, w) uint8.
    markers : (h, w) bool.

    Returns
    -------
    (h, w) uint8: 0 on the markers; elsewhere the relief, one level up, filled to its lowest pass.
    """
    seed = np.where(markers, 0, 255).astype(np.uint8)
    lifted: Grey = np.minimum(np.minimum(relief, 254) + 1, seed).astype(np.uint8)
    return by_erosion(seed, lifted)


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """What each of the paper's stages makes of a field, all (h, w).

    Attributes
    ----------
    image : uint8, filtered and equalised luminance.
    flat : uint8, its texture flattened by reconstruction.
    internal, external : int32 and bool, the markers.
    relief : uint8, the gradient with the markers imposed.
    flooded : int32, the watershed's regions, what is not stained left out.
    """

    image: Grey
    flat: Grey
    internal: Labels
    external: Mask
    relief: Grey
    flooded: Labels


def stages(field: Field, found: Survey) -> Stages:
    """The paper's route, from the filtered image to the watershed lines on the imposed gradient."""
    image = equalised(smoothed(field.rgb), np.frombuffer(found.equalisation, np.uint8))
    nuclear = nuclear_mask(field)
    flat = flattened(image, field.px(TEXTURE_UM))
    internal = internal_markers(flat, nuclear)
    external = external_marker(internal, nuclear, field.px(0.8))
    count = int(internal.max(initial=0))
    markers = internal.copy()
    markers[external & (internal == 0)] = count + 1
    relief = impose(gradient(image), markers > 0)
    # Stage 5: watershed lines on that surface.
    flooded = watershed(relief, markers)
    flooded[flooded > count] = 0
    flooded[field.fine <= GATE] = 0
    return Stages(image, flat, internal, external, relief, flooded)


def nuclei(field: Field, found: Survey) -> Labels:
    """Nuclear parts of a field, (h, w) int32 numbered from 1."""
    return _parted(stages(field, found).flooded, field)


def _lines(labels: Labels) -> Mask:
    """Pixels whose right or lower neighbour has another number."""
    line = np.zeros(labels.shape, np.bool_)
    line[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    line[:-1] |= labels[1:] != labels[:-1]
    return line


def _parted(flooded: Labels, field: Field) -> Labels:
    """Beyond the paper: what grey level alone could not part, parted by shape; the watershed's lines are kept."""
    mask = flooded > 0
    return part_clumps(mask, field.fine, field.um, _lines(flooded) & mask)


@dataclass(frozen=True, slots=True)
class Oadls:
    """Wiener, dynamic histogram equalisation, marker-controlled watershed; see the module."""

    name: str = "oadls"
    version: str = "3"
    halo_um: float = 40.0

    def survey(self, overview: RGB, um_per_px: float) -> Survey:
        """See `survey.survey`; the pixel size decides nothing here."""
        return survey(overview)

    def cells(self, rgb: RGB, um_per_px: float, survey: Survey) -> CellTable:
        """White cells of an (H, W, 3) uint8 image; see `Segmenter`."""
        if not visible(rgb, um_per_px, survey):
            return CellTable.empty(NAMES)
        field = working_field(np.ascontiguousarray(grounded(rgb, survey)), um_per_px, survey, own_desk())
        return table_from(grown(field, nuclei(field, survey), survey), rgb.shape[:2])
