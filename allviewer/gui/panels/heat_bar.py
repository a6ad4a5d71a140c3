"""The controls of the heat layer, over the slide while it is shown: whose maps, how opaque, on what scale."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from allviewer.gui.floating import Anchor, Floating
from allviewer.gui.heat_layer import HeatLayer, Scope
from allviewer.gui.panels.heat_scale import HeatScale
from allviewer.gui.panels.parts import label

SCOPES = {Scope.CELL: "selected cell", Scope.VIEW: "cells in view", Scope.FIELD: "whole field"}


class HeatBar(Floating):
    """Floats at the bottom right of the slide."""

    def __init__(self, canvas: QWidget, layer: HeatLayer) -> None:
        super().__init__(canvas, Anchor.BOTTOM_RIGHT)
        self.setProperty("role", "card")
        self.setFixedWidth(250)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(5)
        self.words = label()
        self.scope = QComboBox()
        self.scope.addItems(list(SCOPES.values()))
        self.scope.setCurrentIndex(list(SCOPES).index(Scope.VIEW))
        self.scope.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.scope.setAccessibleName("Whose heat maps are painted")
        self.scope.setToolTip("Paint the map of the selected cell, of what is on screen, or of all cells")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setValue(round(layer.layer.opacity * 100))
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.opacity.setAccessibleName("Opacity of the heat maps")
        self.opacity.setToolTip("Opacity of the heat maps")
        self.opacity.valueChanged.connect(lambda v: setattr(layer.layer, "opacity", v / 100))
        self.scale = HeatScale()
        row = QHBoxLayout()
        row.addWidget(self.words)
        row.addWidget(self.scope, 1)
        box.addLayout(row)
        second = QHBoxLayout()
        second.addWidget(label("opacity", "dim"))
        second.addWidget(self.opacity, 1)
        box.addLayout(second)
        box.addWidget(self.scale)

    @property
    def chosen(self) -> Scope:
        """Whose maps."""
        return list(SCOPES)[self.scope.currentIndex()]

    def choose(self, scope: Scope) -> None:
        """Set whose maps."""
        self.scope.setCurrentIndex(list(SCOPES).index(scope))

    def tell(self, class_name: str, top: float) -> None:
        """Say of which class, and on what scale."""
        self.words.setText(f"Heat for {class_name}:")
        self.scale.show_scale(top)
        self.appear()
