"""Menus, shortcuts and printed keys, made from the table of commands."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QMainWindow,
    QMenu,
    QMenuBar,
    QPushButton,
    QWidget,
)

from allviewer.gui.commands import LABEL, MENUS, Bench, Command, commands, printed
from allviewer.vocab.taxonomy import Taxonomy


class Actions:
    """The commands of one window.

    Parameters
    ----------
    window : takes the shortcuts.
    bench : what the commands act on.
    table : see `commands.commands`.
    """

    def __init__(self, window: QMainWindow, bench: Bench, table: Sequence[Command]) -> None:
        self.table = {command.id: command for command in table}
        self._window, self._bench = window, bench
        self._actions: dict[str, QAction] = {}
        self.buttons: list[tuple[QAbstractButton, Command]] = []
        self._menus: dict[str, QMenu] = {}
        for command in table:
            self._make(command)

    def _make(self, command: Command) -> QAction:
        action = QAction(command.title, self._window)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(command.tip)
        action.setStatusTip(command.tip)
        action.triggered.connect(self._runner(command))
        self._window.addAction(action)
        self._actions[command.id] = action
        return action

    def label(self, taxonomy: Taxonomy) -> None:
        """Let the keys and menu entries that label a cell be those of a taxonomy; buttons for others are forgotten."""
        fresh = {command.id: command for command in commands(taxonomy)}
        labels = [id for id in fresh if id.startswith(LABEL)]
        if [(i, fresh[i].keys, fresh[i].title) for i in labels] == [
            (i, c.keys, c.title) for i, c in self.table.items() if i.startswith(LABEL)
        ]:
            return
        for id in [id for id in self.table if id.startswith(LABEL)]:
            action = self._actions.pop(id)
            self._window.removeAction(action)
            action.deleteLater()  # Qt takes it out of its menu
        self.buttons = [(button, command) for button, command in self.buttons if not command.id.startswith(LABEL)]
        self.table = fresh
        for id in labels:
            action = self._make(fresh[id])
            if fresh[id].menu in self._menus:
                self._menus[fresh[id].menu].insertAction(self._actions["review.reject"], action)

    def _runner(self, command: Command) -> Callable[[], None]:
        def run() -> None:
            if command.when(self._bench):
                command.run(self._bench)
            self.refresh()

        return run

    @property
    def qt_actions(self) -> list[QAction]:
        """The window's actions."""
        return list(self._actions.values())

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Build the menus; returns them by name."""
        self._menus = menus = {name: bar.addMenu(f"&{name}") for name in MENUS}
        for name, menu in menus.items():
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(self.refresh)
            group = None
            for command in self.table.values():
                if command.menu != name:
                    continue
                if group is not None and command.group != group:
                    menu.addSeparator()
                group = command.group
                menu.addAction(self._actions[command.id])
        return menus

    def button(self, id: str, parent: QWidget | None = None, text: str = "") -> QPushButton:
        """A button for a command, its key printed on it."""
        command = self.table[id]
        key = f"   {printed(command.keys[0])}" if command.keys else ""
        button = QPushButton((text or command.title) + key, parent)
        button.setToolTip(command.tip)
        button.setAccessibleName(text or command.title)
        button.setAccessibleDescription(command.tip)
        # a click does not take the focus from the slide; the Tab key does
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self._actions[id].trigger)
        self.buttons.append((button, command))
        return button

    def trigger(self, id: str) -> None:
        """Do a command as if its key were pressed."""
        self._actions[id].trigger()

    def refresh(self) -> None:
        """Grey out what makes no sense now. Shortcuts stay on: they ask again when pressed."""
        for button, command in self.buttons:
            button.setEnabled(command.when(self._bench))
        for id, action in self._actions.items():
            if action.isVisible():
                action.setEnabled(self.table[id].when(self._bench))


class KeysOfFocus(QObject):
    """Leaves to a focused control the keys it lives by, so that no shortcut takes them away.

    Someone who walked to a button with Tab presses it with Space; arrows move in a list or a slider.
    """

    _PRESS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
    _MOVE = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)

    def watch(self, root: QWidget) -> None:
        """Look after every control inside a panel."""
        for control in root.findChildren(QWidget):
            if isinstance(control, QAbstractButton | QComboBox | QAbstractItemView | QAbstractSlider):
                control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Claim the key for the control before shortcuts are asked."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            return False
        pressed = event.key() in self._PRESS and isinstance(watched, QAbstractButton | QComboBox)
        moved = event.key() in self._MOVE and isinstance(watched, QAbstractItemView | QAbstractSlider | QComboBox)
        if pressed or moved:
            event.accept()
            return True
        return False
