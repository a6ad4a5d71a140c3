"""The contact sheet: cells as they lie on the slide, cut out for a page that a person asked to hold pictures."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.learning.patches import cut_patches
from allviewer.learning.samples import Samples

_SIDE, _QUALITY = 176, 88


@dataclass(frozen=True, slots=True)
class Sheet:
    """Pictures of some cells, in the order they were asked for.

    Attributes
    ----------
    pictures : JPEG files, square.
    um : side of what each shows, µm; None where an image is the cell and its scale is not known.
    """

    pictures: tuple[bytes, ...]
    um: float | None


def cut_sheet(samples: Samples, rows: NDArray[np.intp], crop_um: float) -> Sheet:
    """Surroundings of these cells in the slide's own colours, ``crop_um`` wide."""
    if len(rows) == 0:
        return Sheet((), crop_um)
    few = samples.take(rows)
    crops = cut_patches(few, crop_um, _SIDE, None, margin=1)
    scaled = bool(np.isfinite(few.um_per_px).all())
    return Sheet(
        tuple(
            cv2.imencode(".jpg", np.ascontiguousarray(c[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
            for c in crops
        ),
        crop_um if scaled else None,
    )
