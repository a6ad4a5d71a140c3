"""The page of keys, made from the table of commands."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from allviewer.gui.actions import Actions
from allviewer.gui.commands import MENUS, printed
from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.panels.parts import clear, label, title


class HelpPage(Floating):
    """Every key, in the order of the menus."""

    def __init__(self, canvas: QWidget, actions: Actions) -> None:
        super().__init__(canvas, Anchor.CENTRE)
        self._actions = actions
        self.setProperty("role", "card")
        self.setAccessibleName("Keys")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(22, 16, 22, 16)
        columns = QHBoxLayout()
        columns.setSpacing(28)
        self._stacks = [QVBoxLayout() for _ in range(2)]
        for stack in self._stacks:
            stack.setSpacing(3)
            columns.addLayout(stack)
        outer.addLayout(columns)
        outer.addWidget(label("Click a cell to select it. Drag moves the slide, the wheel zooms. Esc closes.", "dim"))
        self._fill()

    def appear(self) -> None:
        """Show the keys as they are now."""
        self._fill()
        super().appear()

    def _fill(self) -> None:
        for stack in self._stacks:
            clear(stack)
        for menu in MENUS:
            rows = [c for c in self._actions.table.values() if c.menu == menu and c.keys]
            if not rows:
                continue
            stack = self._stacks[0] if menu in ("File", "Slide", "Review") else self._stacks[1]
            stack.addWidget(title(menu))
            grid = QGridLayout()
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(14)
            grid.setVerticalSpacing(3)
            for i, command in enumerate(rows):
                keys = label("  ".join(dict.fromkeys(printed(k) for k in command.keys)))
                keys.setAlignment(Qt.AlignmentFlag.AlignRight)
                keys.setStyleSheet("font-weight: 600;")
                grid.addWidget(keys, i, 0)
                grid.addWidget(label(command.title), i, 1)
            grid.setColumnStretch(1, 1)
            stack.addLayout(grid)
            stack.addSpacing(10)
        for stack in self._stacks:
            stack.addStretch(1)
