"""The opened images and where each stands."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from allviewer.gui.desk import Desk
from allviewer.gui.fields import Field, Phase
from allviewer.gui.panels.parts import label, title

SIGNS = {
    Phase.OPENING: "…",
    Phase.WAITING: "○",
    Phase.ANALYSING: "◔",
    Phase.DONE: "●",
    Phase.CANCELLED: "◐",
    Phase.FAILED: "⚠",
}


def described(field: Field) -> str:
    """One line under an image's name."""
    if field.phase is Phase.ANALYSING and field.tiles:
        return f"analysing, {field.done} of {field.tiles} tiles"
    words = str(field.phase)
    if field.session is not None and field.phase in (Phase.DONE, Phase.CANCELLED):
        words = f"{len(field.session):,} cells · {int(field.session.reviewed.sum()):,} reviewed"
        words += " · stopped" if field.phase is Phase.CANCELLED else ""
    return words + ("\n     synthetic" if field.synthetic else "")


class Worklist(QWidget):
    """A list of images; a click shows one."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(title("Images"))
        self._empty = label("No image is open. Ctrl+O opens some.", "dim", wrap=True)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setAccessibleName("Opened images")
        self.list.setToolTip("Opened images; a click shows one")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._chosen)
        box.addWidget(self._empty)
        box.addWidget(self.list, 1)
        box.addStretch(0)
        desk.worklist.connect(self.rebuild)
        desk.shown.connect(self._mark)
        desk.progressed.connect(self._refresh)
        desk.relooked.connect(self._refresh)
        self.rebuild()

    def rebuild(self) -> None:
        """All lines anew."""
        self.list.blockSignals(True)
        self.list.clear()
        for field in self._desk.fields:
            self.list.addItem(QListWidgetItem())
            self._write(field)
        self.list.blockSignals(False)
        self._empty.setVisible(not self._desk.fields)
        self.list.setVisible(bool(self._desk.fields))
        self._mark(self._desk.current)

    def _write(self, field: Field) -> None:
        item = self.list.item(self._desk.fields.index(field))
        if item is None:
            return
        text = f"{SIGNS[field.phase]}  {field.name}\n     {described(field)}"
        if item.text() != text:
            item.setText(text)
            item.setToolTip(field.problem or str(field.path))

    def _refresh(self, field: Field, _: object = None) -> None:
        if field in self._desk.fields:
            self._write(field)

    def _mark(self, field: Field | None) -> None:
        self.list.blockSignals(True)
        self.list.setCurrentRow(self._desk.fields.index(field) if field in self._desk.fields else -1)
        self.list.blockSignals(False)

    def _chosen(self, row: int) -> None:
        if 0 <= row < len(self._desk.fields):
            self._desk.show(self._desk.fields[row])
