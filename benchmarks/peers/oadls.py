"""The stages of `allviewer.segment.oadls.nuclei` once more, each written with what SciPy and scikit-image offer for it.

Both start from the decoded array and end with numbered nuclear parts on the working grid. Two differences, in the
peer's favour or neither way: scikit-image has no dynamic histogram equalisation, so the survey's table is looked up;
and touching parts are told apart by one `h_maxima` of the distance, without the joining that follows in the project.
"""

import numpy as np
from scipy import ndimage, signal
from skimage import filters, measure, morphology, segmentation, transform

from allviewer.pixels.density import density_table
from allviewer.segment import oadls
from allviewer.segment.grid import factor_for, working_field
from allviewer.segment.parting import DEPTH_UM, SMALLEST_UM2
from allviewer.segment.seeds import OF_PLATEAU, PLATEAU_UM
from allviewer.segment.survey import GATE


def ours(picture, found):
    """The project's stages: (h, w) int32 on the working grid."""
    return oadls.nuclei(working_field(picture.rgb, picture.um, found), found)


def full(labels, picture):
    """Labels of the working grid on the image's pixels."""
    factor = factor_for(picture.um)
    rows, columns = picture.rgb.shape[:2]
    return np.repeat(np.repeat(labels, factor, 0), factor, 1)[:rows, :columns]


def theirs(picture, found):
    """The same stages with SciPy and scikit-image: (h, w) int on the working grid."""
    factor = factor_for(picture.um)
    um = picture.um * factor
    rgb = transform.downscale_local_mean(picture.rgb, (factor, factor, 1)).round().astype(np.uint8)
    image = _filtered(rgb, found)
    fine = filters.gaussian(_contrast(rgb, found), max(0.5, 0.15 / um))
    nuclear = _nuclear(rgb, found, um)
    flat = _flattened(image, oadls.TEXTURE_UM / um)
    internal = measure.label(morphology.h_minima(flat, oadls.DEPTH) & nuclear)
    external = _external(internal, nuclear, 0.8 / um)
    markers = np.where(external & (internal == 0), internal.max() + 1, internal)
    gradient = morphology.dilation(image, morphology.disk(1)) - morphology.erosion(image, morphology.disk(1))
    flooded = segmentation.watershed(_imposed(gradient, markers > 0), markers)
    mask = (flooded <= internal.max()) & (fine > GATE)
    mask &= ~segmentation.find_boundaries(np.where(mask, flooded, 0), mode="inner", background=0)
    return morphology.remove_small_objects(_parted(mask, um), max_size=int(SMALLEST_UM2 / um**2))


def _filtered(rgb, found):
    """Wiener filter of each channel, luminance, dynamic histogram equalisation."""
    smooth = np.stack([signal.wiener(rgb[..., c].astype(np.float32), 5) for c in range(3)], axis=-1)
    luminance = (np.clip(smooth, 0, 255) @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return np.frombuffer(found.equalisation, np.uint8)[luminance]


def _contrast(rgb, found):
    """Optical density across the red cells."""
    table = density_table(found.white)
    density = np.stack([table[rgb[..., c], c] for c in range(3)], axis=-1)
    return (density @ found.contrast).astype(np.float32)


def _nuclear(rgb, found, um):
    """Above the gate and half the local plateau, opened."""
    contrast = _contrast(rgb, found)
    side = 2 * max(1, round(PLATEAU_UM / um)) + 1
    plateau = ndimage.maximum_filter(filters.gaussian(contrast, max(0.5, 0.5 / um)), side)
    mask = filters.gaussian(contrast, max(0.5, 0.15 / um)) > np.maximum(GATE, OF_PLATEAU * plateau)
    return morphology.opening(mask, morphology.disk(max(1, round(0.4 / um))))


def _flattened(image, radius):
    """Opening, then closing by reconstruction."""
    element = morphology.disk(max(1, round(radius)))
    opened = morphology.reconstruction(morphology.erosion(image, element), image)
    closed = morphology.reconstruction(morphology.dilation(opened, element), opened, method="erosion")
    return closed.astype(np.uint8)


def _external(internal, nuclear, margin):
    """Far from nuclear stain, and the lines half-way between markers."""
    away = ndimage.distance_transform_edt(~nuclear) > margin
    zones = segmentation.watershed(ndimage.distance_transform_edt(internal == 0), internal, watershed_line=True)
    return away | ((zones == 0) & ~nuclear)


def _imposed(relief, markers):
    """Markers made the only minima of a relief."""
    seed = np.where(markers, 0, 255)
    return morphology.reconstruction(seed, np.minimum(relief.astype(np.int32) + 1, seed), method="erosion")


def _parted(mask, um):
    """Touching parts, told apart by the distance to the rim."""
    depth = filters.gaussian(ndimage.distance_transform_edt(mask) * um, max(0.5, 0.3 / um))
    peaks = morphology.h_maxima(depth, DEPTH_UM) & mask
    return segmentation.watershed(-depth, measure.label(peaks), mask=mask)
