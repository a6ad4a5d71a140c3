"""The line at the bottom: what was found, what was reviewed, when it was saved; the progress; and by which model."""

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from allviewer.gui.actions import Actions
from allviewer.gui.commands import printed
from allviewer.gui.desk import Desk
from allviewer.gui.fields import Field, Phase
from allviewer.gui.panels.parts import label
from allviewer.pixels.prepare import NONE
from allviewer.vocab.optics import PixelSize, PixelSizeSource


def duration(seconds: float) -> str:
    """mm:ss, or h:mm:ss."""
    whole = int(seconds)
    h, m, s = whole // 3600, whole // 60 % 60, whole % 60
    return f"{h}:{m:02}:{s:02}" if h else f"{m:02}:{s:02}"


def optics(size: PixelSize) -> str:
    """The pixel size and how it is known."""
    if size.um is None:
        return "pixel size unknown"
    words = {PixelSizeSource.ESTIMATE: " (estimated)", PixelSizeSource.GIVEN: " (given)"}.get(size.source, "")
    return f"{size.um:.3g} µm/px{words}"


def summary(field: Field | None) -> str:
    """The line for one image."""
    parts = []
    if field is None:
        parts.append("no image")
    elif field.phase is Phase.OPENING:
        parts.append(f"opening {field.name}")
    elif field.phase is Phase.FAILED:
        parts.append(f"{field.name} failed: its message says why")
    elif field.session is None:
        parts.append("not analysed yet" if field.phase is Phase.WAITING else "analysis begins")
    else:
        session = field.session
        verb = "analysed" if field.phase is Phase.DONE else "found so far:"
        parts += [f"{verb} {len(session):,} cells", f"{int(session.reviewed.sum()):,} reviewed"]
        others = int(session.foreign.sum())
        if others:
            parts.append(f"{others:,} with other classes")
        if session.saved_at is not None:
            parts.append(f"saved {session.saved_at.astimezone():%H:%M:%S}")
    if field is not None and field.slide is not None:
        parts.append(optics(field.pixel_size))
    recipe = field.recipe if field is not None else None
    if recipe is not None and recipe.segmenter != "default":
        parts.append(f"route {recipe.segmenter}")
    if recipe is not None and recipe.preprocessing != NONE:
        parts.append(f"cells found after {recipe.preprocessing}")
    if field is not None and field.synthetic:
        parts.append("synthetic")
    return "   ·   ".join(parts)


class StatusLine(QWidget):
    """One line of text, and while an analysis runs its progress and a button that stops it."""

    def __init__(self, desk: Desk, actions: Actions) -> None:
        super().__init__()
        self._desk = desk
        self.setFixedHeight(32)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 10, 2)
        row.setSpacing(10)
        self.words, self.progress_words = label(), label("", "dim")
        # a long line is cut at the window's edge; it never makes the window wider
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(140)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the analysis")
        self.stop = actions.button("analyse.cancel", self, "Stop")
        self.stop.setStyleSheet("padding: 1px 8px; min-height: 16px;")
        self._key = actions.table["analyse.model"].keys[0]
        self.model = actions.button("analyse.model", self)
        self.model.setStyleSheet("padding: 1px 8px; min-height: 16px;")
        row.addWidget(self.words, 1)
        for widget in (self.progress_words, self.bar, self.stop, self.model):
            row.addWidget(widget)
        for signal in (desk.worklist, desk.shown, desk.progressed, desk.relooked, desk.grown, desk.studied):
            signal.connect(self._soon)
        desk.models.changed.connect(self._soon)
        # counts are read at most twenty times a second, however fast tiles come
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self.refresh)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self.refresh)
        self.refresh()

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Write everything anew."""
        desk = self._desk
        self.words.setText(summary(desk.current))
        shown = self.fontMetrics().elidedText(desk.models.name, Qt.TextElideMode.ElideMiddle, 180)
        self.model.setText(f"model {shown}   {printed(self._key)}")
        self.model.setAccessibleName(f"model {desk.models.name}")
        field = desk.analysing
        for widget in (self.progress_words, self.bar, self.stop):
            widget.setVisible(field is not None)
        if field is None:
            self._clock.stop()
            return
        if not self._clock.isActive():
            self._clock.start()
        self.bar.setRange(0, field.tiles)  # 0 tiles: busy, its end not known yet
        self.bar.setValue(field.done)
        self.progress_words.setText(progress_words(field, time.monotonic()))


def progress_words(field: Field, now: float) -> str:
    """What is done, how far, for how long."""
    spent = now - field.started
    if not field.tiles:
        return f"{field.name}: preparing   {duration(spent)}"
    words = f"{field.name}: {field.done} of {field.tiles} tiles   {duration(spent)}"
    if 0 < field.done < field.tiles:
        words += f", about {duration(spent / field.done * (field.tiles - field.done))} left"
    return words
