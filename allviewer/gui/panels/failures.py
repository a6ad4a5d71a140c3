"""What went wrong, on screen until it is read: a sentence, what to do, and a button that copies it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from allviewer.gui.fields import Failure
from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.panels.parts import label


class Failures(Floating):
    """One failure at a time, the oldest first."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas, Anchor.TOP)
        self.setProperty("role", "card")
        self.setAccessibleName("Failure")
        self.waiting: list[Failure] = []
        self._title, self._text = label("", "warning", wrap=True), label("", wrap=True)
        self._title.setStyleSheet("font-weight: 600;")
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy, self._read = QPushButton("Copy"), QPushButton("Read, close")
        self._copy.setToolTip("Copy this message and its details")
        self._read.setToolTip("Close this message")
        for button, does in ((self._copy, self.copy), (self._read, self.dismiss)):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(does)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 12, 16, 12)
        box.addWidget(self._title)
        box.addWidget(self._text)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._copy)
        row.addWidget(self._read)
        box.addLayout(row)

    def tell(self, failure: Failure) -> None:
        """Show a failure, after those not yet read."""
        if failure not in self.waiting:
            self.waiting.append(failure)
        self._show()

    def copy(self) -> None:
        """Put the message and its details on the clipboard."""
        if self.waiting:
            QGuiApplication.clipboard().setText(self.waiting[0].text)

    def dismiss(self) -> None:
        """It was read."""
        if self.waiting:
            self.waiting.pop(0)
        self._show()

    def _show(self) -> None:
        if not self.waiting:
            self.hide()
            return
        more = len(self.waiting) - 1
        self._title.setText(self.waiting[0].title + (f"   (and {more} more)" if more else ""))
        self._text.setText(self.waiting[0].message)
        self.setFixedWidth(min(640, self._canvas.width() - 24))
        self.appear()
