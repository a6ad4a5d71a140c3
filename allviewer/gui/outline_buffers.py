"""Segments on the graphics card."""

import numpy as np
from vispy import gloo

from allviewer.gui.outline_geometry import Segments

_CORNERS = np.array([[0, -1], [1, -1], [0, 1], [1, 1]], np.float32)


class Buffers:
    """Segments on the graphics card, by instances or with the four corners of each spelled out."""

    def __init__(self, instanced: bool) -> None:
        self.count = 0
        self._instanced = instanced
        divisor = 1 if instanced else None
        self.ends = gloo.VertexBuffer(np.zeros((1, 4), np.float32), divisor=divisor)
        self.beyond = gloo.VertexBuffer(np.zeros((1, 4), np.float32), divisor=divisor)
        self.tags = gloo.VertexBuffer(np.zeros((1, 3), np.float32), divisor=divisor)
        self.corner = gloo.VertexBuffer(_CORNERS)
        self.index = None if instanced else gloo.IndexBuffer(np.zeros(6, np.uint32))

    def upload(self, segments: Segments) -> None:
        """Replace what is there."""
        self.count = len(segments)
        if not self.count:
            return
        if self.index is None:
            self.ends.set_data(segments.ends)
            self.beyond.set_data(segments.beyond)
            self.tags.set_data(segments.tags)
            return
        self.ends.set_data(np.repeat(segments.ends, 4, axis=0))
        self.beyond.set_data(np.repeat(segments.beyond, 4, axis=0))
        self.tags.set_data(np.repeat(segments.tags, 4, axis=0))
        self.corner.set_data(np.tile(_CORNERS, (self.count, 1)))
        first = np.arange(self.count, dtype=np.uint32)[:, None] * 4
        self.index.set_data((first + np.array([0, 1, 2, 2, 1, 3], np.uint32)).ravel())
