"""The heat maps as one napari image layer: the selected cell's, those in view, or the whole field's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import napari
import numpy as np

from allviewer.gui.heat import inside, napari_colormap
from allviewer.systems.heat_canvas import HeatCanvas, paint, step_for
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.region import Region

LAYER_NAME = "Heat (Grad-CAM)"


class Scope(StrEnum):
    """Whose maps are painted."""

    CELL = "cell"
    VIEW = "view"
    FIELD = "field"


class HeatLayer:
    """Paints off the Qt thread and shows the latest answer; older ones are dropped.

    Parameters
    ----------
    viewer : where the layer is, under the outlines.
    post : runs a call on the Qt thread.
    """

    def __init__(self, viewer: napari.Viewer, post: Callable[[Callable[[], object]], None]) -> None:
        self.layer = viewer.add_image(
            np.zeros((1, 1), np.uint8), name=LAYER_NAME, colormap=napari_colormap(), contrast_limits=(0, 255),
            opacity=0.7, blending="translucent", interpolation2d="linear", visible=False,
        )  # fmt: skip
        self._viewer = viewer
        self._post = post
        self._painter = ThreadPoolExecutor(1, thread_name_prefix="heat")
        self._asked = 0
        self.top = 0.0

    def clear(self) -> None:
        """Nothing painted; an answer under way is dropped."""
        self._asked += 1
        self.layer.visible = False

    def show(
        self, prediction: Prediction, class_index: int | None, scope: Scope, row: int | None,
        view: Region, field: Region, zoom: float, top: float,
    ) -> None:  # fmt: skip
        """Paint and show the maps of one class.

        Parameters
        ----------
        prediction : with heat maps.
        class_index : whose maps; None: of the class that the model suggests for each cell.
        scope, row, view, field : the selected cell's map, those that meet the view, or all of the field's.
        zoom : logical pixels per image pixel, which decides how finely a view is painted.
        top : raw value at the upper end of the scale.
        """
        heat = prediction.heat
        if heat is None or (scope is Scope.CELL and row is None):
            self.clear()
            return
        self._asked += 1
        asked, boxes = self._asked, prediction.boxes
        if scope is Scope.CELL:
            y0, x0, y1, x1 = boxes[row]
            region = Region(int(y0), int(x0), int(np.ceil(y1)), int(np.ceil(x1)))
        else:
            region = view if scope is Scope.VIEW else field

        def work() -> HeatCanvas:
            rows = np.array([row]) if scope is Scope.CELL else inside(boxes, region)
            rows = rows[prediction.classified[rows]]
            classes = prediction.predicted[rows] if class_index is None else class_index
            step = max(step_for(region), 1 / zoom if scope is Scope.VIEW else 1.0)
            return paint(heat[rows, classes], boxes[rows], region, step, top)

        done = self._painter.submit(work)
        done.add_done_callback(lambda d: self._post(lambda: self._shown(asked, d.result())))

    def _shown(self, asked: int, canvas: HeatCanvas) -> None:
        if asked != self._asked:
            return
        self.top = canvas.top
        scale = np.array(
            [canvas.region.height / canvas.values.shape[0], canvas.region.width / canvas.values.shape[1]]
        )  # what rounding left of the step
        self.layer.data = canvas.values
        self.layer.scale = scale
        # from the house's frame, which begins at a pixel's corner, to napari's pixel centres
        self.layer.translate = np.array([canvas.region.y0, canvas.region.x0]) - 0.5 + scale / 2
        self.layer.visible = True

    def shut(self) -> None:
        """The window closes."""
        self._asked += 1
        self._painter.shutdown(wait=False, cancel_futures=True)
