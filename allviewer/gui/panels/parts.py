"""Parts that several panels share."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QSizePolicy, QWidget

from allviewer.gui.palette import casing_of
from allviewer.vocab.taxonomy import CellClass


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A line of text; ``role`` picks its look in the theme."""
    out = QLabel(text)
    if role:
        out.setProperty("role", role)
    out.setWordWrap(wrap)
    out.setTextFormat(Qt.TextFormat.PlainText)
    return out


def title(text: str) -> QLabel:
    """The heading of a group."""
    return label(text, "title")


def line() -> QFrame:
    """A thin line between groups."""
    out = QFrame()
    out.setProperty("role", "line")
    out.setFixedHeight(1)
    return out


def clear(layout: QLayout) -> None:
    """Take everything out of a layout, and of the layouts in it."""
    while (item := layout.takeAt(0)) is not None:
        inner, widget = item.layout(), item.widget()
        if inner is not None:
            clear(inner)
        if widget is not None:
            widget.hide()  # it stays where it was until Qt comes to delete it
            widget.deleteLater()


def swatch(kind: CellClass, size: int = 18) -> QPixmap:
    """A class's colour with its letter, the second cue, in the better of black and white."""
    out = QPixmap(size * 2, size * 2)
    out.setDevicePixelRatio(2)
    out.fill(Qt.GlobalColor.transparent)
    painter = QPainter(out)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(kind.colour))
    painter.drawRoundedRect(0, 0, size, size, 4, 4)
    font = QFont()
    font.setPixelSize(int(size * 0.72))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(casing_of(kind.colour)))
    painter.drawText(0, 0, size, size, Qt.AlignmentFlag.AlignCenter, kind.letter)
    painter.end()
    return out


class ProbabilityBar(QWidget):
    """One class's probability: a bar of its colour, its name and its number in a fixed place."""

    def __init__(self, kind: CellClass) -> None:
        super().__init__()
        self.kind = kind
        self._value: float | None = None
        self._reviewed = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        font = QFont(self.font())
        font.setPixelSize(13)
        self.setFont(font)
        self.setAccessibleName(f"Probability of {kind.name}")

    def show_value(self, value: float | None) -> None:
        """Set the probability, or None where there is none."""
        self._value = value
        self.setAccessibleDescription("none" if value is None else f"{value:.2f}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """One line."""
        return QSize(160, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draw the name over a track, the bar under it and the number at the right."""
        painter = QPainter(self)
        text = self.palette().windowText().color()
        metrics = self.fontMetrics()
        number = "–" if self._value is None else f"{self._value:.2f}".removeprefix("0") or "0"
        wide = metrics.horizontalAdvance("1.00") + 6
        track = self.rect().adjusted(0, 18, -wide, -2)
        painter.drawText(self.rect().adjusted(0, 0, -wide, -7), Qt.AlignmentFlag.AlignVCenter, self.kind.name)
        painter.drawText(self.rect().adjusted(0, 0, 0, -5), Qt.AlignmentFlag.AlignRight, number)
        faint = QColor(text)
        faint.setAlpha(45)
        painter.fillRect(track, faint)
        if self._value is not None:
            painter.fillRect(track.adjusted(0, 0, -int(track.width() * (1 - self._value)), 0), QColor(self.kind.colour))
        painter.end()
