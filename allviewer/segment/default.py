"""The default route: nuclear contrast, parting by distance, lobes joined, cytoplasm taken in."""

from dataclasses import dataclass

import numpy as np

from allviewer.segment import gates
from allviewer.segment.chromatin import Stains
from allviewer.segment.dictionary import NAMES
from allviewer.segment.grid import Field, working_field
from allviewer.segment.lobes import GAP_UM, join_lobes, neighbours
from allviewer.segment.measure import Measured, measure, table_from
from allviewer.segment.seeds import nuclear_parts
from allviewer.segment.survey import Survey, survey
from allviewer.segment.whole_cell import whole_cells
from allviewer.vocab.arrays import RGB, Labels
from allviewer.vocab.cells import CellTable

_SMALLEST_IMAGE = 8
"""Working pixels on the shorter side below which no cell can be seen."""


def table_of(field: Field, nuclei: Labels, found: Survey) -> CellTable:
    """Grow, measure and judge numbered nuclei: the last part of every route."""
    intact, stains = found.nucleus / found.unmixing, Stains(found)
    cells, kinds = list[Measured](), list[int]()
    parts, zone, far = whole_cells(field, nuclei)
    pairs = neighbours(zone, far, field.px(GAP_UM), len(parts))
    for one in join_lobes(field, parts, pairs):
        measured = measure(field, one, stains)
        kind = gates.judge(measured.values, one.plateau, intact, measured.cut) if measured else None
        if measured is not None and kind is not None:
            cells.append(measured)
            kinds.append(int(kind))
    return table_from(cells, kinds, field.shape)


def seen(rgb: RGB, um_per_px: float, found: Survey) -> Field | None:
    """The image on the working grid, or None where it is too dark or too small to hold a cell."""
    if not found.lit or 0 in rgb.shape:
        return None
    field = working_field(np.ascontiguousarray(rgb), um_per_px, found)
    return None if min(field.azure.shape) < _SMALLEST_IMAGE else field


@dataclass(frozen=True, slots=True)
class Default:
    """One setting for every slide; everything it looks at lies within `halo_um`."""

    name: str = "default"
    version: str = "1"
    halo_um: float = 40.0

    def survey(self, overview: RGB, um_per_px: float) -> Survey:
        """See `survey.survey`; the pixel size decides nothing here."""
        return survey(overview)

    def cells(self, rgb: RGB, um_per_px: float, survey: Survey) -> CellTable:
        """White cells of an (H, W, 3) uint8 image; see `Segmenter`."""
        field = seen(rgb, um_per_px, survey)
        if field is None:
            return CellTable.empty(NAMES)
        return table_of(field, nuclear_parts(field), survey)
