"""The stated rules: what of all that was found is a white cell, what a smudge, and what neither."""

from collections.abc import Mapping

from allviewer.segment.survey import GATE
from allviewer.vocab.cells import Kind

NUCLEUS_UM2 = 14.0
"""Least nuclear area of a white cell cut by nothing: a disc of 4.2 µm, above platelets and pyknotic debris."""

CELL_UM2 = 24.0
"""Least area of a white cell: a disc of 5.5 µm."""

CUT_NUCLEUS_UM2 = 4.0
"""Least visible nuclear area of a cell cut by the image's edge."""

CUT_DIAMETER_UM = 6.5
"""Least diameter of a cell cut by the edge, as its visible segment makes it out: more than a platelet's."""

SMUDGE = 3.08
RAGGEDNESS = 2.76
"""A smudge: density over that of the slide's intact nuclei, plus 2.76 times the cell's solidity, is below 3.08. The
fainter the chromatin has spread, the less ragged the outline need be: density 0.32 alone will do for a smooth one,
0.60 for one that fills nine tenths of its convex hull."""

GRAIN = 0.8
"""Where neighbours half a micrometre apart differ by more than this part of the mean, it is noise, not chromatin:
a sharpening scanner's clotted chromatin reaches 0.55."""

BLURRED = 0.2
"""A nuclear rim softer than this, per µm, is out of focus by three micrometres and more: nothing to measure. Where one
can still be told from another, cells stay and the field's verdict warns."""

NEUTRAL = 0.6
"""Nuclear stain lets blue light pass: what takes out more of it than this part of red or green is dirt."""

BURST_UM2 = 400.0
"""A nucleus larger than a disc of 22 µm is none: a lake of stain or a burst cell."""


def judge(values: Mapping[str, float], plateau: float, intact: float, cut: float | None) -> Kind | None:
    """Apply the rules to one object.

    Parameters
    ----------
    values : its measurements, see `dictionary.MEASUREMENTS`.
    plateau : nuclear contrast, optical density.
    intact : azure density of the slide's intact nuclei, OD; 0 where unknown.
    cut : diameter in µm that the whole cell would have, where the image's edge cuts it; else None.

    Returns
    -------
    Its kind, or None for red cells, platelets, precipitate and debris.
    """
    nucleus, cell = values["nucleus_area_um2"], values["cell_area_um2"]
    if plateau < GATE or values["nucleus_texture_contrast"] > GRAIN or values["edge_sharpness_per_um"] < BLURRED:
        return None
    strongest = max(values["nucleus_red_od_mean"], values["nucleus_green_od_mean"])
    if values["nucleus_blue_od_mean"] > NEUTRAL * strongest:
        return None
    if cut is None and (nucleus < NUCLEUS_UM2 or cell < CELL_UM2):
        return None
    if cut is not None and (nucleus < CUT_NUCLEUS_UM2 or cut < CUT_DIAMETER_UM):
        return None
    density = values["nucleus_azure_od_mean"] / intact if intact > 0 else 1.0
    smudge = density + RAGGEDNESS * values["cell_solidity"] < SMUDGE
    return Kind.SMUDGE if smudge or nucleus > BURST_UM2 else Kind.CELL
