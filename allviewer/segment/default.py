"""The default route: nuclear contrast, parting by distance, lobes joined, cytoplasm taken in."""

from dataclasses import dataclass

import numpy as np

from allviewer.segment import gates
from allviewer.segment.desk import own_desk
from allviewer.segment.dictionary import NAMES
from allviewer.segment.grid import Field, factor_for
from allviewer.segment.lobes import GAP_UM, join_lobes, neighbours
from allviewer.segment.measure import Measure, Measured, table_from
from allviewer.segment.seeds import nuclear_parts
from allviewer.segment.sheet import cut_out
from allviewer.segment.survey import Survey, grounded, survey
from allviewer.segment.whole_cell import whole_cells
from allviewer.vocab.arrays import RGB, Labels
from allviewer.vocab.cells import CellTable, Kind

_SMALLEST_IMAGE = 8
"""Working pixels on the shorter side below which no cell can be seen."""


def grown(field: Field, nuclei: Labels, found: Survey) -> list[tuple[Measured, Kind]]:
    """Grow, measure and judge numbered nuclei: the last part of every route."""
    intact, measure = found.nucleus / found.unmixing, Measure(field, found)
    parts, zones = whole_cells(field, nuclei)
    pairs = neighbours(zones, field.px(GAP_UM), len(parts))
    out = []
    for one in join_lobes(field, parts, pairs):
        measured = measure(one)
        kind = gates.judge(measured.values, one.plateau, intact, measured.cut) if measured else None
        if measured is not None and kind is not None:
            out.append((measured, kind))
    return out


def visible(rgb: RGB, um_per_px: float, found: Survey) -> bool:
    """Whether the image is bright enough and large enough to hold a cell."""
    return found.readable and min(rgb.shape[:2]) >= _SMALLEST_IMAGE * factor_for(um_per_px)


@dataclass(frozen=True, slots=True)
class Default:
    """One setting for every slide; everything it looks at lies within `halo_um`."""

    name: str = "default"
    version: str = "2"
    halo_um: float = 40.0

    def survey(self, overview: RGB, um_per_px: float) -> Survey:
        """See `survey.survey`; the pixel size decides nothing here."""
        return survey(overview)

    def cells(self, rgb: RGB, um_per_px: float, survey: Survey) -> CellTable:
        """White cells of an (H, W, 3) uint8 image; see `Segmenter`."""
        sheet = (
            cut_out(np.ascontiguousarray(grounded(rgb, survey)), um_per_px, survey, own_desk())
            if visible(rgb, um_per_px, survey)
            else None
        )
        if sheet is None:
            return CellTable.empty(NAMES)
        cells = grown(sheet.field, nuclear_parts(sheet.field), survey)
        return table_from([(sheet.back(one), kind) for one, kind in cells], rgb.shape[:2])
