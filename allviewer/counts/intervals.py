"""Intervals for proportions. Arithmetic only."""

import math


def wilson(successes: int, trials: int, confidence_z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson score interval of a proportion.

    Parameters
    ----------
    successes, trials : counts, ``0 <= successes <= trials``.
    confidence_z : standard normal quantile, 1.96 for 95 %.

    Returns
    -------
    (low, high) in [0, 1]; ``(nan, nan)`` where there was no trial.

    Raises
    ------
    ValueError : counts that are negative or more successes than trials.

    Source
    ------
    Wilson E. B., Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials is no proportion")
    if trials == 0:
        return math.nan, math.nan
    z2 = confidence_z * confidence_z
    share = successes / trials
    centre = share + z2 / (2 * trials)
    half = confidence_z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    scale = 1 + z2 / trials
    # At 0 and n the bound is 0 or 1 exactly; rounding must not step over it.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == trials else (centre + half) / scale
    return max(0.0, low), min(1.0, high)
