"""When the heat layer is painted, of what, and what its controls say."""

from PySide6.QtCore import QTimer

from allviewer.gui.canvas import SlideView
from allviewer.gui.desk import Desk
from allviewer.gui.heat_layer import Scope
from allviewer.gui.panels.cell_card import CellCard
from allviewer.gui.panels.heat_bar import HeatBar
from allviewer.vocab.region import Region

SETTLE_MS = 60
"""Milliseconds the camera stands still before what it shows is painted."""


class HeatControl:
    """Keeps heat layer, heat bar and cell card on one class and one scale.

    Attributes
    ----------
    on : whether heat is shown.
    """

    def __init__(self, desk: Desk, view: SlideView, card: CellCard, bar: HeatBar) -> None:
        self.on = False
        self._desk, self._view, self._card, self._bar = desk, view, card, bar
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.paint)
        card.heat_class.currentIndexChanged.connect(self.paint)
        bar.scope.currentIndexChanged.connect(self.paint)
        view.moved.connect(self._on_moved)
        desk.selected.connect(self._on_selected)

    def toggle(self) -> None:
        """Show or hide the heat, on the slide and on the card."""
        self.on = not self.on
        self._card.set_heat(self.on)
        self.paint()

    def choose(self, scope: Scope) -> None:
        """Show the heat of the selected cell, of the view or of the field."""
        self._bar.choose(scope)
        if not self.on:
            self.toggle()

    def next_class(self) -> None:
        """The heat for the next class of the taxonomy."""
        box = self._card.heat_class
        box.setCurrentIndex((box.currentIndex() + 1) % max(1, box.count()))

    def soon(self) -> None:
        """Paint once what goes on has settled."""
        if self.on:
            self._timer.start()

    def shut(self) -> None:
        """The window closes."""
        self._timer.stop()
        self.on = False
        self._view.heat.shut()

    def _on_moved(self) -> None:
        if self._bar.chosen is Scope.VIEW:
            self.soon()

    def _on_selected(self, _: int | None) -> None:
        if self.on and self._bar.chosen is Scope.CELL:
            self.paint()

    def paint(self) -> None:
        """Paint now, or clear where there is nothing to paint."""
        session, field, view = self._desk.session, self._desk.current, self._view.region()
        prediction = session.prediction if session is not None else None
        if not self.on or field is None or field.slide is None or view is None or prediction is None:
            self._view.heat.clear()
            self._bar.hide()
            return
        index = self._card.heat_index
        self._view.heat.show(
            prediction, index, self._bar.chosen, self._desk.row, view, Region(0, 0, *field.slide.shape),
            self._view.zoom, field.heat_top,
        )  # fmt: skip
        name = "the suggestion" if index is None else self._desk.taxonomy.classes[index].name
        self._bar.tell(name, field.heat_top)
