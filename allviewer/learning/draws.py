"""The bootstrap over groups: whole subjects are drawn, because cells of one subject are not independent."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.metrics import Scores, Weights
from allviewer.systems.card import Figure

_AT_ONCE = 4_000_000
"""Weights held in memory at a time (32 MB); draws are made in chunks of so many cells."""

Measure = Callable[[Weights], Mapping[str, Scores]]
"""Weights (D, n) → name → (D,)."""


def bootstrap(groups: NDArray[np.str_], measure: Measure, *, draws: int = 1000, seed: int = 0) -> dict[str, Scores]:
    """Every figure of ``measure`` over all cells, then over ``draws`` bootstrap draws of whole groups.

    Parameters
    ----------
    groups : (n,) the group of each cell.
    measure : gives figures of weighted cells.
    draws, seed : of the bootstrap. The same groups and seed give the same draws, so that figures of two models may
        be subtracted draw by draw.

    Returns
    -------
    name → (1 + draws,), the figure itself first; (1,) where there are fewer than two groups to draw from.
    """
    names, code = np.unique(groups, return_inverse=True)
    parts = [measure(np.ones((1, len(groups))))]
    if len(names) > 1:
        times = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
        step = max(1, _AT_ONCE // max(1, len(groups)))
        parts += [measure(times[k : k + step, code].astype(np.float64)) for k in range(0, draws, step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def figure_of(sample: Scores) -> Figure | None:
    """A figure with its 95 % percentile interval.

    Draws without a number are left out. Where the draws lean to one side (a calibration error does: resampling adds
    to it), the interval is widened to hold the figure itself.

    Parameters
    ----------
    sample : (1 + draws,) as `bootstrap` gives it.

    Returns
    -------
    None where the figure itself is nan; bounds None where fewer than half of the draws, or none, gave a number.
    """
    value, drawn = float(sample[0]), sample[1:]
    if not np.isfinite(value):
        return None
    kept = drawn[np.isfinite(drawn)]
    if len(kept) == 0 or 2 * len(kept) < len(drawn):
        return Figure(value=value)
    low, high = (float(v) for v in np.percentile(kept, [2.5, 97.5]))
    return Figure(value=value, low=min(low, value), high=max(high, value))


def over_groups(
    groups: NDArray[np.str_], measure: Callable[[Weights], Scores], *, draws: int = 1000, seed: int = 0
) -> Figure | None:
    """One figure with its interval; see `bootstrap` and `figure_of`."""
    return figure_of(bootstrap(groups, lambda weights: {"": measure(weights)}, draws=draws, seed=seed)[""])
