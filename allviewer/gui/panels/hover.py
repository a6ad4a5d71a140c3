"""What is under the mouse: class, probabilities, size."""

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QVBoxLayout, QWidget

from allviewer.gui.floating import Anchor, Floating, ignore_mouse, keep_inside
from allviewer.gui.panels.parts import label
from allviewer.review import NONE, ReviewSession
from allviewer.vocab.cells import Kind


def headline(session: ReviewSession, row: int) -> str:
    """Whether a person or the model speaks, and what is said."""
    reviewed, suggested = int(session.label[row]), int(session.suggested[row])
    if reviewed != NONE:
        return f"reviewed as {session.codes.shown[reviewed].name}"
    if suggested != NONE:
        words = f"model suggests {session.codes.shown[suggested].name}"
        other = session.foreign_label(row)
        return words if other is None else f"{words}; reviewed as {other}, of other classes"
    return "smudge cell, not classified" if session.cells.kind[row] == Kind.SMUDGE else "not classified yet"


def probabilities(session: ReviewSession, row: int) -> str:
    """Every class's probability, in the order of the taxonomy."""
    prediction = session.prediction
    if prediction is None or not prediction.classified[row]:
        return ""
    names = {c.key: c.name for c in session.taxonomy.classes}
    pairs = zip(prediction.classes, prediction.probabilities[row], strict=True)
    words = "   ".join(f"{names[key]} {p:.2f}" for key, p in pairs)
    if prediction.unlike is not None and prediction.unlike[row]:
        return f"{words}   unlike the cells the model knows"
    return words + ("   the model is unsure" if prediction.unsure[row] else "")


def sizes(session: ReviewSession, row: int, um: float | None) -> str:
    """Diameter of the disc of the cell's area, and the nucleus's share of it."""
    area, nucleus = float(session.cells.area_px[row]), float(session.cells.nucleus_area_px[row])
    across = 2 * np.sqrt(area / np.pi)
    size = f"{across:.0f} px across" if um is None else f"{across * um:.1f} µm across"
    return f"{size}   nucleus {nucleus / area:.0%} of the cell" if area > 0 else size


class HoverCard(Floating):
    """Three lines beside the mouse."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas, Anchor.TOP)
        self.setProperty("role", "card")
        ignore_mouse(self)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 7, 10, 7)
        box.setSpacing(1)
        self._lines = label(), label("", "dim"), label("", "dim")
        for line in self._lines:
            box.addWidget(line)

    def show_cell(self, session: ReviewSession, row: int, um: float | None, at: QPoint) -> None:
        """Show a cell beside a point of the canvas."""
        texts = headline(session, row), probabilities(session, row), sizes(session, row, um)
        for line, text in zip(self._lines, texts, strict=True):
            line.setText(text)
            line.setVisible(bool(text))
        self.adjustSize()
        self.setGeometry(keep_inside(self, self._canvas, at))
        self.show()
        self.raise_()
