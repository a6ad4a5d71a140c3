"""The window: napari's canvas in the middle, our panels round it, and every verb of the table of commands."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import napari
import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QCursor, QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit

from allviewer.gui import palette, theme
from allviewer.gui.actions import Actions, KeysOfFocus
from allviewer.gui.canvas import SlideView
from allviewer.gui.commands import commands
from allviewer.gui.desk import Desk
from allviewer.gui.dialogs import Dialogs
from allviewer.gui.fields import Failure, Field, Phase
from allviewer.gui.heat_control import HeatControl
from allviewer.gui.heat_layer import Scope
from allviewer.gui.layout import Layout
from allviewer.gui.lenses import Lens, Lenses
from allviewer.gui.looks import is_drawn, states_of
from allviewer.gui.napari_inside import accept_drops_from, canvas_widget, main_window, quiet
from allviewer.gui.options import Options
from allviewer.gui.outline_geometry import Patch
from allviewer.gui.sample import sample_slide
from allviewer.gui.threads import QtThread
from allviewer.records import Study
from allviewer.vocab.errors import AlteredModelError

SAMPLE_NAME = "Sample smear"

HOVER_MS = 120
"""Milliseconds the mouse rests on a cell before its card appears."""


class MainWindow(QObject):
    """One window on one study.

    Parameters
    ----------
    options : see `options.Options`.
    study : open study; the window closes it.
    """

    def __init__(self, options: Options, study: Study) -> None:
        super().__init__()
        self.viewer = napari.Viewer(title="allviewer", show=False)
        quiet(self.viewer)
        self.qt = main_window(self.viewer)
        self.canvas = canvas_widget(self.viewer)
        self.look = theme.DARK
        self._shut = False
        self.thread_ = QtThread(self)
        self.desk = Desk(options, study, self.thread_.post)
        self._taxonomy = self.desk.taxonomy
        self.actions = Actions(self.qt, self, commands(self._taxonomy))
        self.view = SlideView(self.viewer, palette.build(self.desk.taxonomy), self.thread_.post)
        self.desk.view = self.view.region
        self.dialogs = Dialogs(self.qt, self.canvas)
        self.panels = Layout(self.viewer, self.desk, self.actions, self.view, self.thread_.post)
        self._keys = KeysOfFocus(self)
        self._keys.watch(self.qt)
        self.heat = HeatControl(self.desk, self.view, self.panels.card, self.panels.heat_bar)
        self.lenses = Lenses(self.desk, self.view, self.panels.stain_bar, self.panels.steps, self.thread_.post)
        self._connect()
        self._dress()
        self._reader_changed()
        self._on_shown(None)

    # ------------------------------------------------------------------ wiring
    def _connect(self) -> None:
        desk, view = self.desk, self.view
        desk.shown.connect(self._on_shown)
        desk.pixels_ready.connect(lambda field: self._on_shown(field) if field is desk.current else None)
        desk.restarted.connect(self._on_restarted)
        desk.grown.connect(self._on_grown)
        desk.relooked.connect(self._on_relooked)
        desk.selected.connect(self._on_selected)
        desk.progressed.connect(self._on_progressed)
        desk.failed.connect(self.tell)
        desk.models.doubted.connect(self._on_doubted)
        desk.studied.connect(self._reader_changed)
        view.clicked.connect(self._on_clicked)
        view.hovered.connect(self._on_hovered)
        view.moved.connect(self._on_moved)
        desk.remarked.connect(self.panels.say)
        for widget in (self.qt, *accept_drops_from(self.viewer)):
            widget.setAcceptDrops(True)
            widget.installEventFilter(self)
        self.canvas.installEventFilter(self)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(HOVER_MS)
        self._rest.timeout.connect(self._show_hover)

    def show(self) -> None:
        """Put the window on the screen."""
        room = QApplication.primaryScreen().availableGeometry()
        self.viewer.window.show()
        self.panels.after_show()
        # napari takes a size of its own when it is shown
        self.qt.resize(min(1680, room.width()), min(1050, room.height()))
        self.qt.move(room.topLeft())
        self.canvas.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Files dropped anywhere are ours; the window's end stops all work."""
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop) and isinstance(event, QDropEvent):
            if not event.mimeData().hasUrls():
                return False
            event.acceptProposedAction()
            if kind == QEvent.Type.Drop:
                urls = event.mimeData().urls()
                self.desk.open([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
            return True
        if kind == QEvent.Type.Leave and watched is self.canvas:
            self._rest.stop()
            self.panels.hover.hide()
        if kind == QEvent.Type.Close and watched is self.qt:
            self.shut()
        return False

    def shut(self) -> None:
        """Stop work and give the files back; nothing is left to save."""
        self._shut = True
        self.qt.hide()  # work stops at its next tile: nobody has to watch it
        self._rest.stop()
        self.heat.shut()
        self.lenses.shut()
        self.thread_.close()
        self.desk.shut()
        self.panels.card.shut()

    # ------------------------------------------------------------------ the desk speaks
    def _on_shown(self, field: Field | None) -> None:
        self.panels.hover.hide()
        self.view.show(field)
        self.panels.say_about(field)
        self._show_classes()
        self.qt.setWindowTitle("allviewer" if field is None else f"{field.name} – allviewer")
        if field is not None and field.session is not None and field.pixels is not None:
            for patch in field.patches:
                self._on_grown(field, patch)
        self.heat.paint()
        self.lenses.restart()
        self._scale()
        self.actions.refresh()

    def _on_restarted(self, field: Field) -> None:
        if field is self.desk.current:
            self.view.outlines.clear()
            self.view.heat.clear()
            self._show_classes()
            self.lenses.restart()
            self._scale()

    def _show_classes(self) -> None:
        """Colours, keys, buttons and menus for the classes of the image on screen."""
        taxonomy = self.desk.taxonomy
        self.view.outlines.visual.set_palette(palette.build(taxonomy, self.desk.filters.hidden))
        if taxonomy != self._taxonomy:
            self._taxonomy = taxonomy
            self._keys.watch(self.panels.card)  # the card has made new buttons

    def _on_grown(self, field: Field, patch: Patch) -> None:
        if field is self.desk.current and field.session is not None:
            rows = slice(patch.first, patch.first + len(patch))
            self.view.append(patch, states_of(field.session, self.desk.filters, rows))

    def _on_relooked(self, field: Field, rows: object) -> None:
        session = field.session
        if field is not self.desk.current or session is None:
            return
        visual = self.view.outlines.visual
        if rows is None:
            visual.set_palette(palette.build(self.desk.taxonomy, self.desk.filters.hidden))
            visual.set_states(states_of(session, self.desk.filters)[: len(visual)])
        else:
            at = np.asarray(rows, np.intp)
            visual.set_rows(at, states_of(session, self.desk.filters, at))
            if field.phase is Phase.ANALYSING:
                self.heat.soon()
        self.actions.refresh()

    def _on_selected(self, row: int | None) -> None:
        self.view.outlines.visual.select(row)
        session = self.desk.session
        if row is not None and session is not None and self.desk.walking:
            self.view.bring(*self._place(row))
        self.actions.refresh()

    def _on_progressed(self, field: Field) -> None:
        if field is self.desk.current:
            self.panels.say_about(field)
            self._scale()
            if field.phase is Phase.DONE:
                self.heat.soon()
        self.actions.refresh()

    def _reader_changed(self) -> None:
        self.panels.reader.setText(f"reader: {self.desk.study.reader}")
        where = self.desk.study.path
        self.panels.reader.setToolTip(
            f"Decisions are kept in {where}" if where else "Decisions are kept in memory only"
        )

    def tell(self, failure: Failure) -> None:
        """Show a failure until it is read."""
        self.panels.failures.tell(failure)

    def _on_doubted(self, error: AlteredModelError, chosen: str) -> None:
        self.dialogs.accept_model(error, lambda: self.desk.models.accept(error.found, chosen))

    def _place(self, row: int) -> tuple[float, float, float]:
        """Centre and diameter of a cell of the image on screen."""
        session = self.desk.session
        assert session is not None
        y, x = session.cells.centroid[row].tolist()
        y0, x0, y1, x1 = session.cells.bbox[row].tolist()
        return y, x, float(max(y1 - y0, x1 - x0))

    # ------------------------------------------------------------------ the mouse and the camera
    def _row_at(self, point: tuple[float, float]) -> int | None:
        session = self.desk.session
        row = session.row_at(*point) if session is not None else None
        return row if row is not None and session is not None and is_drawn(session, self.desk.filters, row) else None

    def _on_clicked(self, point: tuple[float, float]) -> None:
        self.panels.hover.hide()
        self.canvas.setFocus()
        self.desk.select(self._row_at(point))

    def _on_hovered(self, point: tuple[float, float]) -> None:
        self._under = point
        if self.panels.hover.isVisible() and self._row_at(point) is None:
            self.panels.hover.hide()
        self._rest.start()

    def _show_hover(self) -> None:
        session, field = self.desk.session, self.desk.current
        row = self._row_at(self._under)
        if session is None or field is None or row is None or row == self.desk.row:
            self.panels.hover.hide()
            return
        at: QPoint = self.canvas.mapFromGlobal(QCursor.pos())
        self.panels.hover.show_cell(session, row, field.pixel_size.um, at)

    def _on_moved(self) -> None:
        self.panels.hover.hide()
        self._scale()

    def _scale(self) -> None:
        field = self.desk.current
        if field is None or field.slide is None or self.view.image is None:
            self.panels.scale_bar.hide()
        else:
            self.panels.scale_bar.update_to(field.pixel_size, self.view.zoom)

    # ------------------------------------------------------------------ what only a window can do
    def open_images(self) -> None:
        """Ask for images and open them."""
        self.desk.open(self.dialogs.images())

    def open_study(self) -> None:
        """Ask for a study file and open it."""
        path = self.dialogs.study(self.desk.study.path)
        if path is not None:
            self.desk.open_study(path)

    def open_sample(self) -> None:
        """Open the rendered sample."""
        self.desk.open_made(SAMPLE_NAME, sample_slide)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open named images."""
        self.desk.open(paths)

    def close_image(self) -> None:
        """Take the image on screen off the worklist."""
        if self.desk.current is not None:
            self.desk.close(self.desk.current)

    def save_screenshot(self, path: Path | None = None) -> None:
        """Save what the window shows, under a name asked for where none is given."""
        path = path or self.dialogs.picture()
        if path is not None and not self.qt.grab().save(str(path)):
            self.tell(Failure("The picture was not saved", f"{path} cannot be written. Choose another folder."))

    def quit(self) -> None:
        """Close the window."""
        if not self._shut:
            self.qt.close()

    def set_pixel_size(self) -> None:
        """Ask for the pixel size and analyse again."""
        field = self.desk.current
        value = self.dialogs.pixel_size(field.pixel_size) if field is not None else None
        if field is not None and value is not None:
            self.desk.analyse(field, value)

    def analyse(self) -> None:
        """Analyse the image on screen."""
        if self.desk.current is not None:
            self.desk.analyse(self.desk.current)

    def choose_recipe(self) -> None:
        """Ask how cells are to be found, here and in images opened from now on, and analyse again."""
        options, field = self.desk.options, self.desk.current
        chosen = self.dialogs.recipe(options.segmenter, options.preprocessing) if field is not None else None
        if field is not None and chosen is not None:
            self.desk.options = replace(options, segmenter=chosen[0], preprocessing=chosen[1])
            self.desk.analyse(field)

    def choose_model(self) -> None:
        """Show every model and its card; the one that is chosen analyses again."""
        self._keys.watch(self.dialogs.models(self.desk, self.look, self.thread_.post))

    def toggle(self, what: str) -> None:
        """Show or hide outlines, nuclei, heat, a lens, filters, card, layers or help."""
        if what == "heat":
            self.heat.toggle()
        elif what in tuple(Lens):
            self.lenses.toggle(Lens(what))
        elif what == "outlines":
            self.view.outlines.visible = not self.view.outlines.visible
        elif what == "nuclei":
            visual = self.view.outlines.visual
            visual.nuclei = not visual.nuclei
            visual.update()
        else:
            self.panels.toggle(what)

    def heat_scope(self, scope: str) -> None:
        """Paint the heat of the selected cell, of the view or of the whole field."""
        self.heat.choose(Scope(scope))

    def next_heat_class(self) -> None:
        """Show the heat for another class."""
        self.heat.next_class()

    def next_stain_method(self) -> None:
        """Normalise the stain by the other method."""
        self.lenses.next_method()

    def step(self, by: int) -> None:
        """Show the next or the previous step of the segmentation."""
        self.lenses.walk(by)

    def fit(self) -> None:
        """Show the whole image."""
        self.view.fit()

    def zoom(self, factor: float) -> None:
        """Come closer or go away."""
        self.viewer.scene.camera.zoom *= factor

    def zoom_to_cell(self) -> None:
        """Bring the selected cell close."""
        if self.desk.row is not None:
            self.view.bring_close(*self._place(self.desk.row))

    def switch_theme(self) -> None:
        """Light or dark."""
        self.look = theme.LIGHT if self.look is theme.DARK else theme.DARK
        self._dress()

    def _dress(self) -> None:
        theme.register(self.look)
        self.viewer.theme = self.look.key
        self.panels.dress(self.look)

    def step_back(self) -> None:
        """One thing at a time: the help page, a text field, a lens, the selected cell, the heat, the zoom."""
        if self.panels.help.isVisible():
            self.panels.help.hide()
        elif isinstance(QApplication.focusWidget(), QLineEdit):
            self.canvas.setFocus()
        elif self.lenses.on is not None:
            self.lenses.use(None)
        elif self.desk.row is not None:
            self.desk.select(None)
        elif self.heat.on:
            self.heat.toggle()
        else:
            self.view.fit()
        if not self.canvas.hasFocus():
            self.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_about(self) -> None:
        """Say what the program is."""
        self.dialogs.about(self.desk.models.name)
