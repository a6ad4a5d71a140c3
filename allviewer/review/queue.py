"""What to look at next: the most doubtful cell first, in an order that reviewing does not disturb."""

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Ints


def doubt(confidence: Floats, touches_border: NDArray[np.bool_]) -> Floats:
    """How much a cell needs eyes.

    Parameters
    ----------
    confidence : (n,) probability of the suggested class; NaN where not classified.
    touches_border : (n,) bool; the image's edge cuts the cell, which stands outside the counts.

    Returns
    -------
    (n,) float32: 1 - confidence; -1 where not classified; 3 less where the edge cuts the cell. So whole cells come
    first, and what no count waits for comes last.
    """
    return (np.nan_to_num(1 - confidence, nan=-1) - 3 * touches_border).astype(np.float32)


def step(doubts: Floats, ids: Ints, waiting: NDArray[np.bool_], after: int | None, direction: int) -> int | None:
    """The next or previous row of the queue.

    The queue is ordered by falling doubt, then by id. Where a row stands depends on the row alone, so walking goes on
    from a row that has just been reviewed and has left the queue. It goes round at its ends.

    Parameters
    ----------
    doubts : (n,) float32, see `doubt`. ids : (n,) int64, unique.
    waiting : (n,) bool, rows that are in the queue.
    after : row to walk on from; None: start at the end that ``direction`` points away from.
    direction : +1 next, -1 previous.

    Returns
    -------
    A waiting row, ``after`` itself if no other is waiting, or None if none is.
    """
    rows = np.flatnonzero(waiting)
    if not len(rows):
        return None
    falling, number = -doubts[rows].astype(np.float64) * direction, ids[rows] * direction
    if after is not None:
        here, mine = -float(doubts[after]) * direction, int(ids[after]) * direction
        beyond = (falling > here) | ((falling == here) & (number > mine))
        if beyond.any():
            rows, falling, number = rows[beyond], falling[beyond], number[beyond]
    first = np.flatnonzero(falling == falling.min())
    return int(rows[first[number[first].argmin()]])
