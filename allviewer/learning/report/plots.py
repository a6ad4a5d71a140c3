"""The page's plots as inline SVG, drawn here: they take the page's colours, day or night, on screen or on paper.

Every line also differs by its dashes, so that nothing rests on colour.
"""

from collections.abc import Iterable, Sequence
from html import escape

from allviewer.learning.report.labels import number
from allviewer.learning.report.words import Curves, Step
from allviewer.systems.card import Figure

Points = Iterable[tuple[float, float]]
Line = tuple[str, Curves, Figure | None]
"""Words, curves, and the figure that the legend gives."""

LINES = 8
"""Looks a line may have: the classes l0 to l7 of the page's style; lb is the baseline's."""
_WIDE, _HIGH = 400, 372
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 44


class Frame:
    """A square of shares: both axes from 0 to 1."""

    def __init__(self, title: str, across: str, up: str) -> None:
        self._title, self._parts = title, list[str]()
        for tenth in range(0, 11, 2):
            v = tenth / 10
            self._parts.append(f'<path class="grid" d="M{self.x(0)} {self.y(v)}H{self.x(1)}"/>')
            self._parts.append(f'<path class="grid" d="M{self.x(v)} {self.y(0)}V{self.y(1)}"/>')
            self.words(v, 0, f"{v:.1f}", "middle", down=17)
            self.words(0, v, f"{v:.1f}", "end", right=-8, down=4)
        self._parts.append(f'<path class="axis" d="M{self.x(0)} {self.y(1)}V{self.y(0)}H{self.x(1)}"/>')
        self.words(0.5, 0, across, "middle", down=37, look="title")
        middle = f"{self.x(0) - 34:.1f} {self.y(0.5):.1f}"
        self._parts.append(
            f'<text class="title" text-anchor="middle" transform="translate({middle}) rotate(-90)">{escape(up)}</text>'
        )

    @staticmethod
    def x(v: float) -> float:
        """Place across, in the picture's own units."""
        return round(_LEFT + v * (_WIDE - _LEFT - _RIGHT), 1)

    @staticmethod
    def y(v: float) -> float:
        """Place down, in the picture's own units."""
        return round(_HIGH - _BOTTOM - v * (_HIGH - _TOP - _BOTTOM), 1)

    def line(self, points: Points, look: str) -> None:
        """A curve."""
        path = " ".join(f"{self.x(a):g},{self.y(b):g}" for a, b in points)
        self._parts.append(f'<polyline class="line {look}" points="{path}"/>')

    def area(self, points: Sequence[tuple[float, float, float]]) -> None:
        """What lies between two heights, (across, low, high)."""
        edge = [(a, low) for a, low, _ in points] + [(a, high) for a, _, high in reversed(points)]
        path = " ".join(f"{self.x(a):g},{self.y(b):g}" for a, b in edge)
        self._parts.append(f'<polygon class="area" points="{path}"/>')

    def dot(self, a: float, b: float, look: str = "dot", radius: float = 4.5) -> None:
        """A round mark."""
        self._parts.append(f'<circle class="{look}" cx="{self.x(a)}" cy="{self.y(b)}" r="{radius}"/>')

    def bar(self, a: float, low: float, high: float) -> None:
        """A whisker."""
        self._parts.append(f'<path class="whisker" d="M{self.x(a)} {self.y(low)}V{self.y(high)}"/>')

    def words(
        self, a: float, b: float, text: str, anchor: str, *, right: float = 0, down: float = 0, look: str = "tick"
    ) -> None:
        """Text at a place, moved by some units."""
        at = f'x="{self.x(a) + right:g}" y="{self.y(b) + down:g}"'
        self._parts.append(f'<text class="{look}" text-anchor="{anchor}" {at}>{escape(text)}</text>')

    def legend(self, entries: Sequence[tuple[str, str]], *, top: bool = False) -> None:
        """Look and words of each line, in the lower right corner or the upper left."""
        step, wide = 19, 20 + max((7.0 * len(words) for _, words in entries), default=0)
        x0 = self.x(0) + 14 if top else self.x(1) - wide - 22
        y0 = self.y(1) + 18 if top else self.y(0) - 14 - step * (len(entries) - 1)
        high = step * len(entries) + 6
        self._parts.append(f'<rect class="veil" x="{x0 - 8:g}" y="{y0 - 15:g}" width="{wide + 24:g}" height="{high}"/>')
        for k, (look, words) in enumerate(entries):
            y = y0 + step * k
            if look.startswith("dot"):
                self._parts.append(f'<circle class="{look}" cx="{x0 + 11:g}" cy="{y - 4:g}" r="4.5"/>')
            else:
                self._parts.append(f'<path class="line {look}" d="M{x0:g} {y - 4:g}h22"/>')
            self._parts.append(f'<text class="key" x="{x0 + 29:g}" y="{y:g}">{escape(words)}</text>')

    def svg(self) -> str:
        """The picture."""
        return _svg(_WIDE, _HIGH, self._title, "\n".join(self._parts), "plot")


def roc(lines: Sequence[Line], baseline: Curves | None, base: Figure | None) -> str:
    """Receiver operating characteristics; of one line alone also its 95 % band.

    Parameters
    ----------
    lines : words, curves and area of each, in the order of the looks.
    baseline, base : the colour baseline's, or None.
    """
    frame = Frame("Receiver operating characteristic", "false alarms (1 − specificity)", "sensitivity")
    frame.line([(0, 0), (1, 1)], "chance")
    if len(lines) == 1 and lines[0][1].band:
        frame.area(lines[0][1].band)
    if baseline is not None:
        frame.line(baseline.roc, "lb")
    for k, (_, curves, _) in enumerate(lines):
        frame.line(curves.roc, f"l{k % LINES}")
    frame.legend(_entries([(w, a) for w, _, a in lines], None if baseline is None else base))
    return frame.svg()


def precision(lines: Sequence[Line], baseline: Curves | None, base: Figure | None, chance: float | None) -> str:
    """Precision against recall; ``chance`` is the share of the class among the cells."""
    frame = Frame("Precision and recall", "recall (sensitivity)", "precision")
    if chance is not None:
        frame.line([(0, chance), (1, chance)], "chance")
        frame.words(0, chance, f"chance {number(chance)}", "start", right=6, down=14)
    if baseline is not None:
        frame.line(baseline.precision, "lb")
    for k, (_, curves, _) in enumerate(lines):
        frame.line(curves.precision, f"l{k % LINES}")
    frame.legend(_entries([(w, a) for w, _, a in lines], None if baseline is None else base))
    return frame.svg()


def reliability(steps: Sequence[Sequence[Step]], names: Sequence[str]) -> str:
    """Share that was so against the probability said; whiskers are Wilson's, where there is one line alone."""
    frame = Frame("Reliability", "probability said, mean of a bin", "share that was so")
    frame.line([(0, 0), (1, 1)], "chance")
    for k, line in enumerate(steps):
        frame.line([(s.said, s.so.value) for s in line], f"l{k % LINES}")
        for s in line:
            if len(steps) == 1 and s.so.low is not None and s.so.high is not None:
                frame.bar(s.said, s.so.low, s.so.high)
            frame.dot(s.said, s.so.value, "dot" if len(steps) == 1 else f"dot d{k % LINES}", 4)
    if len(steps) > 1:
        frame.legend([(f"l{k % LINES}", name) for k, name in enumerate(names)], top=True)
    return frame.svg()


def confusion(table: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Counts, shaded by the share of their row."""
    n, left, top = len(classes), 74, 40
    side = 290 / n
    parts = [f'<text class="title" text-anchor="middle" x="{left + 145}" y="14">called</text>']
    turned = f'transform="translate(12 {top + 145}) rotate(-90)"'
    parts.append(f'<text class="title" text-anchor="middle" {turned}>is</text>')
    for i, row in enumerate(table):
        middle = top + (i + 0.5) * side
        head, name = left + (i + 0.5) * side, escape(classes[i])
        parts.append(f'<text class="key" text-anchor="end" x="{left - 8}" y="{middle + 4:g}">{name}</text>')
        parts.append(f'<text class="key" text-anchor="middle" x="{head:g}" y="{top - 8}">{name}</text>')
        total = sum(row)
        for j, count in enumerate(row):
            part = count / total if total else 0.0
            at = f'x="{left + j * side + 1.5:g}" y="{top + i * side + 1.5:g}"'
            box = f'width="{side - 3:g}" height="{side - 3:g}" rx="3"'
            parts.append(f'<rect class="cell" {at} {box} style="fill-opacity:{0.06 + 0.5 * part:.3f}"/>')
            x = left + (j + 0.5) * side
            big = "count" if n <= 3 else "key"
            y = middle + (0 if n <= 3 else 4)
            parts.append(f'<text class="{big}" text-anchor="middle" x="{x:g}" y="{y:g}">{count}</text>')
            if n <= 4 and total:
                parts.append(
                    f'<text class="key" text-anchor="middle" x="{x:g}" y="{middle + 20:g}">{100 * part:.0f} %</text>'
                )
    return _svg(_WIDE, _HIGH, "Confusion matrix", "\n".join(parts), "plot")


def strip(figure: Figure | None, other: Figure | None, low: float = 0.0, high: float = 1.0, middle: float = 0.5) -> str:
    """One figure as a dot with its interval between two bounds; another beside it as a ring."""
    wide, y = 220, 9

    def at(v: float) -> float:
        return round(6 + (wide - 12) * (min(max(v, low), high) - low) / (high - low), 1)

    parts = [f'<path class="grid" d="M{at(low)} {y}H{at(high)}M{at(middle)} 3V15"/>']
    if other is not None:
        parts.append(f'<circle class="ring" cx="{at(other.value)}" cy="{y}" r="4"/>')
    if figure is not None:
        if figure.low is not None and figure.high is not None:
            parts.append(f'<path class="span" d="M{at(figure.low)} {y}H{at(figure.high)}"/>')
        parts.append(f'<circle class="dot" cx="{at(figure.value)}" cy="{y}" r="4.5"/>')
    return _svg(wide, 18, "", "".join(parts), "strip")


def _entries(lines: Sequence[tuple[str, Figure | None]], base: Figure | None) -> list[tuple[str, str]]:
    out = [(f"l{k % LINES}", f"{words} {number(f.value)}" if f else words) for k, (words, f) in enumerate(lines)]
    return [*out, *([("lb", f"colour {number(base.value)}")] if base is not None else [])]


def _svg(wide: float, high: float, title: str, inner: str, look: str) -> str:
    said = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return f'<svg class="{look}" viewBox="0 0 {wide} {high}" {said}>\n{inner}\n</svg>'
