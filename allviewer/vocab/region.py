"""A half-open box of level-0 pixels."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """The box ``[y0, y1) x [x0, x1)`` in level-0 pixels."""

    y0: int
    x0: int
    y1: int
    x1: int

    def __post_init__(self) -> None:
        if self.y1 < self.y0 or self.x1 < self.x0:
            raise ValueError(f"a region ends before it starts: {self.y0, self.x0, self.y1, self.x1}")

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.height == 0 or self.width == 0

    def grow(self, by: int) -> Self:
        """The region with ``by`` pixels more on each side (may leave the image: clip it)."""
        return type(self)(self.y0 - by, self.x0 - by, self.y1 + by, self.x1 + by)

    def clip(self, height: int, width: int) -> Self:
        """The part inside an image of ``height`` rows and ``width`` columns."""
        y0, y1 = (min(max(v, 0), height) for v in (self.y0, self.y1))
        x0, x1 = (min(max(v, 0), width) for v in (self.x0, self.x1))
        return type(self)(y0, x0, y1, x1)
