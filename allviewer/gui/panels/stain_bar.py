"""What the stain-normalised view is, over the slide while it is shown."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from allviewer.gui.actions import Actions
from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.panels.parts import label

NAMES = {"macenko": "Macenko 2009", "reinhard": "Reinhard 2001"}
"""Methods in the order they are offered, by whom and when."""


class StainBar(Floating):
    """Floats at the top right of the slide."""

    def __init__(self, canvas: QWidget, actions: Actions) -> None:
        super().__init__(canvas, Anchor.TOP_RIGHT)
        self.setProperty("role", "card")
        self.setFixedWidth(270)
        self.method = QComboBox()
        self.method.addItems(list(NAMES.values()))
        self.method.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.method.setAccessibleName("Method of stain normalisation")
        self.method.setToolTip("Stain vectors (Macenko), or mean and spread of the colours (Reinhard)")
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(5)
        row = QHBoxLayout()
        row.addWidget(label("Stain normalised by"))
        row.addWidget(self.method, 1)
        box.addLayout(row)
        box.addWidget(
            label("As a typical May-Grünwald-Giemsa smear. For looking: suggestions come from the slide's own pixels.",
                  "dim", wrap=True)
        )  # fmt: skip
        box.addWidget(actions.button("view.stain", self, "Hide"))

    @property
    def chosen(self) -> str:
        """The method's name."""
        return list(NAMES)[self.method.currentIndex()]

    def choose_next(self) -> None:
        """The other method."""
        self.method.setCurrentIndex((self.method.currentIndex() + 1) % len(NAMES))
