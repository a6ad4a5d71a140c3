"""Pictures of the worst cases: what was found and what is true, drawn over the image."""

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from allviewer.learning.segmentation.words import Case, View
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.cells import Kind
from allviewer.vocab.errors import ExportError
from allviewer.vocab.region import Region

DRAWN = 12
"""Cases a data set that get a picture."""
FOUND, FOUND_NUCLEUS, SMUDGE, TRUTH, TRUTH_NUCLEUS = (
    (255, 110, 0),
    (255, 220, 0),
    (120, 120, 120),
    (0, 190, 0),
    (0, 200, 255),
)
WRONG = (230, 0, 0)
_LEAST, _MOST = 700, 1600
_SHIFT = 4  # cv2 takes vertices in fixed point, 1/16 pixel
_STRIP, _RING = 46, 34


def write_pictures(folder: Path, data: str, cases: Sequence[Case]) -> list[Path]:
    """One PNG a case, the worst `DRAWN`, named after rank and file; ExportError where they cannot be written."""
    out = []
    for rank, case in enumerate(c for c in cases[:DRAWN] if c.view is not None):
        name = re.sub(r"\.(png|jpe?g|bmp|tiff?)$", "", case.file.rpartition("/")[2], flags=re.IGNORECASE)
        name = re.sub(r"[^\w.-]+", "_", name)
        path = folder / data / f"{rank + 1:02d}_{name}.png"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(picture(case)[..., ::-1]))[1].tobytes())
        except OSError as error:
            raise ExportError(
                "a picture cannot be written", where=str(path), got=error.strerror or str(error)
            ) from error
        out.append(path)
    return out


def picture(case: Case) -> RGB:
    """The image of a case with outlines found (orange; nuclei yellow; smudges grey) and true (green; nuclei blue);
    what went wrong is ringed in red.

    Returns
    -------
    (h, w, 3) uint8, with a strip on top that says which case it is. Small images are enlarged, large ones reduced.
    """
    view = case.view
    if view is None:
        raise ValueError(f"{case.file} has nothing to show")
    whole = view.pixels()
    window = view.window or Region(0, 0, whole.shape[0], whole.shape[1])
    clip = window.clip(whole.shape[0], whole.shape[1])
    part = whole[clip.y0 : clip.y1, clip.x0 : clip.x1]
    scale = min(max(1.0, _LEAST / max(part.shape[:2])), _MOST / max(part.shape[:2]))
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    canvas = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    _draw(canvas, view, (clip.y0, clip.x0), scale)
    strip = np.full((_STRIP, canvas.shape[1], 3), 255, np.uint8)
    for k, text in enumerate((case.file, case.what)):
        # cv2's font knows ASCII only
        plain = text.replace("µ", "u").encode("ascii", "replace").decode()
        cv2.putText(strip, plain, (6, 18 + 20 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([strip, canvas])


def _draw(canvas: RGB, view: View, origin: tuple[int, int], scale: float) -> None:
    corner = np.array(origin, np.float32)

    def line(ring: Floats, colour: tuple[int, int, int], width: int, closed: bool = True) -> None:
        # half a pixel: cv2's pixel centres are whole numbers, the house's pixel edges are
        points = np.round(((ring - corner)[:, ::-1] * scale - 0.5) * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(canvas, [points], closed, colour, width, cv2.LINE_AA, _SHIFT)

    for ring in view.truth.cells:
        line(ring, TRUTH, 2)
    for ring in view.truth.nuclei:
        line(ring, TRUTH_NUCLEUS, 2)
    for y0, x0, y1, x1 in view.truth.boxes if view.truth.boxes is not None else ():
        line(np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]], np.float32), TRUTH, 2)
    for y, x in view.truth.points if view.truth.points is not None else ():
        arm = 7 / scale
        line(np.array([[y - arm, x], [y + arm, x]], np.float32), TRUTH, 2, closed=False)
        line(np.array([[y, x - arm], [y, x + arm]], np.float32), TRUTH, 2, closed=False)
    for y, x in view.look if view.look is not None else ():
        middle = round((x - corner[1]) * scale), round((y - corner[0]) * scale)
        cv2.circle(canvas, middle, _RING, WRONG, 2, cv2.LINE_AA)
    for row in range(len(view.found)):
        smudge = view.found.kind[row] == Kind.SMUDGE
        for ring in view.found.cell.rings(row):
            line(ring, SMUDGE if smudge else FOUND, 1)
        for ring in view.found.nucleus.rings(row):
            line(ring, SMUDGE if smudge else FOUND_NUCLEUS, 1)
