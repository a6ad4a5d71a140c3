"""The words in which a segmentation is judged: rows of figures, curves, and the cases that went worst."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from allviewer.learning.segmentation.held import Held
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.cells import CellTable
from allviewer.vocab.optics import PixelSize
from allviewer.vocab.region import Region


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the program finds in one image.

    Attributes
    ----------
    cells : all rows, smudges too.
    pixel_size : as the program settled it; unknown where it knew nothing.
    shape : (height, width) pixels.
    """

    cells: CellTable
    pixel_size: PixelSize
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """The truth as it is drawn over a picture, pixels of the whole image.

    Attributes
    ----------
    points : (n, 2) (y, x) centres, or None.
    boxes : (n, 4) (y0, x0, y1, x1), or None.
    cells, nuclei : outlines, each (k, 2) (y, x).
    """

    points: Floats | None = None
    boxes: Floats | None = None
    cells: tuple[Floats, ...] = ()
    nuclei: tuple[Floats, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a picture of a case needs.

    Attributes
    ----------
    pixels : gives the whole image, (H, W, 3) uint8.
    found : cells, in the image's frame.
    truth : what should have been found.
    window : the part to show; None for all.
    look : (n, 2) (y, x), what is to be ringed because it went wrong there, or None.
    """

    pixels: Callable[[], RGB]
    found: CellTable
    truth: Marks
    window: Region | None = None
    look: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One image, or one cell of it, that was not done right.

    Attributes
    ----------
    file : relative to the data set's folder; for rendered fields what renders it again.
    what : one clause.
    loss : how bad; cases are listed by it, worst first.
    view : for a picture; None where there is nothing to see.
    """

    file: str
    what: str
    loss: float
    view: View | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes
    ----------
    key : data set and figure, such as ``all_idb1.found``.
    what : the figure in words.
    unit : ``share`` (0 to 1, shown in percent), ``Dice``, ``F1``, ``PQ``, or what is counted.
    value : the figure; None where nothing could be measured.
    n, of : how many of what it rests on.
    low, high : 95 % interval, or None.
    median : over images; None where the figure is none of single images.
    worst : value and file of the worst image, or None.
    held : what it is held to, or None.
    """

    key: str
    what: str
    unit: str
    value: float | None
    n: int
    of: str
    low: float | None = None
    high: float | None = None
    median: float | None = None
    worst: tuple[float, str] | None = None
    held: Held | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none, or no figure."""
        if self.held is None or self.value is None:
            return None
        return self.held.reached(self.value)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        names = ("key", "what", "unit", "value", "n", "of", "low", "high", "median", "reached")
        out: dict[str, Any] = {name: getattr(self, name) for name in names}
        out["worst"] = None if self.worst is None else {"value": self.worst[0], "file": self.worst[1]}
        out["target"] = None if self.held is None else self.held.target
        out["floor"] = None if self.held is None else self.held.floor
        out["at_most"] = self.held is not None and self.held.at_most
        return out


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality along one axis.

    Attributes
    ----------
    key, what, unit : the axis: ``blur``, optical blur (standard deviation), ``µm``.
    levels : where it was measured.
    figures : name → one value a level.
    n : objects a level.
    """

    key: str
    what: str
    unit: str
    levels: tuple[float | str, ...]
    figures: Mapping[str, tuple[float, ...]]
    n: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        names = ("key", "what", "unit", "levels", "figures", "n")
        return {**{name: getattr(self, name) for name in names}, "figures": dict(self.figures)}


@dataclass(frozen=True, slots=True)
class Section:
    """One data set.

    Attributes
    ----------
    data : its name.
    rows, curves : figures.
    cases : what went wrong, worst first.
    note : what to know before reading the figures.
    seconds : it took, wall clock.
    """

    data: str
    rows: tuple[Row, ...]
    cases: tuple[Case, ...] = ()
    curves: tuple[Curve, ...] = ()
    note: str = ""
    seconds: float = 0.0

    def row(self, key: str) -> Row:
        """The row of a key, with or without the data set's name; KeyError for none."""
        for row in self.rows:
            if key in (row.key, row.key.partition(".")[2]):
                return row
        raise KeyError(key)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "data": self.data,
            "note": self.note,
            "seconds": round(self.seconds, 1),
            "rows": [row.as_dict() for row in self.rows],
            "curves": [curve.as_dict() for curve in self.curves],
            "cases": [{"file": c.file, "what": c.what, "loss": round(c.loss, 4)} for c in self.cases],
        }
