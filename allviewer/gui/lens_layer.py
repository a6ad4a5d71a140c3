"""One napari image layer between the smear and the outlines, for other looks at the same place."""

import napari
import numpy as np

from allviewer.vocab.arrays import RGB
from allviewer.vocab.region import Region

LAYER_NAME = "Lens"


class LensLayer:
    """Shows one picture of a region, over the smear.

    One layer for all pictures, made when the window is: to add one to napari or take one away costs the Qt thread a
    tenth of a second and more.

    Parameters
    ----------
    viewer : where the layer is added, above what is there.
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self.layer = viewer.add_image(
            np.zeros((1, 1, 4), np.uint8), name=LAYER_NAME, rgb=True, interpolation2d="linear", visible=False
        )

    def show(self, rgba: RGB, region: Region, name: str) -> None:
        """Show a picture, (h, w, 4) uint8, of a region of the slide; ``name`` stands in napari's layer list."""
        scale = np.array([region.height / rgba.shape[0], region.width / rgba.shape[1]])
        # from the house's frame, which begins at a pixel's corner, to napari's pixel centres
        corner = np.array([region.y0, region.x0]) - 0.5 + scale / 2
        self.layer.data = rgba
        if not np.array_equal(self.layer.scale, scale):  # each change costs napari a refresh
            self.layer.scale = scale
        if not np.array_equal(self.layer.translate, corner):
            self.layer.translate = corner
        self.layer.name = name
        self.layer.visible = True

    def clear(self) -> None:
        """Nothing over the smear."""
        self.layer.visible = False
        self.layer.name = LAYER_NAME
