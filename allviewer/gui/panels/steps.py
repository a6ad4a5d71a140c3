"""The steps of a route, one at a time: a list to walk through, and a sentence on what is shown."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QVBoxLayout, QWidget

from allviewer.gui.actions import Actions
from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.lens_pictures import Step
from allviewer.gui.panels.parts import label, title

WIDTH = 276

WORKING = "Working out the steps …"
NOTHING = "The picture is too dark here to be a smear: there are no steps."


class StepsPanel(Floating):
    """Floats at the top right of the slide; ``chosen`` is emitted with the row that a person picks."""

    chosen = Signal(int)

    def __init__(self, canvas: QWidget, actions: Actions) -> None:
        super().__init__(canvas, Anchor.TOP_RIGHT)
        self.setProperty("role", "card")
        self.setAccessibleName("Steps")
        self._title = title("Steps")
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setAccessibleName("Steps of the segmentation")
        self.list.setToolTip("Steps of the segmentation, first to last; a click shows one")
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setStyleSheet("QListWidget::item { padding: 2px 6px; }")
        self.list.currentRowChanged.connect(self._on_row)
        self.words, self.legend = label(WORKING, wrap=True), label("", "dim", wrap=True)
        for widget in (self.list, self.words, self.legend):
            widget.setFixedWidth(WIDTH)  # the panel does not breathe with what it says
        for words, lines in ((self.words, 6), (self.legend, 2)):
            words.setFixedHeight(lines * words.fontMetrics().lineSpacing())
            words.setAlignment(Qt.AlignmentFlag.AlignTop)
        row = QHBoxLayout()
        row.addWidget(actions.button("view.steps.previous", self, "Back"))
        row.addWidget(actions.button("view.steps.next", self, "Next"))
        row.addWidget(actions.button("view.steps", self, "Hide"))
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(6)
        for widget in (self._title, self.list, self.words, self.legend):
            box.addWidget(widget)
        box.addLayout(row)
        self._steps: Sequence[Step] = ()

    def wait(self) -> None:
        """The steps of a route are being worked out."""
        if not self._steps:
            self.words.setText(WORKING)
            self.legend.setText("")
        self.appear()

    def show_steps(self, segmenter: str, steps: Sequence[Step], row: int) -> None:
        """List the steps of a route and explain one of them."""
        self._title.setText(f"Steps of the route “{segmenter}”")
        titles = [f"{i}  {step.title}" for i, step in enumerate(steps, start=1)]
        self._steps = steps
        self.list.blockSignals(True)
        if titles != [self.list.item(i).text() for i in range(self.list.count())]:
            self.list.clear()
            self.list.addItems(titles)
            self.list.setFixedHeight(len(titles) * max(1, self.list.sizeHintForRow(0)) + 4 if titles else 0)
        self.list.setCurrentRow(row if steps else -1)
        self.list.blockSignals(False)
        self.explain(row)
        self.appear()

    def explain(self, row: int) -> None:
        """Say what a step shows."""
        self.list.blockSignals(True)
        self.list.setCurrentRow(row)
        self.list.blockSignals(False)
        self.words.setText(self._steps[row].explanation if self._steps else NOTHING)
        self.legend.setText(self._steps[row].legend if self._steps else "")

    def forget(self) -> None:
        """Another slide: its steps are not known yet."""
        self._steps = ()
        self.list.blockSignals(True)
        self.list.clear()
        self.list.setFixedHeight(0)
        self.list.blockSignals(False)

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._steps):
            self.chosen.emit(row)
