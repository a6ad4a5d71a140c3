"""Where everything is: docks left and right of the slide, the status line under it, cards over it."""

from collections.abc import Callable

import napari
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QLabel, QMenu, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from allviewer.gui.actions import Actions
from allviewer.gui.canvas import SlideView
from allviewer.gui.desk import Desk
from allviewer.gui.fields import Field, Phase
from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.napari_inside import canvas_widget, main_window, stock_docks
from allviewer.gui.panels.cell_card import CellCard
from allviewer.gui.panels.failures import Failures
from allviewer.gui.panels.first_sight import FirstSight
from allviewer.gui.panels.heat_bar import HeatBar
from allviewer.gui.panels.help import HelpPage
from allviewer.gui.panels.hover import HoverCard
from allviewer.gui.panels.legend import Legend
from allviewer.gui.panels.parts import label, line
from allviewer.gui.panels.quality import Verdicts
from allviewer.gui.panels.stain_bar import StainBar
from allviewer.gui.panels.status import StatusLine
from allviewer.gui.panels.steps import StepsPanel
from allviewer.gui.panels.whole_field import WholeField
from allviewer.gui.panels.worklist import Worklist
from allviewer.gui.scale_bar import ScaleBar
from allviewer.gui.theme import Look, sheet

LEFT_WIDTH = 264


class Layout:
    """Builds and holds the panels of a window."""

    def __init__(
        self, viewer: napari.Viewer, desk: Desk, actions: Actions, view: SlideView,
        post: Callable[[Callable[[], object]], None],
    ) -> None:  # fmt: skip
        self.window, canvas = main_window(viewer), canvas_widget(viewer)
        self._stock = stock_docks(viewer)
        self.worklist, self.legend = Worklist(desk), Legend(desk)
        self.verdicts, self.whole_field = Verdicts(desk), WholeField(desk)
        self.card = CellCard(desk, actions, post)
        self.status = StatusLine(desk, actions)
        self.first_sight = FirstSight(canvas, actions)
        self.help = HelpPage(canvas, actions)
        self.failures = Failures(canvas)
        self.hover = HoverCard(canvas)
        self.scale_bar = ScaleBar(canvas)
        self.heat_bar = HeatBar(canvas, view.heat)
        self.stain_bar, self.steps = StainBar(canvas, actions), StepsPanel(canvas, actions)
        self.note = Note(canvas)
        self.reader = QLabel()
        self._menus(actions)
        left = QWidget()
        left.setFixedWidth(LEFT_WIDTH)
        box = QVBoxLayout(left)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(8)
        box.addWidget(self.worklist, 1)
        box.addWidget(line())
        box.addWidget(self.verdicts)
        box.addWidget(self.whole_field)
        box.addWidget(line())
        box.addWidget(self.legend)
        self.left = self._dock("Images and filters", left, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.right = self._dock("Cell", _scrolled(self.card), Qt.DockWidgetArea.RightDockWidgetArea)
        self.bottom = self._dock("Status", self.status, Qt.DockWidgetArea.BottomDockWidgetArea)

    def _menus(self, actions: Actions) -> None:
        bar = self.window.menuBar()
        stock = [menu for action in bar.actions() if isinstance(menu := action.menu(), QMenu)]
        bar.clear()
        view = actions.fill(bar)["View"]
        ours = {key.toString() for action in actions.qt_actions for key in action.shortcuts()}
        view.addSeparator()
        inner = view.addMenu("napari")
        for menu in stock:
            inner.addMenu(menu)
            for action in menu.actions():
                if action.shortcut().toString() in ours:
                    action.setShortcuts([])
        self.reader.setContentsMargins(0, 0, 12, 0)
        bar.setCornerWidget(self.reader, Qt.Corner.TopRightCorner)

    def _dock(self, name: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(name, self.window)
        dock.setObjectName(f"allviewer {name}")
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(widget)
        self.window.addDockWidget(area, dock)
        return dock

    def after_show(self) -> None:
        """napari lays its own things out when it is first shown; put them away after."""
        for dock in self._stock.values():
            dock.hide()
        self.window.statusBar().hide()
        for dock in (self.left, self.right, self.bottom):
            dock.show()

    def toggle(self, what: str) -> None:
        """Show or hide a panel: filters, card, layers or help."""
        if what == "layers":
            on = not any(dock.isVisible() for dock in self._stock.values())
            for dock in self._stock.values():
                dock.setVisible(on)
        elif what == "help":
            self.help.hide() if self.help.isVisible() else self.help.appear()
        else:
            dock = {"filters": self.left, "card": self.right}[what]
            dock.setVisible(not dock.isVisible())

    def dress(self, look: Look) -> None:
        """Put a theme on."""
        style = sheet(look)
        floats = (self.first_sight, self.help, self.failures, self.hover, self.heat_bar, self.note)
        for widget in (self.left, self.right, self.bottom, *floats, self.stain_bar, self.steps):
            widget.setStyleSheet(style)
        self.legend.dress(look)

    def say_about(self, field: Field | None) -> None:
        """What the middle of the window says where there is no picture."""
        if field is None:
            self.note.hide()
            self.first_sight.appear()
            return
        self.first_sight.hide()
        if field.phase is Phase.OPENING:
            self.note.say(f"Opening {field.name} …", 0)
        elif field.pixels is None:
            self.note.say(f"{field.name} could not be opened. Ctrl+O opens another image.", 0)
        elif self.note.lasting:
            self.note.hide()

    def say(self, words: str) -> None:
        """A passing remark."""
        self.note.say(words, 2500)


class Note(Floating):
    """A line in the middle of the slide, for a moment or until something else is to be seen."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas, Anchor.CENTRE)
        self.setProperty("role", "card")
        self.lasting = False
        self._words = label()
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 10, 16, 10)
        box.addWidget(self._words)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)

    def say(self, words: str, ms: int) -> None:
        """Show words; for ``ms`` milliseconds, or until hidden where 0."""
        self.lasting = ms == 0
        self._words.setText(words)
        self._timer.stop()
        if ms:
            self._timer.start(ms)
        self.appear()


def _scrolled(widget: QWidget) -> QScrollArea:
    """A panel that scrolls where the screen is too low for it."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFixedWidth(widget.width() + 4)
    area.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
