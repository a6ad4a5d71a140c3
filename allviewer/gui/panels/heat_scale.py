"""The scale of the heat maps: the colours, and the raw Grad-CAM values at their ends."""

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from allviewer.gui.heat import colours

_ALIGN = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "centre": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}


class HeatScale(QWidget):
    """A bar from 0 to the slide's largest raw value."""

    def __init__(self) -> None:
        super().__init__()
        self.top = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Raw Grad-CAM values. One scale for every cell and class of this slide, never stretched.")
        self.setAccessibleName("Scale of the heat map")
        font = QFont(self.font())
        font.setPixelSize(12)
        self.setFont(font)

    def show_scale(self, top: float) -> None:
        """Set the raw value at the hot end."""
        self.top = top
        self.setAccessibleDescription(f"0 to {top:.3g}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """A bar and a line of numbers."""
        return QSize(160, 28)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draw the bar over a smear's background colour, as the maps are."""
        painter = QPainter(self)
        table = np.rint(colours() * 255).astype(np.uint8)[None]
        image = QImage(table.tobytes(), 256, 1, 1024, QImage.Format.Format_RGBA8888)
        bar = self.rect().adjusted(0, 1, 0, -17)
        painter.fillRect(bar, QColor("#EFE6EA"))
        painter.drawImage(bar, image)
        below = self.rect().adjusted(0, 12, 0, 0)
        for flag, words in zip(("left", "centre", "right"), ("0", "raw Grad-CAM", f"{self.top:.3g}"), strict=True):
            painter.drawText(below, _ALIGN[flag], words)
        painter.end()
