"""The data dictionary: every measurement by name, unit, definition and source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One column of `CellTable.measurements`. ``unit`` is empty for pure numbers; ``source`` cites the definition."""

    name: str
    unit: str
    definition: str
    source: str


_POLYGON = "Steger 1996, moments of polygons"
_STAIN = "Ruifrok and Johnston 2001, colour deconvolution"
_BEER = "Beer-Lambert law, base 10, against the empty background"
_SHAPE = "Soille 2003, Morphological Image Analysis"
_HARALICK = "Haralick et al. 1973, textural features"

MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("cell_area_um2", "µm²", "Area inside the whole-cell outline.", _POLYGON),
    Measurement("nucleus_area_um2", "µm²", "Area inside the nuclear outlines, all lobes together.", _POLYGON),
    Measurement("cell_diameter_um", "µm", "Diameter of the disc with the whole cell's area.", _POLYGON),
    Measurement("nucleus_diameter_um", "µm", "Diameter of the disc with the nucleus's area.", _POLYGON),
    Measurement("cell_perimeter_um", "µm", "Length of the whole-cell outline.", _POLYGON),
    Measurement(
        "nucleus_cytoplasm_ratio", "", "Nuclear area over cytoplasmic area (cell minus nucleus); at most 50.",
        "Bain 2015, Blood Cells, 5th ed.",
    ),
    Measurement("nucleus_cell_fraction", "", "Nuclear area over whole-cell area, 0 to 1.", "Bain 2015, Blood Cells"),
    Measurement("cell_eccentricity", "", "Eccentricity of the ellipse of the cell's second moments, 0 to 1.", _POLYGON),
    Measurement("nucleus_eccentricity", "", "The same for the nucleus, all lobes together.", _POLYGON),
    Measurement("cell_solidity", "", "Area over convex-hull area of the whole cell, 0 to 1.", _SHAPE),
    Measurement("nucleus_solidity", "", "Area over convex-hull area of the nucleus, all lobes together.", _SHAPE),
    Measurement("nucleus_convexity", "", "Convex-hull perimeter over perimeter of the nucleus, 0 to 1.", _SHAPE),
    Measurement(
        "nucleus_lobes", "", "Nuclear parts told apart: separate pieces, and pieces joined by a narrow neck.", _SHAPE
    ),
    Measurement("nucleus_red_od_mean", "OD", "Mean optical density of the nucleus in the red channel.", _BEER),
    Measurement("nucleus_green_od_mean", "OD", "The same in the green channel.", _BEER),
    Measurement("nucleus_blue_od_mean", "OD", "The same in the blue channel.", _BEER),
    Measurement(
        "nucleus_azure_od_mean", "OD", "Mean optical density of the azure (nuclear) stain over the nucleus.", _STAIN
    ),
    Measurement("nucleus_azure_od_sd", "OD", "Its standard deviation.", _STAIN),
    Measurement(
        "nucleus_eosin_od_mean", "OD", "Mean optical density along the red cells' stain over the nucleus.", _STAIN
    ),
    Measurement("nucleus_eosin_od_sd", "OD", "Its standard deviation.", _STAIN),
    Measurement("cytoplasm_azure_od_mean", "OD", "Mean azure density over the cytoplasm; 0 without cytoplasm.", _STAIN),
    Measurement("cytoplasm_azure_od_sd", "OD", "Its standard deviation.", _STAIN),
    Measurement("cytoplasm_eosin_od_mean", "OD", "Mean eosin density over the cytoplasm; 0 without cytoplasm.", _STAIN),
    Measurement("cytoplasm_eosin_od_sd", "OD", "Its standard deviation.", _STAIN),
    Measurement(
        "nucleus_texture_contrast", "", "Mean absolute difference of azure density between neighbours half a micrometre"
        " apart inside the nucleus, over its mean: coarse chromatin is high.", _HARALICK,
    ),
    Measurement(
        "nucleus_texture_entropy", "bit", "Entropy of azure density inside the nucleus in 16 equal bins from 0 to twice"
        " its mean.", _HARALICK,
    ),
    Measurement(
        "edge_sharpness_per_um", "1/µm", "Steepest contrast across the nuclear rim over the nucleus's own contrast:"
        " about 1 in focus, below 0.4 blurred.", "Brenner et al. 1976, gradient focus measure, made relative",
    ),
)  # fmt: skip
"""Exactly the measurements of every CellTable of this package, in this order."""

NAMES: tuple[str, ...] = tuple(m.name for m in MEASUREMENTS)
