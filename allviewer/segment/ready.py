"""Compile ahead: what numba keeps in its cache, made before the first field needs it."""

import cv2
import numpy as np

from allviewer.segment.pixel_size import assumed_pixel_size, estimate_pixel_size
from allviewer.segment.quality import judge_field
from allviewer.segment.segmenter import SEGMENTERS, segmenter
from allviewer.vocab.arrays import RGB

_BACKGROUND, _RED, _CYTOPLASM, _NUCLEUS = (232, 228, 220), (214, 166, 158), (188, 176, 214), (104, 62, 148)


def _drawing() -> RGB:
    """A few drawn cells, among them two that touch, one with lobes and one cut by the edge; no smear."""
    rgb = np.full((420, 560, 3), _BACKGROUND, np.uint8)
    for y in range(40, 420, 92):
        for x in range(280, 560, 92):
            cv2.circle(rgb, (x, y), 37, _RED, -1)
    cells = ((70, 80, 1), (190, 90, 1), (262, 90, 1), (110, 240, 3), (0, 330, 1))
    for x, y, _ in cells:
        cv2.circle(rgb, (x, y), 58, _CYTOPLASM, -1)
    for x, y, lobes in cells:
        for k in range(lobes):
            cv2.circle(rgb, (x - 28 * (lobes // 2) + 28 * k, y), 44 // (1 + lobes // 2), _NUCLEUS, -1)
    out: RGB = cv2.GaussianBlur(rgb, (0, 0), 1.5)
    return out


def build_kernels() -> None:
    """Run every route once over a small drawing, so that all compiled loops stand in numba's cache.

    Some seconds after an installation or a change of the program, a third of a second from then on. Safe on any thread.
    """
    rgb = _drawing()
    estimate_pixel_size(rgb)
    assumed_pixel_size(rgb)
    for name in SEGMENTERS:
        finder = segmenter(name)
        survey = finder.survey(rgb, 0.1)
        judge_field(rgb, 0.1, survey, finder.cells(rgb, 0.1, survey))
