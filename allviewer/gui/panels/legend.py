"""Legend and filters in one: a line a class, with its colour, its letter, its counts and its switch."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from superqt import QRangeSlider

from allviewer.gui.desk import Desk
from allviewer.gui.palette import SMUDGE, UNCLASSIFIED, shown_classes
from allviewer.gui.panels.parts import clear, label, swatch, title
from allviewer.gui.theme import Look
from allviewer.review import EVERY_STATE, State
from allviewer.vocab.taxonomy import Taxonomy

SHOWN = {
    "all cells": EVERY_STATE,
    "not reviewed": frozenset({State.UNREVIEWED}),
    "reviewed": frozenset({State.REVIEWED}),
}


class Legend(QWidget):
    """Classes on and off, the confidence shown, reviewed or not."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._taxonomy: Taxonomy | None = None
        self.switches: dict[str, QCheckBox] = {}
        self._counts: dict[str, tuple[QLabel, QLabel]] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(title("Classes shown"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self._grid.setContentsMargins(0, 0, 4, 0)
        box.addLayout(self._grid)
        self.slider = QRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]
        self.slider.setRange(0, 100)
        self.slider.setValue((0, 100))
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setAccessibleName("Confidence of the model, per cent")
        self.slider.setToolTip("Show only cells whose suggestion has this confidence")
        self._range = label("0 – 100 %")
        head = QHBoxLayout()
        head.addWidget(title("Confidence"))
        head.addStretch(1)
        head.addWidget(self._range)
        box.addSpacing(6)
        box.addLayout(head)
        box.addWidget(self.slider)
        self.which = QComboBox()
        self.which.addItems(list(SHOWN))
        self.which.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.which.setAccessibleName("Reviewed or not")
        self.which.setToolTip("Show all cells, those not reviewed, or those reviewed")
        box.addWidget(self.which)
        ring = label("Dashed ring: the model is in doubt. Thick line: reviewed.", "dim", wrap=True)
        box.addWidget(ring)
        self.slider.valueChanged.connect(self._on_range)
        self.which.currentTextChanged.connect(lambda words: desk.set_filters(states=SHOWN[words]))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self.refresh)
        for signal in (desk.shown, desk.grown, desk.relooked, desk.restarted):
            signal.connect(self._soon)
        self.refresh()

    def dress(self, look: Look) -> None:
        """Colours of the slider, which reads only a sheet of its own."""
        self.slider.setStyleSheet(
            f"QSlider::groove:horizontal {{background: {look.button}; height: 6px; border-radius: 3px}}"
            f"QSlider::handle:horizontal {{background: {look.accent}; width: 14px; margin: -4px 0; border-radius: 7px}}"
            f"QRangeSlider {{qproperty-barColor: {look.accent}; background: transparent}}"
        )

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _build(self, taxonomy: Taxonomy) -> None:
        clear(self._grid)
        self._taxonomy = taxonomy
        self.switches, self._counts = {}, {}
        for column, (words, tip) in enumerate(
            (("model", "Cells the model suggests, not reviewed"), ("reviewed", "Cells a person has settled")), start=2
        ):
            head = label(words, "dim")
            head.setToolTip(tip)
            self._grid.addWidget(head, 0, column, Qt.AlignmentFlag.AlignRight)
        for line, kind in enumerate(shown_classes(taxonomy), start=1):
            picture = QLabel()
            picture.setPixmap(swatch(kind))
            switch = QCheckBox(kind.name)
            switch.setChecked(kind.key not in self._desk.filters.hidden)
            # the style's own hint forgets what the theme adds around box and name
            switch.setMinimumWidth(switch.fontMetrics().horizontalAdvance(kind.name) + 44)
            switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            switch.setToolTip(f"Show or hide {kind.name}")
            switch.toggled.connect(self._on_switch)
            self._grid.addWidget(picture, line, 0)
            self._grid.addWidget(switch, line, 1)
            numbers = label("0"), label("0")
            for column, number in enumerate(numbers, start=2):
                number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                number.setMinimumWidth(46)  # nothing jumps when numbers grow
                self._grid.addWidget(number, line, column)
            self.switches[kind.key], self._counts[kind.key] = switch, numbers

    def _on_switch(self) -> None:
        self._desk.set_filters(hidden=frozenset(key for key, s in self.switches.items() if not s.isChecked()))

    def _on_range(self, ends: tuple[int, int]) -> None:
        low, high = ends
        self._range.setText(f"{low} – {high} %")
        self._desk.set_filters(confidence=(low / 100, high / 100))

    def refresh(self) -> None:
        """Read the counts anew."""
        if self._desk.taxonomy != self._taxonomy:
            self._build(self._desk.taxonomy)
        session = self._desk.session
        counts = session.counts() if session is not None else {}
        for key, (model, reviewed) in self._counts.items():
            count = counts.get(key)
            model.setText("–" if key in ("unsure", "not-a-cell") else f"{count.model_only if count else 0:,}")
            reviewed.setText("–" if key in (UNCLASSIFIED.key, SMUDGE.key) else f"{count.reviewed if count else 0:,}")
