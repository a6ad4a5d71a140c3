"""The few questions that need a dialog of their own; none lies on the way of reviewing."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QInputDialog,
    QMessageBox,
    QWidget,
)

from allviewer import __version__
from allviewer.gui.desk import Desk
from allviewer.gui.model_dialog import ModelDialog
from allviewer.gui.theme import Look
from allviewer.pixels.prepare import PREPARATIONS
from allviewer.segment import SEGMENTERS
from allviewer.slides import EXTENSIONS
from allviewer.vocab.errors import AlteredModelError
from allviewer.vocab.optics import PixelSize

RECIPE_WORDS = {
    "default": "nuclear contrast (default)",
    "oadls": "marker-controlled watershed (oadls)",
    "none": "as they were read",
    "reinhard": "stain normalised by Reinhard",
    "macenko": "stain normalised by Macenko",
    "wiener": "Wiener filtered",
    "dhe": "equalised (DHE)",
}
"""What a person reads for the names in a recipe."""


class Dialogs:
    """Asks on behalf of one window; remembers the folder last used. ``slide`` gets the keys back."""

    def __init__(self, window: QWidget, slide: QWidget) -> None:
        self._window, self._slide = window, slide
        self._folder = str(Path.home())
        self._asking: set[str] = set()

    def images(self) -> list[Path]:
        """Images to open, or none."""
        kinds = "Smear images (" + " ".join(f"*{ext}" for ext in sorted(EXTENSIONS)) + ");;All files (*)"
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open images", self._folder, kinds)
        if names:
            self._folder = str(Path(names[0]).parent)
        return [Path(name) for name in names]

    def study(self, now: Path | None) -> Path | None:
        """A study file, there already or to be made; None where the question was closed."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Open a study, or begin one", str(now or self._folder), "Studies (*.sqlite);;All files (*)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )  # fmt: skip
        return Path(name) if name else None

    def picture(self) -> Path | None:
        """Where a picture of the window goes."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save a picture of the window", str(Path(self._folder) / "allviewer.png"), "PNG (*.png)"
        )
        return Path(name) if name else None

    def pixel_size(self, now: PixelSize) -> float | None:
        """µm per pixel as a person knows it."""
        value, typed = QInputDialog.getDouble(
            self._window, "Pixel size", "µm per pixel (0.01 to 20):", now.um or 0.1, 0.01, 20.0, 4
        )
        return value if typed else None

    def recipe(self, segmenter: str, preprocessing: str) -> tuple[str, str] | None:
        """How cells are found: names of segmenter and preprocessing; None where the question was closed."""
        asks = QDialog(self._window)
        asks.setWindowTitle("Recipe")
        routes, before = QComboBox(), QComboBox()
        for box, words, now in ((routes, SEGMENTERS, segmenter), (before, PREPARATIONS, preprocessing)):
            for name in words:
                box.addItem(RECIPE_WORDS[name], name)
            box.setCurrentIndex(box.findData(now))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Analyse")
        buttons.accepted.connect(asks.accept)
        buttons.rejected.connect(asks.reject)
        form = QFormLayout(asks)
        form.addRow("Find cells by", routes)
        form.addRow("in pixels that are", before)
        form.addRow(buttons)
        return (routes.currentData(), before.currentData()) if asks.exec() else None

    def models(self, desk: Desk, look: Look, post: Callable[[Callable[[], object]], None]) -> ModelDialog:
        """Show every model; the one that is chosen analyses from then on. The window goes on meanwhile."""
        dialog = ModelDialog(self._window, desk, look, post)
        dialog.chosen.connect(desk.models.choose)
        dialog.finished.connect(self._come_back)
        dialog.open()
        return dialog

    def accept_model(self, error: AlteredModelError, yes: Callable[[], object]) -> None:
        """Ask whether a model is used although its file is another one than was recorded."""
        if error.found in self._asking:
            return
        self._asking.add(error.found)
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Another model file")
        box.setText(f"The model '{error.name}' is not the file that {error.recorded}.")
        box.setInformativeText(
            f"recorded   sha256 {error.known[:12]}\nfound          sha256 {error.found[:12]}\n\nUse the file found "
            "only if you know why it differs: it may have been retrained, or damaged or replaced. Your study notes "
            "that you accepted it."
        )
        use = box.addButton(f"Accept {error.name}", QMessageBox.ButtonRole.AcceptRole)
        leave = box.addButton("Do not use it", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(leave)
        box.setEscapeButton(leave)

        def answered() -> None:
            self._asking.discard(error.found)
            self._come_back()
            if box.clickedButton() is use:
                yes()

        box.finished.connect(answered)
        box.open()

    def _come_back(self) -> None:
        """A dialog is closed: keys go to the slide again."""
        self._window.activateWindow()
        self._slide.setFocus()

    def about(self, model: str) -> None:
        """What the program is and is not."""
        QMessageBox.about(
            self._window, "About allviewer",
            f"<b>allviewer {__version__}</b><p>Finds the white cells of stained smears, suggests which are leukaemic "
            f"blasts, and lets a person settle every one. Model in use: {model}.</p><p><b>Research use only.</b> A "
            "suggestion is never a diagnosis. Everything runs on this computer; nothing leaves it.</p><p>BSD-3-Clause. "
            "Drawn with napari.</p>",
        )  # fmt: skip
