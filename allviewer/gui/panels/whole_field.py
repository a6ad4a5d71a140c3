"""What a model of fields suggests for the image as a whole: one line, apart from everything about cells."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from allviewer.gui.desk import Desk
from allviewer.gui.panels.parts import label


class WholeField(QWidget):
    """The line of the image on screen; hidden where no model was asked."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.words = label("", wrap=True)
        self.words.setAccessibleName("Suggestion for the whole image")
        box.addWidget(self.words)
        for signal in (desk.shown, desk.whole_fields.said):
            signal.connect(lambda _: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """Write it anew."""
        field = self._desk.current
        said = field.suggestion if field is not None else None
        self.setVisible(said is not None)
        if said is not None:
            names = said.taxonomy.classes
            shares = "\n".join(f"{c.name} {p:.2f}" for c, p in zip(names, said.probabilities, strict=True))
            self.words.setText(said.sentence)
            self.words.setToolTip(f"{shares}\nIt says nothing of any one cell.")
