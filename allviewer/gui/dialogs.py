"""The few questions that need a dialog of their own; none lies on the way of reviewing."""

from pathlib import Path

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
from allviewer.pixels.prepare import PREPARATIONS
from allviewer.segment import SEGMENTERS
from allviewer.slides import EXTENSIONS
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
    """Asks on behalf of one window; remembers the folder last used."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._folder = str(Path.home())

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

    def about(self, model: str) -> None:
        """What the program is and is not."""
        QMessageBox.about(
            self._window, "About allviewer",
            f"<b>allviewer {__version__}</b><p>Finds the white cells of stained smears, suggests which are leukaemic "
            f"blasts, and lets a person settle every one. Model in use: {model}.</p><p><b>Research use only.</b> A "
            "suggestion is never a diagnosis. Everything runs on this computer; nothing leaves it.</p><p>BSD-3-Clause. "
            "Drawn with napari.</p>",
        )  # fmt: skip
