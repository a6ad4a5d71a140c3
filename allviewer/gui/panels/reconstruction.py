"""What a model was given of the selected cell, and what its autoencoder makes of it: shown where a model can."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from allviewer.engine.optics import overview
from allviewer.gui.panels.parts import label
from allviewer.slides import Slide
from allviewer.systems import Model, SystemCard
from allviewer.systems.crops import prepare
from allviewer.systems.reconstruction import Reconstructs, correlation
from allviewer.systems.stain import Stain, slide_stain
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.region import Region

SIDE = 108
"""Logical pixels of each picture's side."""


@dataclass(frozen=True, slots=True, eq=False)
class Redrawn:
    """A crop as the model takes it and as it comes back, (S, S, 3) uint8 each, and their correlation."""

    given: RGB
    redrawn: RGB
    correlation: float


class Reconstruction(QWidget):
    """Two small pictures under the crop; hidden unless the model in use can reconstruct.

    Parameters
    ----------
    reader : the thread that reads crops; a model draws there too.
    post : runs a call on the Qt thread.
    """

    def __init__(self, reader: ThreadPoolExecutor, post: Callable[[Callable[[], object]], None]) -> None:
        super().__init__()
        self._reader, self._post, self._asked = reader, post, 0
        self._what: tuple[str, str, bytes] | None = None  # model, slide and box that are shown, or asked for
        self._stain: tuple[str, Stain] | None = None  # the slide's digest, and its anchors
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(1)
        self.given, self.redrawn = QLabel(), QLabel()
        for column, (picture, words) in enumerate(((self.given, "As given"), (self.redrawn, "Reconstruction"))):
            picture.setFixedSize(SIDE, SIDE)
            picture.setAccessibleName(f"{words}: the selected cell's crop")
            grid.addWidget(picture, 0, column)
            grid.addWidget(label(words, "dim"), 1, column)
        self.words = label("", "dim")
        self.words.setToolTip("Pearson's correlation of the crop that the model was given with what it makes of it")
        grid.addWidget(self.words, 2, 0, 1, 2)
        self.hide()

    def show_cell(self, model: Model | None, slide: Slide, box: Floats) -> None:
        """Draw a cell again, off the Qt thread; ``box`` (y0, x0, y1, x1) is what the model was given of the slide."""
        if model is None or model.autoencoder is None:
            self.clear()
            return
        what = (model.digest, slide.digest, box.tobytes())
        if what == self._what:
            return
        self._asked, self._what = self._asked + 1, what
        asked = self._asked
        done = self._reader.submit(self._draw, model.card, model.autoencoder, slide, box)
        done.add_done_callback(lambda d: self._post(lambda: self._have(asked, d)))

    def clear(self) -> None:
        """No cell is selected."""
        self._asked, self._what = self._asked + 1, None
        self.hide()

    def _have(self, asked: int, done: "Future[Redrawn]") -> None:
        if asked != self._asked:
            return
        # pixels that cannot be read were told when the analysis met them; the card stays without
        if done.exception() is not None:
            self.hide()
            return
        found = done.result()
        self._paint(self.given, found.given)
        self._paint(self.redrawn, found.redrawn)
        flat = bool(np.isnan(found.correlation))
        self.words.setText("" if flat else f"correlation {found.correlation:.3f}")
        self.show()

    def _draw(self, card: SystemCard, autoencoder: Reconstructs, slide: Slide, box: Floats) -> Redrawn:
        """On the reader's thread."""
        if self._stain is None or self._stain[0] != slide.digest:
            self._stain = slide.digest, slide_stain(overview(slide)[0])
        y0, x0, y1, x1 = (float(v) for v in box)
        around = Region(floor(y0) - 1, floor(x0) - 1, ceil(y1) + 1, ceil(x1) + 1).clip(*slide.shape)
        local = np.asarray(box, np.float32)[None] - np.array([around.y0, around.x0] * 2, np.float32)
        crops = prepare(slide.read(around), local, card, self._stain[1])
        pictures = autoencoder.reconstruct(crops)
        return Redrawn(crops[0], pictures[0], float(correlation(crops, pictures)[0]))

    def _paint(self, picture: QLabel, pixels: RGB) -> None:
        side = round(SIDE * self.devicePixelRatioF())
        small = np.ascontiguousarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA))
        image = QImage(small.tobytes(), side, side, 3 * side, QImage.Format.Format_RGB888)
        shown = QPixmap.fromImage(image)
        shown.setDevicePixelRatio(self.devicePixelRatioF())
        picture.setPixmap(shown)
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
