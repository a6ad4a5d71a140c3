"""Crops as most scripts make them: PIL cuts and looks levels up, torchvision resizes and makes numbers."""

import numpy as np
import torch
from PIL import Image

from allviewer.systems.torchvision_guard import import_torchvision


def pipeline(rgb, boxes, size, table=None):
    """A call that gives (n, 3, size, size) float32 in 0..1; ``table`` (3, 256) levels, or none."""
    import_torchvision()
    from torchvision.transforms import Resize, ToTensor

    picture, resize, numbers = Image.fromarray(rgb), Resize((size, size)), ToTensor()
    levels = None if table is None else table.reshape(-1).tolist()

    def one(box):
        y0, x0, y1, x1 = box
        crop = resize(picture.crop((x0, y0, x1, y1)))
        return numbers(crop if levels is None else crop.point(levels))

    corners = np.rint(boxes).astype(int).tolist()
    return lambda: torch.stack([one(box) for box in corners])
