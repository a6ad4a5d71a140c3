"""The verdicts on the image: four words to read before its counts, and the sentence of each that is not good."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from allviewer.gui.desk import Desk
from allviewer.gui.panels.parts import label, title
from allviewer.vocab.quality import SUBJECTS, FieldQuality

NOTHING = "No image is judged yet."


class Verdicts(QWidget):
    """Focus, exposure, stain and crowding of the image on screen, as far as it is analysed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(title("Image quality"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setContentsMargins(0, 0, 4, 0)
        self.grades: dict[str, QLabel] = {}
        for k, name in enumerate(SUBJECTS):
            self.grades[name] = label("–")
            row, column = divmod(k, 2)
            grid.addWidget(label(name.capitalize(), "dim"), row, 2 * column)
            grid.addWidget(self.grades[name], row, 2 * column + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        box.addLayout(grid)
        self.words = label(NOTHING, "dim", wrap=True)
        box.addWidget(self.words)
        self.likeness = label("", "dim", wrap=True)
        box.addWidget(self.likeness)
        for signal in (desk.shown, desk.progressed, desk.restarted, desk.studied):
            signal.connect(self._soon)
        # verdicts of many tiles are summed up a few times a second at most
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(200)
        self._timer.timeout.connect(self.refresh)
        self.refresh()

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Write everything anew."""
        field = self._desk.current
        self.show_quality(FieldQuality.over(field.judged) if field is not None and field.judged else None)
        likeness = self._desk.likeness
        shown = likeness is not None and likeness.unlike > 0
        self.likeness.setVisible(shown)
        if likeness is not None and shown:
            self.likeness.setText(likeness.sentence)
            strong = self.likeness.font()
            strong.setBold(likeness.doubtful)
            self.likeness.setFont(strong)

    def show_quality(self, quality: FieldQuality | None) -> None:
        """Show verdicts, or that there are none yet."""
        for name, shown in self.grades.items():
            verdict = quality[name] if quality is not None else None
            shown.setText(verdict.grade if verdict is not None else "–")
            shown.setToolTip(verdict.sentence if verdict is not None else NOTHING)
            shown.setAccessibleName(f"{name}: {verdict.grade if verdict is not None else 'not judged yet'}")
            shown.setAccessibleDescription(verdict.sentence if verdict is not None else "")
            strong = shown.font()
            strong.setBold(verdict is not None and verdict.grade == "poor")
            shown.setFont(strong)
        if quality is None:
            self.words.setText(NOTHING)
            return
        doubts = list(dict.fromkeys(v.sentence for v in quality.verdicts if v.grade != "good"))
        self.words.setText("\n".join(doubts) or "Nothing speaks against the counts.")
