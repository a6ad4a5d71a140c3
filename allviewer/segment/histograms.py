"""What a histogram says of a cell's pixels."""

import numba as nb


@nb.njit(cache=True, nogil=True, boundscheck=False)
def rank(counts, share):  # type: ignore[no-untyped-def]
    """Bin that holds the given share of a histogram's mass, -1 for an empty one."""
    total = counts.sum()
    below = 0
    for k in range(len(counts)):
        below += counts[k]
        if total > 0 and below >= share * total:
            return k
    return -1
