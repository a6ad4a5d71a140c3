"""The dialog of models: all there are on the left, the chosen one's card on the right."""

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from allviewer.gui.card_page import card_page
from allviewer.gui.desk import Desk
from allviewer.gui.panels.parts import label, title
from allviewer.gui.theme import Look, sheet
from allviewer.systems.catalogue import Listed, catalogue, examine
from allviewer.systems.describe import headline_figure
from allviewer.vocab.taxonomy import NOT_A_CELL, UNSURE

SIZE = 1000, 620
LIST_WIDTH = 330
LINE_HEIGHT = 18


class ModelDialog(QDialog):
    """Shows every model; ``chosen`` is emitted with the file of one, or None for none, and the dialog closes.

    Parameters
    ----------
    parent : the window.
    desk : tells the model in use and what was decided on the image on screen.
    look : colours.
    post : runs a call on the Qt thread, from any thread; files are read off it.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget, desk: Desk, look: Look, post: Callable[[Callable[[], object]], None]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Choose the model")
        self.setStyleSheet(sheet(look))
        self.resize(min(SIZE[0], parent.width() - 40), min(SIZE[1], parent.height() - 40))
        self._desk, self._look, self._post = desk, look, post
        self._open = True
        self.finished.connect(self._on_finished)
        self.models: list[Listed] = []
        self.list = QListWidget()
        self.list.setFixedWidth(LIST_WIDTH)
        self.list.setAccessibleName("Models")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._show)
        self.list.itemDoubleClicked.connect(lambda _: self._use())
        self.list.installEventFilter(self)
        self.card = QTextBrowser()
        self.card.setAccessibleName("Card of the chosen model")
        self.card.setStyleSheet(f"QTextBrowser {{background: {look.raised}; border: 1px solid {look.line};}}")
        self.use, self.none = QPushButton("Analyse with this model   ⏎"), QPushButton("No model: find and measure only")
        self.browse, self.leave = QPushButton("Open a model file…"), QPushButton("Cancel   Esc")
        self.use.setDefault(True)
        self.use.setEnabled(False)
        self._lay_out()
        self._fetch(catalogue)
        self.list.setFocus()

    def _lay_out(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(title("Models on this computer"))
        left.addWidget(self.list, 1)
        left.addWidget(self.browse)
        right.addWidget(title("What it says of itself"))
        right.addWidget(self.card, 1)
        last = QHBoxLayout()
        last.addWidget(self.none)
        last.addStretch(1)
        last.addWidget(self.leave)
        last.addWidget(self.use)
        right.addLayout(last)
        box = QHBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(12)
        box.addLayout(left)
        box.addLayout(right, 1)
        tips = (
            (self.use, "Analyse the open images with the chosen model; no decision is touched", self._use),
            (self.none, "Find and measure cells and suggest no class", self._use_none),
            (self.browse, "Add a model from a file anywhere", self._browse),
            (self.leave, "Leave the model as it is", self.reject),
        )
        for button, tip, does in tips:
            button.setToolTip(tip)
            button.setAccessibleName(button.text().split("   ")[0])
            button.setAutoDefault(button is self.use)
            button.clicked.connect(does)
        for before, after in ((self.list, self.browse), (self.browse, self.card), (self.card, self.none)):
            self.setTabOrder(before, after)
        self.setTabOrder(self.none, self.leave)
        self.setTabOrder(self.leave, self.use)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Return in the list uses the model, as it does everywhere in the dialog."""
        if (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            self._use()
            return True
        return bool(super().eventFilter(watched, event))

    # ------------------------------------------------------------------ reading files
    def _fetch(self, read: Callable[[], list[Listed]]) -> None:
        """Read model files off the Qt thread."""
        self.card.setPlainText("Reading the models …")

        def work() -> None:
            found = read()
            self._post(lambda: self._have(found))

        threading.Thread(target=work, name="models", daemon=True).start()

    def _have(self, found: list[Listed]) -> None:
        if not self._open:
            return
        known = {listed.path: row for row, listed in enumerate(self.models)}
        for listed in found:
            if listed.path not in known:
                self.models.append(listed)
                self._add(listed)
        in_use = next((i for i, one in enumerate(self.models) if self._desk.models.is_used(one.path)), 0)
        row = in_use if len(found) != 1 or not known else next(
            i for i, one in enumerate(self.models) if one.path == found[0].path
        )  # fmt: skip
        self.list.setCurrentRow(row)
        self._show(row)

    def _add(self, listed: Listed) -> None:
        item, row = QListWidgetItem(), QWidget()
        box = QVBoxLayout(row)
        box.setContentsMargins(4, 4, 4, 4)
        box.setSpacing(1)
        lines = self._lines(listed)
        for i, text in enumerate(lines):
            line = _elided(text, "" if i == 0 else "dim")
            if i == 0:
                line.setStyleSheet("font-weight: 600;")
            box.addWidget(line)
        row.setStyleSheet("background: transparent;")
        item.setSizeHint(QSize(0, LINE_HEIGHT * len(lines) + 14))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(lines))
        self.list.addItem(item)
        self.list.setItemWidget(item, row)

    def _lines(self, listed: Listed) -> list[str]:
        """Name; system, what it looks at and classes; how well it did."""
        name = listed.name + ("   in use" if self._desk.models.is_used(listed.path) else "")
        card = listed.card
        if card is None:
            return [name, "cannot be used: its card says why"]
        names = ", ".join(kind.name for kind in card.shown_taxonomy.classes)
        unit = "cells" if card.unit == "cell" else "whole fields"
        return [name, f"{card.system}, {unit}: {names}", headline_figure(card)]

    # ------------------------------------------------------------------ choosing
    @property
    def listed(self) -> Listed | None:
        """The model that the list stands on."""
        row = self.list.currentRow()
        return self.models[row] if 0 <= row < len(self.models) else None

    def _show(self, row: int) -> None:
        listed = self.listed
        self.use.setEnabled(listed is not None and listed.card is not None)
        if listed is not None:
            field = listed.card is not None and listed.card.unit == "field"
            words = "Suggest for the whole image" if field else "Analyse with this model"
            self.use.setText(f"{words}   ⏎")
            self.use.setAccessibleName(words)
            note = listed.problem if listed.card is not None else ""
            self.card.setHtml(card_page(listed, self._look, note or self._note(listed)))

    def _note(self, listed: Listed) -> str:
        """What becomes of decisions that were made with other classes."""
        slide = self._desk.current.slide if self._desk.current is not None else None
        if listed.card is None or slide is None or listed.card.unit == "field":
            return ""
        ours = {*listed.card.classes, UNSURE.key, NOT_A_CELL.key}
        other = [settled.label for settled in self._desk.study.labels(slide.digest) if settled.label not in ours]
        if not other:
            return ""
        words = ", ".join(sorted(set(other)))
        return (
            f"Cells of this image that are reviewed with other classes ({words}): {len(other)}. These decisions stay "
            "as they are and cannot be changed while this model is in use; the other cells can be reviewed with its "
            "classes. To review all of them with its classes, open another study."
        )

    def _use(self) -> None:
        listed = self.listed
        if listed is not None and listed.card is not None:
            self.accept()
            self.chosen.emit(str(listed.path))

    def _use_none(self) -> None:
        self.accept()
        self.chosen.emit(None)

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a model file", "", "Models (*.safetensors);;All files (*)")
        if name:
            self.open_file(Path(name))

    def open_file(self, path: Path) -> None:
        """Add a model from a file, or say why it cannot be used."""
        self._fetch(lambda: [examine(path.absolute())])

    def _on_finished(self) -> None:
        self._open = False


def _elided(text: str, role: str) -> QLabel:
    """A line that is cut at the list's edge."""
    out = label("", role)
    out.setText(out.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, LIST_WIDTH - 60))
    out.setToolTip(text)
    return out
