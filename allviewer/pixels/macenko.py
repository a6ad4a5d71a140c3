"""Macenko's stain vectors: two dyes found in the plane that optical density spans, brought to a reference's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import AZURE, RED_CELL
from allviewer.vocab.arrays import Floats

Triple = tuple[float, float, float]

EXTREME = 0.01
"""Share of the weight left out beyond each of the two extreme directions (the paper's α = 1 %)."""

STRONGEST = 0.99
"""Quantile of a dye's amount that is brought to the reference's (the paper's 99th percentile)."""

LEAST_ANGLE = 8.0
"""Degrees between two dyes below which the view holds one dye, seen twice. So it does where nuclei, the densest thing
on any smear, would hold less dye than red cells."""

FACTORS = (0.4, 2.0)
"""Amounts are scaled no further than this."""

_FEWEST = 60


@dataclass(frozen=True, slots=True)
class Macenko:
    """Appearance of a slide's stain.

    Attributes
    ----------
    eosin, azure : unit vectors, direction of each dye in optical density (red, green, blue): what dyes red cells, and
        what dyes nuclei.
    amounts : optical density of eosin and of azure where they are strongest; 0 for a dye that the view does not show,
        whose direction is then a guess.
    """

    eosin: Triple
    azure: Triple
    amounts: tuple[float, float]


def measure(density: Floats) -> Macenko:
    """Find the two dyes.

    Parameters
    ----------
    density : (n, 3) optical density of stained pixels (``-log10`` of light relative to the background's), n at least 1.

    Notes
    -----
    Three steps differ from the paper, because a smear is no section: nuclei may be one stained pixel in two hundred,
    and red cells hold one dye alone. Directions are weighted by squared density, as the singular vectors are, so that
    red cells do not crowd nuclei out of the last percent. The extremes only tell the two dyes' halves of the plane
    apart, and the middle direction of each half is its dye: in a small JPEG the extremes themselves are noise. And a
    dye's amount is taken where that dye dominates, so that it does not rise with the share of nuclei in the view.

    References
    ----------
    Macenko, M., et al. (2009). A method for normalizing histology slides for quantitative analysis. Proc. IEEE Int.
    Symp. Biomedical Imaging (ISBI), 1107-1110.
    """
    exact: NDArray[np.float64] = density.astype(np.float64)
    _, _, directions = np.linalg.svd(exact.T @ exact)
    plane = directions[:2] * np.where(directions[:2].sum(axis=1) < 0, -1, 1)[:, None]
    along = exact @ plane.T
    angle, weight = np.arctan2(along[:, 1], along[:, 0]), (along**2).sum(axis=1)
    low, middle, high = _quantiles(angle, weight, (EXTREME, 0.5, 1 - EXTREME))
    halves = [angle <= (low + high) / 2, angle > (low + high) / 2]
    if not all(half.any() for half in halves):
        return _one_dye(exact, _turned(middle, plane))
    ends = [_turned(_quantiles(angle[half], weight[half], (0.5,))[0], plane) for half in halves]
    eosin, azure = sorted(ends, key=lambda vector: float(vector[1]))
    amounts = _amounts(exact, eosin, azure)
    if eosin @ azure > np.cos(np.radians(LEAST_ANGLE)) or amounts[1] < amounts[0]:
        return _one_dye(exact, _turned(middle, plane))
    return Macenko(tuple(eosin.tolist()), tuple(azure.tolist()), amounts)


def _turned(angle: float, plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector at an angle in a plane of two orthonormal rows."""
    out: NDArray[np.float64] = np.array([np.cos(angle), np.sin(angle)]) @ plane
    return out


def _one_dye(density: NDArray[np.float64], middle: NDArray[np.float64]) -> Macenko:
    """The appearance of a view with one dye along ``middle``; the other's direction is the typical one."""
    typical_eosin, typical_azure = (np.array(dye) / np.linalg.norm(dye) for dye in (RED_CELL, AZURE))
    if middle @ typical_azure > middle @ typical_eosin:
        only = _amounts(density, typical_eosin, middle)[1]
        return Macenko(tuple(typical_eosin.tolist()), tuple(middle.tolist()), (0.0, only))
    only = _amounts(density, middle, typical_azure)[0]
    return Macenko(tuple(middle.tolist()), tuple(typical_azure.tolist()), (only, 0.0))


def _amounts(
    density: NDArray[np.float64], eosin: NDArray[np.float64], azure: NDArray[np.float64]
) -> tuple[float, float]:
    """Amount of each dye near its upper end, over the pixels in which it dominates; 0 where those are too few."""
    if abs(eosin @ azure) > 1 - 1e-6:
        return 0.0, 0.0
    amounts = density @ np.linalg.inv(_dyes(eosin, azure))
    own = [amounts[:, i][amounts[:, i] > np.maximum(amounts[:, 1 - i], 0)] for i in range(2)]
    eosins, azures = (float(np.quantile(o, STRONGEST)) if len(o) >= _FEWEST else 0.0 for o in own)
    return eosins, azures


def _quantiles(values: NDArray[np.float64], weight: NDArray[np.float64], shares: tuple[float, ...]) -> list[float]:
    """Weighted quantiles."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weight[order])
    at = np.searchsorted(upto, np.array(shares) * upto[-1])
    return [float(values[order[min(int(i), len(order) - 1)]]) for i in at]


def _dyes(eosin: Triple | NDArray[np.float64], azure: Triple | NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3): eosin, azure, and what is neither, at right angles to both."""
    rest = np.cross(np.asarray(eosin), np.asarray(azure))
    return np.array([eosin, azure, rest / np.linalg.norm(rest)])


def transfer(density: Floats, source: Macenko, target: Macenko) -> Floats:
    """Move optical densities from one appearance to another.

    ``amounts = density @ inverse(dyes_source)``; each dye's amount is scaled by the quotient of the two appearances'
    strongest, within `FACTORS`; ``density' = amounts @ dyes_target``. What is neither dye, which the paper drops, is
    kept (granules and blue cytoplasm have hues of their own) and scaled by the geometric mean of the other two.

    Parameters
    ----------
    density : (n, 3) float32.

    Returns
    -------
    (n, 3) float32.
    """
    pairs = list(zip(source.amounts, target.amounts, strict=True))
    known = [min(max(goal / own, FACTORS[0]), FACTORS[1]) if min(own, goal) > 0 else None for own, goal in pairs]
    there = [value for value in known if value is not None]
    rest = float(np.exp(np.mean(np.log(there)))) if there else 1.0
    scale = np.array([*(rest if value is None else value for value in known), rest])
    mixing = np.linalg.inv(_dyes(source.eosin, source.azure)) @ np.diag(scale) @ _dyes(target.eosin, target.azure)
    return np.asarray(density @ mixing, np.float32)
