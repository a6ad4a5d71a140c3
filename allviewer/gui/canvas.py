"""The slide on screen: image, heat, outlines; what is clicked, hovered and looked at."""

from collections.abc import Callable, Iterator
from typing import Any

import napari
import numpy as np
from psygnal import Signal

from allviewer.gui.fields import Field
from allviewer.gui.heat_layer import HeatLayer
from allviewer.gui.lens_layer import LensLayer
from allviewer.gui.napari_inside import canvas_widget, world_at
from allviewer.gui.outline_geometry import Patch
from allviewer.gui.outline_layer import OutlineLayer
from allviewer.vocab.region import Region

IMAGE_NAME = "Smear"
STILL = 3.0
"""Logical pixels the mouse may move between press and release of a click."""

CLOSE_PX = 110.0
"""Logical pixels a cell is wide after `SlideView.bring_close`."""


class SlideView:
    """Draws one field in a napari viewer.

    Parameters
    ----------
    viewer : the viewer, without layers of its own.
    palette : see `palette.build`.
    post : runs a call on the Qt thread.
    """

    clicked = Signal(object)  # (y, x) house frame
    hovered = Signal(object)  # (y, x) house frame | None: the mouse left
    moved = Signal()  # the camera

    def __init__(
        self, viewer: napari.Viewer, palette: Any, post: Callable[[Callable[[], object]], None]
    ) -> None:  # fmt: skip
        self.viewer = viewer
        self.image: Any = None
        self.lens = LensLayer(viewer)
        self.heat = HeatLayer(viewer, post)
        self.outlines = OutlineLayer(viewer, palette)
        self.field: Field | None = None
        viewer.mouse_drag_callbacks.append(self._on_drag)
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.scene.camera.events.connect(self._on_camera)

    # ------------------------------------------------------------------ what is shown
    def show(self, field: Field | None) -> None:
        """Show a field's pixels and cells, or nothing."""
        self.field = field
        self.lens.clear()
        self.heat.clear()
        self.outlines.clear()
        if self.image is not None:
            self.viewer.layers.remove(self.image)
            self.image = None
        if field is None or field.pixels is None:
            return
        multiscale = isinstance(field.pixels, list)
        self.image = self.viewer.add_image(
            field.pixels, name=IMAGE_NAME, rgb=True, multiscale=multiscale, contrast_limits=(0, 255),
            interpolation2d="linear",
        )  # fmt: skip
        self.viewer.layers.move(len(self.viewer.layers) - 1, 0)
        self.viewer.layers.selection.clear()
        self.fit()

    def append(self, patch: Patch, states: np.ndarray) -> None:
        """Draw more cells."""
        self.outlines.append(patch, states)

    # ------------------------------------------------------------------ camera
    @property
    def zoom(self) -> float:
        """Logical pixels per image pixel."""
        return float(self.viewer.scene.camera.zoom)

    def fit(self) -> None:
        """The whole image, as large as the canvas allows."""
        if self.field is None or self.field.slide is None:
            return
        height, width = self.field.slide.shape
        canvas = canvas_widget(self.viewer)
        self.viewer.scene.camera.center = (height / 2 - 0.5, width / 2 - 0.5)
        self.viewer.scene.camera.zoom = 0.98 * min(canvas.width() / width, canvas.height() / height)

    def region(self) -> Region | None:
        """Level-0 pixels on screen, clipped to the image; None where there is none."""
        if self.field is None or self.field.slide is None:
            return None
        y0, x0 = world_at(self.viewer, 0, 0)
        y1, x1 = self._far_corner()
        box = Region(int(y0), int(x0), max(int(y0), int(y1) + 2), max(int(x0), int(x1) + 2))
        return box.clip(*self.field.slide.shape)

    def _far_corner(self) -> tuple[float, float]:
        canvas = canvas_widget(self.viewer)
        return world_at(self.viewer, canvas.width(), canvas.height())

    def bring(self, y: float, x: float, diameter: float) -> None:
        """Move the camera only as far as a cell needs to be seen well: on screen, and not a speck."""
        view = self.region()
        if view is None:
            return
        camera = self.viewer.scene.camera
        if self.zoom * diameter < CLOSE_PX / 3:
            camera.zoom = CLOSE_PX / diameter
            camera.center = (y - 0.5, x - 0.5)
            return
        shown = np.array(world_at(self.viewer, 0, 0)), np.array(self._far_corner())
        margin = np.minimum(1.5 * diameter, (shown[1] - shown[0]) / 3)
        place = np.array([y, x]) - 0.5
        lack = np.minimum(place - shown[0] - margin, 0) + np.maximum(place - shown[1] + margin, 0)
        if lack.any():
            camera.center = tuple(np.array(camera.center[-2:]) + lack)

    def bring_close(self, y: float, x: float, diameter: float) -> None:
        """The cell in the middle, at a size to read its chromatin by."""
        self.viewer.scene.camera.zoom = 2.5 * CLOSE_PX / diameter
        self.viewer.scene.camera.center = (y - 0.5, x - 0.5)

    def _on_camera(self) -> None:
        self.moved.emit()

    # ------------------------------------------------------------------ mouse
    def _on_drag(self, viewer: napari.Viewer, event: Any) -> Iterator[None]:
        if event.button != 1:
            return
        start = np.array(event.pos)
        at = event.position
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.array(event.pos) - start).max() <= STILL:
            self.clicked.emit((at[-2] + 0.5, at[-1] + 0.5))

    def _on_move(self, viewer: napari.Viewer, event: Any) -> None:
        self.hovered.emit((event.position[-2] + 0.5, event.position[-1] + 0.5))
