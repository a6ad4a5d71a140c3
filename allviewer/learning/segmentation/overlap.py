"""Overlap of found cells with one true cell."""

import numpy as np

from allviewer.segment.outlines import draw
from allviewer.segment.score import dice
from allviewer.vocab.arrays import Mask
from allviewer.vocab.cells import CellTable


def best_dice(cells: CellTable, cell: Mask, nucleus: Mask) -> tuple[float, float]:
    """Dice of the whole cell and of the nucleus of the one found cell that shares most with a true one.

    Parameters
    ----------
    cells : in the masks' frame.
    cell, nucleus : (H, W) bool, the true cell.

    Returns
    -------
    Both 0 where no found cell shares a pixel with it.
    """
    shape = cell.shape[0], cell.shape[1]
    drawn = draw(cells.cell, shape)
    shared = np.bincount(drawn[cell], minlength=2)
    shared[0] = 0
    row = int(shared.argmax())
    if not shared[row]:
        return 0.0, 0.0
    return dice(drawn == row, cell), dice(draw(cells.nucleus, shape) == row, nucleus)


def percent(score: tuple[float, float]) -> str:
    """What `best_dice` gave, in words."""
    if score == (0.0, 0.0):
        return "no cell found"
    return f"Dice of the cell {score[0]:.2f}, of the nucleus {score[1]:.2f}"
