"""What is seen before any image: one sentence and three doors."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from allviewer.gui.actions import Actions
from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.panels.parts import label

SENTENCE = "Open a stained smear: its white cells are found, outlined and sorted for you to settle, one key each."
CAUTION = "Research use only. A suggestion of the model is never a diagnosis. Nothing leaves this computer."


class FirstSight(Floating):
    """The empty window's page."""

    def __init__(self, canvas: QWidget, actions: Actions) -> None:
        super().__init__(canvas, Anchor.CENTRE)
        self.setProperty("role", "card")
        self.setFixedWidth(560)
        box = QVBoxLayout(self)
        box.setContentsMargins(28, 24, 28, 22)
        box.setSpacing(14)
        sentence = label(SENTENCE, "big", wrap=True)
        sentence.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        box.addWidget(sentence)
        doors = QHBoxLayout()
        doors.setSpacing(10)
        for id in ("file.open", "file.study", "file.sample"):
            door = actions.button(id, self)
            door.setMinimumHeight(44)
            door.setStyleSheet("text-align: center;")
            doors.addWidget(door)
        box.addLayout(doors)
        for text in ("Images can also be dropped on this window.", CAUTION):
            under = label(text, "dim", wrap=True)
            under.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            box.addWidget(under)
