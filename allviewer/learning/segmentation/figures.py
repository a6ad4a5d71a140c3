"""From counts and scores of single images to rows of the table."""

from collections.abc import Sequence

import numpy as np

from allviewer.counts.intervals import wilson
from allviewer.learning.draws import over_groups
from allviewer.learning.segmentation.held import HELD
from allviewer.learning.segmentation.words import Row
from allviewer.segment.score import Agreement


def pooled(
    key: str,
    what: str,
    unit: str,
    above: Sequence[float],
    below: Sequence[float],
    files: Sequence[str],
    *,
    of: str,
    groups: Sequence[str] = (),
    n: int | None = None,
) -> Row:
    """A quotient of two sums over images, such as centres found by centres, or the mean of one score an image.

    Parameters
    ----------
    key, what, unit, of : as in `Row`; where the target is an upper one, the highest image is the worst.
    above, below : (m,) numerators and denominators; images without a denominator have no figure of their own.
    files : (m,) names.
    groups : (m,) what belongs together, such as a session; the interval is a bootstrap over groups. Empty: each image
        by itself.
    n : of the row; default: the sum below.
    """
    tops, bottoms = np.asarray(above, float), np.asarray(below, float)
    held = HELD.get(key)
    count = round(float(bottoms.sum())) if n is None else n
    if bottoms.sum() <= 0:
        return Row(key, what, unit, None, count, of, held=held)
    own = np.flatnonzero(bottoms > 0)
    each = tops[own] / bottoms[own]
    at = int(each.argmax() if held is not None and held.at_most else each.argmin())
    figure = over_groups(np.asarray(groups or files)[own], lambda w: (w @ tops[own]) / (w @ bottoms[own]))
    return Row(
        key, what, unit, float(tops.sum() / bottoms.sum()), count, of,
        None if figure is None else figure.low, None if figure is None else figure.high,
        float(np.median(each)), (float(each[at]), files[int(own[at])]), held,
    )  # fmt: skip


def mean(
    key: str,
    what: str,
    unit: str,
    values: Sequence[float],
    files: Sequence[str],
    *,
    of: str,
    groups: Sequence[str] = (),
) -> Row:
    """The mean of one value an image, with its bootstrap interval."""
    return pooled(key, what, unit, values, [1.0] * len(values), files, of=of, groups=groups)


def share(key: str, what: str, hits: int, trials: int, *, of: str) -> Row:
    """A share of independent trials, with Wilson's interval."""
    if not trials:
        return Row(key, what, "share", None, 0, of, held=HELD.get(key))
    low, high = wilson(hits, trials)
    return Row(key, what, "share", hits / trials, trials, of, low, high, held=HELD.get(key))


def detection(
    key: str, what: str, scores: Sequence[Agreement], files: Sequence[str], *, of: str, groups: Sequence[str] = ()
) -> Row:
    """F1 over all images together: twice the pairs by what is there and what was found."""
    return pooled(
        key, what, "F1", [2 * s.pairs for s in scores], [s.true + s.found for s in scores], files,
        of=of, groups=groups, n=sum(s.true for s in scores),
    )  # fmt: skip


def panoptic(
    key: str, what: str, scores: Sequence[Agreement], files: Sequence[str], *, of: str, groups: Sequence[str] = ()
) -> Row:
    """Panoptic quality over all images together."""
    return pooled(
        key, what, "PQ", [2 * s.overlap for s in scores], [s.true + s.found for s in scores], files,
        of=of, groups=groups, n=sum(s.true for s in scores),
    )  # fmt: skip
