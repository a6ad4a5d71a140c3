"""Take a picture of the window when the analysis is done, and close it."""

import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from allviewer.gui.fields import Failure, Field, Phase
from allviewer.gui.window import MainWindow

SETTLE_MS = 700
"""Milliseconds between the last cell and the picture, for the last frame and the card's crop."""


class PictureTaker(QObject):
    """Waits for the image on screen to be analysed, selects its most doubtful cell, saves the whole view, closes."""

    def __init__(self, window: MainWindow, path: Path) -> None:
        super().__init__(window)
        self._window, self._path = window, path
        self.taken = False
        self._waiting = True
        window.desk.progressed.connect(self._on_progress)
        window.desk.failed.connect(self._on_failure)

    def _on_progress(self, field: Field) -> None:
        if self._waiting and field is self._window.desk.current and field.phase in (Phase.DONE, Phase.CANCELLED):
            self._waiting = False
            self._window.desk.step_uncertain(1)
            self._window.fit()  # the whole slide, not only that cell
            QTimer.singleShot(SETTLE_MS, self._take)

    def _on_failure(self, failure: Failure) -> None:
        print(f"allviewer: {failure.title}: {failure.message}", file=sys.stderr)
        if self._waiting:
            self._waiting = False
            QTimer.singleShot(0, self._window.quit)

    def _take(self) -> None:
        self.taken = self._window.qt.grab().save(str(self._path))
        print(f"a picture of the window: {self._path}" if self.taken else f"{self._path} cannot be written")
        self._window.quit()
