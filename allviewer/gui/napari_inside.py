"""The only door to napari's private parts. A test fails loudly when napari moves one of them."""

from typing import Any

import napari
from napari.layers import Layer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget


def main_window(viewer: napari.Viewer) -> QMainWindow:
    """The window itself."""
    window: QMainWindow = viewer.window._qt_window
    return window


def canvas_widget(viewer: napari.Viewer) -> QWidget:
    """The widget the slide is drawn in; small cards float over it."""
    widget: QWidget = viewer.window._qt_viewer.canvas.native
    return widget


def scene_canvas(viewer: napari.Viewer) -> Any:
    """vispy's canvas: draw events, the OpenGL context, and a framebuffer to read."""
    return viewer.window._qt_viewer.canvas._scene_canvas


def node_of(viewer: napari.Viewer, layer: Layer) -> Any:
    """The vispy node that draws a layer; a child of it is shown, ordered and placed with the layer."""
    return viewer.window._qt_viewer.canvas.layer_to_visual[layer].node


def world_at(viewer: napari.Viewer, x: float, y: float) -> tuple[float, float]:
    """World (y, x) under a point of the canvas widget, logical pixels."""
    canvas = viewer.window._qt_viewer.canvas
    wy, wx = canvas._map_canvas2world((x, y), canvas.view)[-2:]
    return float(wy), float(wx)


def stock_docks(viewer: napari.Viewer) -> dict[str, QDockWidget]:
    """napari's own layer list and layer controls."""
    inside = viewer.window._qt_viewer
    return {"Layer list": inside.dockLayerList, "Layer controls": inside.dockLayerControls}


def accept_drops_from(viewer: napari.Viewer) -> list[QWidget]:
    """Widgets on which napari would take a dropped file for itself."""
    inside = viewer.window._qt_viewer
    return [inside, inside._welcome_widget]


def quiet(viewer: napari.Viewer) -> None:
    """Keep napari's welcome page and its status thread, which reads the cursor for every layer, from running."""
    inside = viewer.window._qt_viewer
    inside.show_welcome_screen = False
    viewer.window._qt_window.status_thread.close_terminate()
