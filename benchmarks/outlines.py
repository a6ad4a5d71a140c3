"""Outlines of many cells: the one visual against napari's Shapes and Labels, in one process, on one canvas.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmarks/outlines.py [--cells 100000] [--shapes 10000]

Each figure is the median of interleaved repetitions. Frames are drawn by whatever OpenGL the machine has (Mesa's
llvmpipe under Xvfb). Shapes takes minutes at 100,000 cells, so it gets a tenth by default; its cost is linear.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "napari.yaml"))

import cv2
import napari
import numpy as np
import psutil
from PySide6.QtWidgets import QApplication

from allviewer.gui import palette
from allviewer.gui.napari_inside import scene_canvas
from allviewer.gui.outline_geometry import pack
from allviewer.gui.outline_layer import OutlineLayer
from allviewer.vocab.cells import CellTable, Outlines
from allviewer.vocab.taxonomy import ALL_HEM

CORNERS, RADIUS = 40, 20.0


def cells(n: int, side: float, *, nuclei: bool) -> CellTable:
    """Round cells anywhere on a slide; with nuclei they have twice the corners."""
    rng = np.random.default_rng(1)
    at = rng.uniform(RADIUS, side - RADIUS, (n, 2)).astype(np.float32)
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    unit = np.stack([np.sin(turn), np.cos(turn)], -1).astype(np.float32)

    def rings(r: float) -> Outlines:
        points = (at[:, None] + unit * r).reshape(-1, 2)
        return Outlines(points, np.arange(n + 1, dtype=np.int64) * CORNERS, np.arange(n, dtype=np.int64))

    none = Outlines(np.empty((0, 2), np.float32), np.zeros(1, np.int64), np.empty(0, np.int64))
    zero = np.zeros(n, np.float32)
    box = np.concatenate([at - RADIUS, at + RADIUS], axis=1).astype(np.int32)
    inner = rings(RADIUS / 2) if nuclei else none
    return CellTable(np.arange(1, n + 1), zero.astype(np.uint8), at, box, zero, zero, zero > 1, rings(RADIUS), inner)


class Screen:
    """A viewer and the time its frames take."""

    def __init__(self, side: int) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.window._qt_window.resize(1366, 768)
        self.viewer.add_image(np.full((64, 64, 3), 235, np.uint8), name="ground", rgb=True, scale=(side / 64,) * 2)
        self.canvas = scene_canvas(self.viewer)
        self.frames: list[float] = []
        self.canvas.events.draw.connect(lambda _: self.frames.append(time.perf_counter()), position="last")
        for _ in range(10):
            QApplication.processEvents()
            time.sleep(0.02)

    def frame(self) -> float:
        """Seconds until the next frame is drawn."""
        count, start = len(self.frames), time.perf_counter()
        self.canvas.update()
        while len(self.frames) == count:
            QApplication.processEvents()
        return time.perf_counter() - start

    def look(self, zoom: float, centre: float) -> None:
        self.viewer.scene.camera.zoom = zoom
        self.viewer.scene.camera.center = (centre, centre)
        self.frame()

    def pan(self, zoom: float, centre: float, steps: int = 15) -> list[float]:
        """Seconds a frame, while the view moves by a tenth of itself a step."""
        self.look(zoom, centre)
        took = []
        for i in range(steps):
            self.viewer.scene.camera.center = (centre, centre + (i + 1) * 100 / zoom)
            took.append(self.frame())
        return took


def ms(times: list[float]) -> str:
    return f"{np.median(times) * 1e3:8.2f} (p95 {np.percentile(times, 95) * 1e3:.2f})"


def repeat(call: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return took


def memory() -> float:
    return float(psutil.Process().memory_info().rss / 1e6)


def report(
    name: str, n: int, build: float, grown: float, one: list[float], every: list[float], shown: list[float]
) -> None:
    print(f"{name}, {n:,} cells")
    print(f"  build to drawn  {build:8.2f} s   memory {grown:6.0f} MB")
    print(f"  recolour one    {ms(one)} ms of CPU, to frame {ms(shown)} ms")
    print(f"  recolour all    {ms(every)} ms of CPU")


def ours(screen: Screen, n: int, side: float, *, nuclei: bool) -> None:
    rng = np.random.default_rng(2)
    layer = OutlineLayer(screen.viewer, palette.build(ALL_HEM))
    table = cells(n, side, nuclei=nuclei)
    states = palette.states(rng.integers(1, 3, n), rng.random(n) < 0.3, rng.random(n) < 0.2, np.ones(n, bool))
    before, start = memory(), time.perf_counter()
    layer.append(pack(table, 0), states)
    screen.frame()
    build, grown = time.perf_counter() - start, memory() - before
    visual = layer.visual
    screen.look(1.0, side / 2)
    one = repeat(lambda: visual.set_state(int(rng.integers(n)), int(rng.integers(1, 3))), 500)
    every = repeat(lambda: visual.set_states(states), 50)

    def seen() -> None:
        visual.set_state(int(rng.integers(n)), 1)
        screen.frame()

    report(f"allviewer{' with nuclei' if nuclei else ''}", n, build, grown, one, every, repeat(seen, 40))
    for words, zoom in (("close, cell 40 px", 1.0), ("cell 16 px", 0.4), ("cell 6 px", 0.15), ("all", 0.017)):
        drawn, bare, still, still_bare = [], [], [], []
        for _ in range(3):  # interleaved
            layer.visible = True
            drawn += screen.pan(zoom, side / 2, 8)
            still += repeat(lambda: screen.frame(), 8)
            layer.visible = False
            bare += screen.pan(zoom, side / 2, 8)
            still_bare += repeat(lambda: screen.frame(), 8)
        layer.visible = True
        print(f"  {words:18} pan {ms(drawn)} ms, bare {ms(bare)} ms; still {ms(still)} ms, bare {ms(still_bare)} ms")
    screen.viewer.layers.remove(layer.layer)


def shapes(screen: Screen, n: int, side: float) -> None:
    table = cells(n, side, nuclei=False)
    rings = [ring for row in range(n) for ring in table.cell.rings(row)]
    before, start = memory(), time.perf_counter()
    layer = screen.viewer.add_shapes(rings, shape_type="polygon", edge_width=2, face_color="transparent", name="shapes")
    screen.frame()
    build, grown = time.perf_counter() - start, memory() - before
    screen.look(1.0, side / 2)
    colours = np.tile([1.0, 0.4, 0.0, 1.0], (n, 1))

    def one() -> None:
        layer.selected_data = {3}
        layer.current_edge_color = "red"

    def every() -> None:
        layer.edge_color = colours

    def seen() -> None:
        one()
        screen.frame()

    report("napari Shapes", n, build, grown, repeat(one, 3), repeat(every, 3), repeat(seen, 3))
    screen.viewer.layers.remove(layer)


def labels(screen: Screen, n: int, side: int) -> None:
    table = cells(n, side, nuclei=False)
    before, start = memory(), time.perf_counter()
    image = np.zeros((side, side), np.int32)
    for row in range(n):
        ring = np.rint(table.cell.points[row * CORNERS : (row + 1) * CORNERS, ::-1]).astype(np.int32)
        cv2.fillPoly(image, [ring], row + 1)
    from napari.utils import DirectLabelColormap

    colours = {None: "transparent", **{i + 1: ("#D55E00" if i % 2 else "#0072B2") for i in range(n)}}
    layer = screen.viewer.add_labels(image, name="labels", colormap=DirectLabelColormap(color_dict=colours))
    layer.contour = 2
    screen.frame()
    build, grown = time.perf_counter() - start, memory() - before
    screen.look(1.0, side / 2)

    def recolour() -> None:
        layer.colormap = DirectLabelColormap(color_dict=colours)

    def seen() -> None:
        recolour()
        screen.frame()

    report(
        "napari Labels, colour per cell, contour 2",
        n,
        build,
        grown,
        repeat(recolour, 2),
        repeat(recolour, 2),
        repeat(seen, 2),
    )
    screen.viewer.layers.remove(layer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--shapes", type=int, default=10_000, help="cells for napari Shapes; 0 leaves it out")
    parser.add_argument("--labels", type=int, default=10_000, help="cells for napari Labels; 0 leaves it out")
    args = parser.parse_args()
    side = 40_000
    screen = Screen(side)
    from vispy.gloo import gl

    scene_canvas(screen.viewer).set_current()
    print(f"{os.cpu_count()} cores; {gl.glGetParameter(gl.GL_RENDERER)}; slide {side} px; {CORNERS} corners a ring")
    ours(screen, args.cells, side, nuclei=False)
    ours(screen, args.cells, side, nuclei=True)
    small = 12_000  # the peers' images and meshes must fit
    if args.shapes:
        shapes(screen, args.shapes, small)
    if args.labels:
        labels(screen, args.labels, small)
    screen.viewer.close()


if __name__ == "__main__":
    main()
