"""The stated rules: what of all that was found is a white cell, what a smudge, and what neither."""

from collections.abc import Mapping

from allviewer.vocab.cells import Kind

NUCLEUS_UM2 = 14.0
"""Least nuclear area of a white cell cut by nothing: a disc of 4.2 µm, above platelets and pyknotic debris."""

CELL_UM2 = 24.0
"""Least area of a white cell: a disc of 5.5 µm."""

CUT_NUCLEUS_UM2 = 4.0
"""Least visible nuclear area of a cell cut by the image's edge."""

NUCLEAR_OD = 0.07
"""Least mean nuclear contrast, optical density across the red cells' direction."""

SMUDGE_UM2 = 210.0
"""A nucleus larger than this belongs to no blood cell: it has burst and spread."""


def judge(values: Mapping[str, float], plateau: float, touches_border: bool) -> Kind | None:
    """Apply the rules to one object.

    Parameters
    ----------
    values : its measurements, see `dictionary.MEASUREMENTS`.
    plateau : nuclear contrast, optical density.
    touches_border : whether it is cut by the image's edge.

    Returns
    -------
    Its kind, or None for red cells, platelets, precipitate and debris.
    """
    nucleus, cell = values["nucleus_area_um2"], values["cell_area_um2"]
    if plateau < NUCLEAR_OD:
        return None
    if touches_border:
        return Kind.CELL if nucleus >= CUT_NUCLEUS_UM2 else None
    if nucleus < NUCLEUS_UM2 or cell < CELL_UM2:
        return None
    if nucleus > SMUDGE_UM2:
        return Kind.SMUDGE
    return Kind.CELL
