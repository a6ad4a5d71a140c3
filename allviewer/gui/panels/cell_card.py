"""The card of the selected cell: a large crop, what the model suggests and where it looked, buttons to settle it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from allviewer.gui import heat as heat_maps
from allviewer.gui.actions import Actions
from allviewer.gui.commands import LABEL
from allviewer.gui.desk import Desk
from allviewer.gui.looks import codes_of
from allviewer.gui.palette import casing_of, rgb, shown_classes
from allviewer.gui.panels.hover import headline
from allviewer.gui.panels.parts import ProbabilityBar, clear, label, line, swatch
from allviewer.gui.panels.reconstruction import Reconstruction
from allviewer.gui.reading import crop
from allviewer.review import ReviewSession
from allviewer.slides import Slide
from allviewer.systems.gradcam import heat_share
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.taxonomy import NOT_A_CELL, UNSURE, Taxonomy

CROP = 220
"""Logical pixels of the crop's side."""

MEASURED = (
    ("cell_diameter_um", "{:.1f} µm", "diameter"),
    ("nucleus_cell_fraction", "{:.0%}", "nucleus of cell"),
    ("nucleus_solidity", "{:.2f}", "nucleus solidity"),
)
"""The few measurements shown: name in the table, format, words."""


class CellCard(QWidget):
    """Listens to the desk; ``heat_class`` is the class whose heat is shown, here and on the slide."""

    def __init__(self, desk: Desk, actions: Actions, post: Callable[[Callable[[], object]], None]) -> None:
        super().__init__()
        self._desk, self._actions, self._post = desk, actions, post
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="crop")
        self._asked = 0
        self._pixels: tuple[int, RGB, Floats] | None = None  # row, crop, its box
        self._taxonomy: Taxonomy | None = None
        self.heat_on = False
        self.setFixedWidth(CROP + 44)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(12, 8, 12, 8)
        self._box.setSpacing(5)
        self.picture = QLabel()
        self.picture.setFixedSize(CROP, CROP)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setWordWrap(True)
        self.picture.setAccessibleName("The selected cell, enlarged")
        self.words, self.doubt = label("", "big", wrap=True), label("", "dim")
        self.words.setStyleSheet("font-size: 15px;")
        self.reconstruction = Reconstruction(self._reader, post)
        self._box.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignHCenter)
        self._box.addWidget(self.reconstruction)
        self._box.addWidget(self.words)
        self._box.addWidget(self.doubt)
        self._bars_box = QVBoxLayout()
        self._bars_box.setSpacing(1)
        self._box.addLayout(self._bars_box)
        self._build_heat()
        self.measures = QGridLayout()
        self.measures.setVerticalSpacing(1)
        self._box.addLayout(self.measures)
        self._measured: dict[str, QLabel] = {}
        for i, (name, _, words) in enumerate(MEASURED):
            value = label()
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.measures.addWidget(label(words, "dim"), i, 0)
            self.measures.addWidget(value, i, 1)
            self._measured[name] = value
        self._box.addWidget(line())
        self._box.addLayout(self._build_buttons())
        self._box.addStretch(1)
        desk.selected.connect(lambda _: self.refresh())
        desk.relooked.connect(self._on_relooked)
        desk.shown.connect(lambda _: self.refresh())
        desk.restarted.connect(lambda _: self.refresh())
        self.refresh()

    # ------------------------------------------------------------------ made once
    def _build_heat(self) -> None:
        row = QHBoxLayout()
        self.heat_button = self._actions.button("view.heat", self, "Heat")
        self.heat_button.setCheckable(True)
        self.heat_class = QComboBox()
        self.heat_class.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.heat_class.setAccessibleName("Class whose heat is shown")
        self.heat_class.setToolTip("Where the model looked for this class (Grad-CAM)")
        row.addWidget(self.heat_button)
        row.addWidget(self.heat_class, 1)
        self._box.addLayout(row)
        self.share = label("", "dim")
        self._box.addWidget(self.share)
        self.heat_class.currentIndexChanged.connect(lambda _: self._draw())

    def _build_buttons(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(5)
        button = self._actions.button
        accept = button("review.accept", self)
        accept.setStyleSheet("font-weight: 600;")
        grid.addWidget(accept, 0, 0, 1, 2)
        self._labels = QGridLayout()
        self._labels.setSpacing(5)
        grid.addLayout(self._labels, 1, 0, 1, 2)
        pairs = (
            ("review.reject", "review.unsure"), ("review.previous", "review.next"), ("review.undo", "review.redo"),
        )  # fmt: skip
        kinds = {"review.reject": NOT_A_CELL, "review.unsure": UNSURE}
        short = {"review.previous": "Previous", "review.next": "Next"}
        for i, pair in enumerate(pairs):
            for j, id in enumerate(pair):
                made = button(id, self, short.get(id, ""))
                grid.addWidget(made, 2 + i, j)
                if id in kinds:
                    made.setIcon(QIcon(swatch(kinds[id])))
        return grid

    def _build_labels(self, taxonomy: Taxonomy) -> None:
        """A button for each class that has a key."""
        clear(self._labels)
        self._actions.label(taxonomy)
        for i, kind in enumerate(kind for kind in taxonomy.classes if LABEL + kind.key in self._actions.table):
            made = self._actions.button(LABEL + kind.key, self)
            made.setIcon(QIcon(swatch(kind)))
            made.setStyleSheet("padding: 5px 6px;")  # room for the longer names and their key
            self._labels.addWidget(made, i // 2, i % 2)

    def _build_bars(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._build_labels(taxonomy)
        clear(self._bars_box)
        self.bars = {kind.key: ProbabilityBar(kind) for kind in taxonomy.classes}
        for bar in self.bars.values():
            self._bars_box.addWidget(bar)
        self.heat_class.blockSignals(True)
        self.heat_class.clear()
        self.heat_class.addItems(["as suggested", *(f"for {kind.name}" for kind in taxonomy.classes)])
        self.heat_class.blockSignals(False)

    # ------------------------------------------------------------------ refreshed
    def _on_relooked(self, field: object, rows: object) -> None:
        mine = rows is None or self._desk.row in np.atleast_1d(np.asarray(rows))
        if field is self._desk.current and mine:
            self.refresh()

    def refresh(self) -> None:
        """Show the selected cell, or say what to do."""
        if self._desk.taxonomy != self._taxonomy:
            self._build_bars(self._desk.taxonomy)
        session, row = self._desk.session, self._desk.row
        if session is None or row is None:
            self._show_nothing(session)
            return
        self.words.setText(headline(session, row))
        prediction = session.prediction
        known = prediction is not None and bool(prediction.classified[row])
        unsure = prediction is not None and known and bool(prediction.unsure[row])
        unlike = prediction is not None and known and prediction.unlike is not None and bool(prediction.unlike[row])
        doubt = "The model is unsure of this cell." if unsure else f"cell {int(session.cells.ids[row])}"
        self.doubt.setText("Unlike the cells the model knows." if unlike else doubt)
        for key, bar in self.bars.items():
            value = None
            if prediction is not None and known and key in prediction.classes:
                value = float(prediction.probabilities[row, prediction.classes.index(key)])
            bar.show_value(value)
        for name, form, _ in MEASURED:
            column = session.cells.measurements.get(name)
            self._measured[name].setText("–" if column is None else form.format(float(column[row])))
        self._read(session, row)

    def _show_nothing(self, session: ReviewSession | None) -> None:
        self._asked += 1
        self._pixels = None
        self.picture.clear()
        self.picture.setText("Click a cell, or press N\nfor the most doubtful one." if session is not None else "")
        self.words.setText("No cell selected" if session is not None else "")
        self.doubt.setText("")
        for bar in self.bars.values():
            bar.show_value(None)
        for value in self._measured.values():
            value.setText("–")
        self.share.setText("")
        self.reconstruction.clear()

    def _read(self, session: ReviewSession, row: int) -> None:
        """Fetch the crop off the Qt thread: what the model was given, or the cell with room around it."""
        field = self._desk.current
        if field is None or field.slide is None:
            return
        prediction = session.prediction
        if prediction is not None and prediction.classified[row]:
            self.reconstruction.show_cell(self._desk.model, field.slide, prediction.boxes[row])
        else:
            self.reconstruction.clear()
        if self._pixels is not None and self._pixels[0] == row:
            self._draw()
            return
        if prediction is not None and prediction.classified[row]:
            box = prediction.boxes[row]
        else:
            y0, x0, y1, x1 = session.cells.bbox[row].astype(np.float32)
            half = 0.75 * max(y1 - y0, x1 - x0)
            box = np.array([(y0 + y1) / 2 - half, (x0 + x1) / 2 - half, (y0 + y1) / 2 + half, (x0 + x1) / 2 + half])
        self._asked += 1
        asked = self._asked
        done = self._reader.submit(_enlarged, field.slide, box, round(CROP * self.devicePixelRatioF()))
        done.add_done_callback(lambda d: self._post(lambda: self._have(asked, row, d, box)))

    def _have(self, asked: int, row: int, done: "Future[RGB]", box: Floats) -> None:
        if asked == self._asked:
            # pixels that cannot be read were told when the analysis met them; the card stays without
            self._pixels = None if done.exception() is not None else (row, done.result(), box)
            self._draw()

    def _draw(self) -> None:
        """Crop, heat, outlines, in this order."""
        session, field = self._desk.session, self._desk.current
        if self._pixels is None or session is None or field is None or self._pixels[0] >= len(session):
            return
        row, pixels, box = self._pixels
        picture = pixels.copy()
        prediction = session.prediction
        has = prediction is not None and prediction.heat is not None and bool(prediction.classified[row])
        self.share.setText("")
        if has and prediction is not None and prediction.heat is not None:
            index = self.heat_index if self.heat_index is not None else int(prediction.predicted[row])
            heat = prediction.heat[row, index]
            if self.heat_on:
                picture = heat_maps.over(picture, heat, field.heat_top, 0.75)
            share = heat_share(heat, box, session.cells.cell.rings(row))
            name = session.taxonomy.classes[index].name
            none = bool(np.isnan(share))
            self.share.setText(f"no heat for {name}" if none else f"{share:.0%} of the heat for {name} is in the cell")
        kind = shown_classes(session.taxonomy)[int(codes_of(session, np.array([row]))[0]) - 1]
        rings = [*session.cells.cell.rings(row)]
        heat_maps.draw_rings(picture, rings, box, rgb(kind.colour), rgb(casing_of(kind.colour))[0])
        image = QImage(picture.tobytes(), picture.shape[1], picture.shape[0], 3 * picture.shape[1],
                       QImage.Format.Format_RGB888)  # fmt: skip
        shown = QPixmap.fromImage(image)
        shown.setDevicePixelRatio(self.devicePixelRatioF())
        self.picture.setPixmap(shown)

    @property
    def heat_index(self) -> int | None:
        """Class whose heat is shown, or None for the one the model suggests for each cell."""
        return self.heat_class.currentIndex() - 1 if self.heat_class.currentIndex() > 0 else None

    def set_heat(self, on: bool) -> None:
        """Show or hide the heat on the crop."""
        self.heat_on = on
        self.heat_button.setChecked(on)
        self._draw()

    def shut(self) -> None:
        """The window closes."""
        self._asked += 1
        self._reader.shutdown(wait=False, cancel_futures=True)


def _enlarged(slide: Slide, box: Floats, size: int) -> RGB:
    """A crop brought to the card's size."""
    y0, x0, y1, x1 = (float(v) for v in box)
    pixels = crop(slide, (y0, x0, y1, x1))
    how = cv2.INTER_AREA if pixels.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=how), np.uint8)
