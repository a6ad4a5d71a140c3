"""All outlines of a slide as one vispy visual: a byte a cell in a texture, a palette of 256 looks, culled by tile.

Every segment of every ring on screen is one quad of constant width on the screen, mitred to its neighbours and
drawn twice: first casings and halos, then the coloured lines, so that no casing covers a neighbour's line.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vispy import gloo
from vispy.gloo import gl
from vispy.visuals import Visual

from allviewer.gui.outline_buffers import Buffers
from allviewer.gui.outline_geometry import CELL, NUCLEUS, Patch, Segments
from allviewer.gui.outline_shaders import COLUMNS, FRAGMENT, VERTEX
from allviewer.gui.palette import HIDDEN, SELECTED

DOT_BELOW, COARSE_BELOW, NUCLEI_FROM, TOGETHER_BELOW = 7.0, 12.0, 20.0, 24.0
DOUBT_FROM = 14.0
"""Framebuffer pixels a cell is wide: smaller cells are dots, then eight-cornered rings; larger ones have
their nuclei, their second ring of doubt, and casings that never touch a neighbour's line, for twice the work."""

_DOTS, _COARSE = -2, -1

LONGEST = 5.0
"""Framebuffer pixels: corners are skipped while segments stay shorter; the arc of a cell 20 px wide strays 0.3 px."""


def can_instance() -> bool:
    """Whether this context draws instances (OpenGL 3.3, or vispy's fuller OpenGL where the driver has it)."""
    if not gl.current_backend.__name__.endswith("glplus"):
        return False
    version = str(gl.glGetParameter(gl.GL_VERSION) or "0.0").split()[0]
    major, minor = (int(part) for part in version.split(".")[:2])
    return (major, minor) >= (3, 3) or "GL_ARB_instanced_arrays" in str(gl.glGetParameter(gl.GL_EXTENSIONS))


class OutlineVisual(Visual):  # type: ignore[misc]  # vispy is untyped
    """Outlines of up to 16 million cells.

    Parameters
    ----------
    palette : (3, 256, 4) uint8, see `palette.build`.
    instanced : one quad per segment by instancing; False spells the four corners out, for older drivers.
    """

    def __init__(self, palette: NDArray[np.uint8], *, instanced: bool = True) -> None:
        self._patches: list[Patch] = []
        self._states = np.zeros((1, COLUMNS), np.uint8)
        self._count = 0
        self._selected: int | None = None
        self._shown: tuple[object, ...] = ()
        self.nuclei = True
        self._together = False
        self._state_texture = gloo.Texture2D(self._states, format="luminance", interpolation="nearest")
        self._palette_texture = gloo.Texture2D(palette, interpolation="nearest")
        super().__init__(VERTEX, FRAGMENT)
        self._all, self._nuclei, self._halo = (Buffers(instanced) for _ in range(3))
        program = self.shared_program
        program["u_state"], program["u_palette"] = self._state_texture, self._palette_texture
        program["u_rows"], program["u_scale"], program["u_flip"], program["u_pass"] = 1.0, 1.0, 1.0, 0.0
        program["u_origin"], program["u_place"], program["u_axes"] = (0, 0), (0, 0), (1, 0, 0, 1)
        program["u_dot"], program["u_doubt"] = 0.0, 1.0
        self._bind(self._all)
        self._draw_mode = "triangle_strip" if instanced else "triangles"
        self.set_gl_state("translucent", depth_test=False, cull_face=False)

    # ------------------------------------------------------------------ what is drawn
    def __len__(self) -> int:
        return self._count

    @property
    def drawn(self) -> int:
        """Segments in the last frame."""
        return self._all.count + self._nuclei.count

    def clear(self) -> None:
        """Forget every cell."""
        self._patches, self._count, self._selected = [], 0, None
        for buffers in (self._all, self._nuclei, self._halo):
            buffers.upload(Segments.join([]))
        self._states = np.zeros((1, COLUMNS), np.uint8)
        self._upload_states()
        self._shown = ()
        self.update()

    def append(self, patch: Patch, states: NDArray[np.uint8]) -> None:
        """Add a batch of cells; ``patch.first`` must be the number of cells so far.

        Parameters
        ----------
        patch : see `outline_geometry.pack`.
        states : (len(patch),) uint8 in table order.
        """
        if patch.first != self._count or len(states) != len(patch):
            raise ValueError(f"a batch of {len(patch)} cells from row {patch.first} cannot follow {self._count} cells")
        self._patches.append(patch)
        self._count += len(patch)
        rows = max(1, -(-self._count // COLUMNS))
        if rows > len(self._states):
            grown = np.zeros((max(rows, len(self._states) * 3 // 2), COLUMNS), np.uint8)
            grown[: len(self._states)] = self._states
            self._states = grown
        self._states.reshape(-1)[patch.first : self._count] = states
        self._upload_states()
        self._shown = ()
        self.update()

    def set_states(self, states: NDArray[np.uint8]) -> None:
        """New looks of all cells, (n,) uint8 in table order."""
        if len(states) != self._count:
            raise ValueError(f"expected one state for each of {self._count} cells, got {len(states)}")
        flat = self._states.reshape(-1)
        flat[: self._count] = states
        if self._selected is not None and flat[self._selected] != HIDDEN:
            flat[self._selected] |= SELECTED
        self._state_texture.set_data(self._states)
        self.update()

    def set_rows(self, rows: NDArray[np.intp], states: NDArray[np.uint8]) -> None:
        """New looks of some cells: the texture's lines between the first and the last of them are written."""
        if not len(rows):
            return
        flat = self._states.reshape(-1)
        flat[rows] = states
        if self._selected is not None and flat[self._selected] != HIDDEN:
            flat[self._selected] |= SELECTED
        first, last = int(rows.min()) // COLUMNS, int(rows.max()) // COLUMNS
        self._state_texture.set_data(self._states[first : last + 1], offset=(first, 0))
        self.update()

    def set_state(self, row: int, state: int) -> None:
        """A new look of one cell: one texel is written."""
        y, x = divmod(row, COLUMNS)
        self._states[y, x] = state | (SELECTED if row == self._selected and state != HIDDEN else 0)
        self._state_texture.set_data(self._states[y : y + 1, x : x + 1], offset=(y, x))
        self.update()

    def select(self, row: int | None) -> None:
        """Move the halo to one cell, or take it away."""
        for at, on in ((self._selected, False), (row, True)):
            if at is not None:
                y, x = divmod(at, COLUMNS)
                old = int(self._states[y, x]) & ~SELECTED
                self._selected = at if on else None
                self.set_state(at, old)
        self._selected = row
        self._halo.upload(Segments.join([] if row is None else [p.ring_of(row) for p in self._patches if row in p]))
        self.update()

    def set_palette(self, palette: NDArray[np.uint8]) -> None:
        """Other colours, widths or hidden classes; costs the same for one cell and for a million."""
        self._palette_texture.set_data(palette)
        self.update()

    def _upload_states(self) -> None:
        self._state_texture.set_data(self._states)
        self.shared_program["u_rows"] = float(len(self._states))

    # ------------------------------------------------------------------ frames
    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["to_clip"] = view.transforms.get_transform("framebuffer", "render")

    def _compute_bounds(self, axis: int, view: Any) -> None:
        return None

    def _cull(self, view: Any) -> None:
        """Upload the segments of the tiles on screen, where these or their detail changed since the last frame."""
        way = view.transforms.get_transform("visual", "framebuffer")
        size = np.array(view.transforms.canvas.physical_size, float)
        origin = np.rint(way.imap(size / 2)[:2])
        # house coordinates begin at a pixel's corner, the canvas's at its centre
        place, right, down = way.map(origin + np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]]))[:, :2]
        a, b = right - place, down - place
        turn = float(a[0] * b[1] - a[1] * b[0])
        scale = abs(turn) ** 0.5
        program = self.shared_program
        program["u_flip"] = 1.0 if turn > 0 else -1.0
        program["u_scale"] = float(view.transforms.pixel_scale)
        program["u_origin"], program["u_place"], program["u_axes"] = origin, place, (*a, *b)
        box = way.imap(np.array([[0, 0], size]))[:, :2]
        (x0, y0), (x1, y1) = box.min(axis=0), box.max(axis=0)
        picked: list[tuple[Patch, list[tuple[int, int]]]] = [(p, p.runs(x0, y0, x1, y1)) for p in self._patches]
        picked = [(p, runs) for p, runs in picked if runs]
        count = sum(b - a for _, runs in picked for a, b in runs)
        if not count:
            self._all.upload(Segments.join([]))
            self._nuclei.upload(Segments.join([]))
            self._shown = ()
            return
        size_px = scale * sum(p.size * (b - a) for p, runs in picked for a, b in runs) / count
        step_px = scale * float(np.mean([p.step for p, _ in picked]))
        detail = _DOTS if size_px < DOT_BELOW else _COARSE if size_px < COARSE_BELOW else _stride(step_px)
        if detail == _DOTS and 3 * count > self._count:  # nearly all: take all, and panning uploads nothing
            picked = [(p, [(0, len(p))]) for p in self._patches if len(p)]
        program["u_dot"], program["u_doubt"] = 0.3 * size_px, float(size_px >= DOUBT_FROM)
        nuclei = self.nuclei and size_px >= NUCLEI_FROM
        shown = (detail, nuclei, *((p.first, *runs) for p, runs in picked))
        self._together = size_px < TOGETHER_BELOW
        if shown == self._shown:
            return
        self._shown = shown
        flat = [(p, a, b) for p, runs in picked for a, b in runs]
        self._all.upload(Segments.join([self._detail(p, a, b, detail) for p, a, b in flat]))
        self._nuclei.upload(Segments.join([p.fine(a, b, detail, NUCLEUS) for p, a, b in flat] if nuclei else []))

    def _detail(self, patch: Patch, a: int, b: int, detail: int) -> Segments:
        if detail == _DOTS:
            return patch.dots(a, b)
        return patch.coarse_runs(a, b) if detail == _COARSE else patch.fine(a, b, detail, CELL)

    def _bind(self, buffers: Buffers) -> None:
        program = self.shared_program
        program["a_corner"], program["a_ends"] = buffers.corner, buffers.ends
        program["a_beyond"], program["a_tags"] = buffers.beyond, buffers.tags
        self._index_buffer = buffers.index

    def draw(self) -> None:
        """The selected cell's halo, then all casings, then nuclei and lines; small cells casing and line at once."""
        if not self.visible or not self._count:
            return
        self._cull(self)
        halo, cells, nuclei = (self._halo, 0.0), (self._all, 2.0), (self._nuclei, 3.0)
        steps = [halo, (self._halo, 1.0), (self._all, 4.0)] if self._together else None
        for buffers, step in steps or [halo, (self._halo, 1.0), cells, nuclei, (self._all, 3.0)]:
            if not buffers.count:
                continue
            self._bind(buffers)
            self.shared_program["u_pass"] = step
            super().draw()


def _stride(step_px: float) -> int:
    """The power of two of corners to skip so that segments are at most `LONGEST` pixels long."""
    return int(2 ** max(0.0, np.floor(np.log2(max(LONGEST / max(step_px, 1e-6), 1.0)))))
