"""scikit-image's classical recipe: saturation, Otsu, distance, peaks, watershed, measurements, contours."""

import numpy as np
from scipy import ndimage
from skimage import color, feature, filters, measure, morphology, segmentation

PROPERTIES = ("label", "area", "centroid", "bbox", "perimeter", "eccentricity", "solidity", "intensity_mean")


def segment(picture):
    """Nuclei of a field as a label image, their measurements and their outlines."""
    stain = color.rgb2hsv(picture.rgb)[..., 1]
    mask = stain > filters.threshold_otsu(stain)
    mask = ndimage.binary_fill_holes(morphology.opening(mask, morphology.disk(2)))
    mask = morphology.remove_small_objects(mask, max_size=round(picture.area[0]))
    depth = ndimage.distance_transform_edt(mask)
    peaks = feature.peak_local_max(depth, min_distance=round(picture.diameter[0] / 2), labels=measure.label(mask))
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = segmentation.watershed(-depth, markers, mask=mask)
    table = measure.regionprops_table(labels, intensity_image=picture.rgb, properties=PROPERTIES)
    return labels, table, contours(labels)


def contours(labels):
    """`find_contours` of each object in its own box, in the image's frame."""
    out = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            mask = np.pad(labels[box] == number, 1)
            corner = np.array([box[0].start - 1, box[1].start - 1])
            out.append([ring + corner for ring in measure.find_contours(mask, 0.5)])
    return out
