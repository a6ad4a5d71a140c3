"""Reinhard's colour transfer: mean and spread of the stained pixels in lαβ, brought to a reference's."""

from dataclasses import dataclass

import numpy as np

from allviewer.vocab.arrays import Floats

Triple = tuple[float, float, float]

TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
"""Linear RGB to the responses of the three cones (the paper's equation 4)."""

TO_LAB = np.diag([1 / 3**0.5, 1 / 6**0.5, 1 / 2**0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
"""log10 LMS to lαβ (the paper's equation 6): lightness, yellow against blue, red against green."""

FACTORS = (0.4, 2.0)
"""Spread is stretched and squeezed no further than this, so that the noise of an almost even view stays noise."""

_DARKEST = 1 / 255


@dataclass(frozen=True, slots=True)
class Reinhard:
    """Appearance of a slide's stain.

    Attributes
    ----------
    mean, spread : mean and standard deviation of the stained pixels along l, α and β, of light relative to the
        background's (a lamp of another colour changes neither).
    """

    mean: Triple
    spread: Triple


def to_lab(light: Floats) -> Floats:
    """(n, 3) light relative to the background's, 1 = background, to (n, 3) lαβ."""
    lms = np.maximum(light, _DARKEST) @ TO_LMS.T
    return np.asarray(np.log10(lms) @ TO_LAB.T, np.float32)


def to_light(lab: Floats) -> Floats:
    """Back from lαβ; the inverse of `to_lab`."""
    lms = 10 ** (lab @ np.linalg.inv(TO_LAB).T)
    return np.asarray(lms @ np.linalg.inv(TO_LMS).T, np.float32)


def measure(light: Floats) -> Reinhard:
    """Appearance of stained pixels, (n, 3) light relative to the background's, n at least 1."""
    lab = to_lab(light).astype(np.float64)
    mean, spread = lab.mean(axis=0), lab.std(axis=0)
    return Reinhard(tuple(mean.tolist()), tuple(spread.tolist()))


def transfer(light: Floats, source: Reinhard, target: Reinhard) -> Floats:
    """Move colours from one appearance to another.

    ``lαβ' = (lαβ - mean_source) * spread_target / spread_source + mean_target`` (the paper's equations 10 and 11),
    with the quotient kept within `FACTORS`.

    Parameters
    ----------
    light : (n, 3) float32, relative to the background's.

    Returns
    -------
    (n, 3) float32.

    References
    ----------
    Reinhard, E., Ashikhmin, M., Gooch, B., Shirley, P. (2001). Color transfer between images. IEEE Computer Graphics
    and Applications 21(5), 34-41. Ruderman, D. L., Cronin, T. W., Chiao, C.-C. (1998). Statistics of cone responses to
    natural images. J. Opt. Soc. Am. A 15(8), 2036-2045 (the colour space).
    """
    factor = np.array(target.spread) / np.maximum(np.array(source.spread), 1e-6)
    moved = (to_lab(light) - np.array(source.mean)) * np.clip(factor, *FACTORS) + np.array(target.mean)
    return to_light(np.asarray(moved, np.float32))
