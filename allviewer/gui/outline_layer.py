"""The outlines as an entry of napari's layer list: its eye, opacity and place there are the outlines' own."""

import napari
import numpy as np
from numpy.typing import NDArray
from vispy.scene.visuals import create_visual_node
from vispy.visuals.transforms import MatrixTransform

from allviewer.gui.napari_inside import node_of, scene_canvas
from allviewer.gui.outline_geometry import Patch
from allviewer.gui.outline_visual import OutlineVisual, can_instance

_OutlineNode = create_visual_node(OutlineVisual)

LAYER_NAME = "Outlines"


class OutlineLayer:
    """All outlines of the slide on screen.

    Parameters
    ----------
    viewer : where the layer is added, above what is there.
    palette : see `palette.build`.
    """

    def __init__(self, viewer: napari.Viewer, palette: NDArray[np.uint8]) -> None:
        # an empty points layer: it draws nothing itself and costs nothing
        self.layer = viewer.add_points(np.empty((0, 2)), name=LAYER_NAME, ndim=2)
        viewer.layers.selection.clear()
        scene_canvas(viewer).set_current()
        self.visual: OutlineVisual = _OutlineNode(palette, instanced=can_instance())
        self.visual.transform = MatrixTransform()  # type: ignore[misc]
        self.visual.parent = node_of(viewer, self.layer)  # type: ignore[attr-defined]
        self.layer.events.opacity.connect(self._on_opacity)

    def _on_opacity(self) -> None:
        self.visual.opacity = self.layer.opacity  # type: ignore[attr-defined]

    @property
    def visible(self) -> bool:
        """Whether outlines are drawn."""
        return bool(self.layer.visible)

    @visible.setter
    def visible(self, on: bool) -> None:
        self.layer.visible = on

    def append(self, patch: Patch, states: NDArray[np.uint8]) -> None:
        """Add a packed batch of cells with their looks."""
        self.visual.append(patch, states)

    def clear(self) -> None:
        """No cells."""
        self.visual.clear()
