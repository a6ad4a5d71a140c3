"""Small things that float over the slide: anchored to a corner of the canvas, gone when there is nothing to say."""

from enum import Enum

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtWidgets import QFrame, QWidget

MARGIN = 12
"""Pixels between the canvas's edge and what floats at it."""


class Anchor(Enum):
    """Where on the canvas: share of the free width and height to the left of and above it."""

    TOP = (0.5, 0.0)
    TOP_RIGHT = (1.0, 0.0)
    CENTRE = (0.5, 0.5)
    BOTTOM_LEFT = (0.0, 1.0)
    BOTTOM_RIGHT = (1.0, 1.0)


class Floating(QFrame):
    """A widget over the canvas that keeps its place when the window changes size.

    Parameters
    ----------
    canvas : what it floats over.
    anchor : where.
    """

    def __init__(self, canvas: QWidget, anchor: Anchor) -> None:
        super().__init__(canvas)
        self._canvas, self._anchor = canvas, anchor
        canvas.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Follow the canvas."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.place()
        return False

    def place(self) -> None:
        """Take the size it needs and go to the anchor."""
        canvas = self._canvas
        self.setMaximumWidth(max(120, canvas.width() - 2 * MARGIN))
        self.adjustSize()
        if self.hasHeightForWidth():  # wrapped lines: the height that this width needs, not that of a narrow one
            self.resize(self.width(), self.heightForWidth(self.width()))
        across, down = self._anchor.value
        free_x, free_y = canvas.width() - self.width() - 2 * MARGIN, canvas.height() - self.height() - 2 * MARGIN
        self.move(MARGIN + int(max(0, free_x) * across), MARGIN + int(max(0, free_y) * down))

    def appear(self) -> None:
        """Show in place, in front."""
        self.show()
        self.place()
        self.raise_()


def keep_inside(widget: QWidget, parent: QWidget, at: QPoint) -> QRect:
    """Where a widget goes so that it is beside a point and inside its parent."""
    x = at.x() + 18 if at.x() + 18 + widget.width() < parent.width() else at.x() - 18 - widget.width()
    y = at.y() + 18 if at.y() + 18 + widget.height() < parent.height() else at.y() - 18 - widget.height()
    return QRect(max(0, x), max(0, y), widget.width(), widget.height())


def ignore_mouse(widget: QWidget) -> None:
    """Let clicks through to the slide."""
    widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
