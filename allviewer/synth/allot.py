"""Share an exact number of things out over many places, so that any place can be asked about alone."""

from collections.abc import Callable

from numpy.random import Generator


def allot(
    rng: Callable[[int, int], Generator],
    total: int,
    places: int,
    slots: int,
    place: int,
    evenness: float | None = None,
) -> tuple[int, int]:
    """How many of ``total`` things fall to one place, and how many to the places before it.

    The places are halved again and again and the things divided by a random draw at each halving; the sum is exact, a
    query costs O(log places), and nothing is stored.

    Parameters
    ----------
    rng : ``rng(first, end)`` gives the generator of the node that spans places ``first`` to ``end - 1``.
    total : things, 0 to ``places * slots``.
    places, slots : number of places, and how many things one place can hold.
    place : the place asked about, 0 to ``places - 1``.
    evenness : None draws slots without replacement; a number makes the counts Dirichlet-multinomial with that
        concentration per place (small: most things in few places), cut off where a place would overflow.

    Returns
    -------
    here, before : the number at ``place`` and the sum over all places below it.
    """
    first, end, count, before = 0, places, total, 0
    while end - first > 1 and count:
        middle = (first + end) // 2
        near, far = (middle - first) * slots, (end - middle) * slots
        draw = rng(first, end)
        if evenness is None:
            left = int(draw.hypergeometric(near, far, count))
        else:
            share = draw.beta(evenness * (middle - first), evenness * (end - middle))
            left = min(max(int(draw.binomial(count, share)), count - far), near)
        if place < middle:
            end, count = middle, left
        else:
            first, count, before = middle, count - left, before + left
    return count, before
