"""The scale bar: a round length in µm where the pixel size is known, in pixels where it is not, and how it is known."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from allviewer.gui.floating import Anchor, Floating, ignore_mouse
from allviewer.vocab.optics import PixelSize, PixelSizeSource

WIDEST = 160.0
"""Logical pixels the bar may be long."""


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= longest * (1 + 1e-9))


def described(pixel_size: PixelSize, zoom: float) -> tuple[float, str]:
    """Length of the bar in logical pixels, and its words, for a zoom in logical pixels per image pixel."""
    unit = 1.0 if pixel_size.um is None else pixel_size.um
    length = round_length(WIDEST / zoom * unit)
    words = f"{length:g} px" if pixel_size.um is None else f"{length:g} µm"
    if pixel_size.source is PixelSizeSource.ESTIMATE:
        words += "  (estimated)"
    if pixel_size.um is None:
        words += "  (pixel size unknown)"
    return length / unit * zoom, words


class ScaleBar(Floating):
    """Black on white, so that it reads on any stain."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas, Anchor.BOTTOM_LEFT)
        ignore_mouse(self)
        self.setStyleSheet("background: transparent; border: 0;")
        self.setAccessibleName("Scale bar")
        self._length, self.words = 0.0, ""
        font = QFont(self.font())
        font.setPixelSize(13)
        self.setFont(font)

    def update_to(self, pixel_size: PixelSize, zoom: float) -> None:
        """Show the scale of a slide at a zoom (logical pixels per image pixel)."""
        length, words = described(pixel_size, zoom)
        if (round(length, 1), words) != (round(self._length, 1), self.words):
            self._length, self.words = length, words
            self.appear()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Room for the bar and its words."""
        wide = max(self._length, self.fontMetrics().horizontalAdvance(self.words))
        return QSize(int(wide) + 20, self.fontMetrics().height() + 20)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(255, 255, 255, 225))
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        painter.setBrush(QColor("#101014"))
        painter.drawRect(QRectF(10, self.height() - 12, self._length, 4))
        painter.setPen(QColor("#101014"))
        painter.drawText(QRectF(10, 4, self.width() - 12, self.fontMetrics().height()), self.words)
        painter.end()
