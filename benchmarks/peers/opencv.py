"""OpenCV's watershed tutorial: blur, Otsu, opening, distance, sure foreground, cv2.watershed, contours."""

import cv2
import numpy as np


def segment(picture):
    """Nuclei of a field as a label image, and their contours with area, perimeter, moments and hull."""
    stain = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2HSV)[..., 1]
    stain = cv2.GaussianBlur(stain, (5, 5), 0)
    _, mask = cv2.threshold(stain, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, element, iterations=2)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    # The tutorial takes a share of the field's greatest depth alone; the least nucleus keeps it off specks.
    sure = (depth > max(picture.diameter[0] / 2, 0.4 * depth.max())).astype(np.uint8)
    background = cv2.dilate(mask, element, iterations=3)
    _, markers = cv2.connectedComponents(sure)
    markers += 1
    markers[(background > 0) & (sure == 0)] = 0
    labels = cv2.watershed(picture.rgb, markers)
    labels = np.where(labels > 1, labels - 1, 0)
    return labels, _measured(labels)


def _measured(labels):
    """Contour and shape of each object in its own box."""
    out = []
    boxes = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8))[2][1:]
    for x, y, width, height, _ in boxes:
        window = labels[y : y + height, x : x + width]
        for number in np.unique(window[window > 0]):
            rings, _ = cv2.findContours(
                (window == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(int(x), int(y))
            )
            ring = max(rings, key=len)
            hull = cv2.convexHull(ring)
            out.append((ring, cv2.moments(ring), cv2.arcLength(ring, True), cv2.contourArea(hull)))
    return out
