"""Curves of quality as pictures that any browser opens."""

from pathlib import Path
from xml.sax.saxutils import escape

from allviewer.learning.segmentation.words import Curve
from allviewer.vocab.errors import ExportError

_WIDE, _HIGH = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 118, 34, 44
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def write_curves(folder: Path, data: str, curves: tuple[Curve, ...]) -> list[Path]:
    """One SVG a curve, named after it; ExportError where they cannot be written."""
    out = []
    for curve in curves:
        path = folder / data / f"curve_{curve.key}.svg"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(curve_svg(curve), encoding="utf-8")
        except OSError as error:
            raise ExportError("a curve cannot be written", where=str(path), got=error.strerror or str(error)) from error
        out.append(path)
    return out


def curve_svg(curve: Curve) -> str:
    """Figures from 0 to 1 over the levels, which stand at equal distances whatever their values."""
    wide, high = _WIDE - _LEFT - _RIGHT, _HIGH - _TOP - _BOTTOM
    step = wide / max(1, len(curve.levels) - 1)
    parts = [_text(_LEFT, 20, curve.what + (f" [{curve.unit}]" if curve.unit else ""), "start")]
    for tenth in range(0, 11, 2):
        y = _TOP + high * (1 - tenth / 10)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_LEFT + wide}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{tenth / 10:.1f}", "end"))
    for k, level in enumerate(curve.levels):
        shown = level if isinstance(level, str) else f"{level:g}"
        parts.append(_text(_LEFT + k * step, _HIGH - _BOTTOM + 18, shown, "middle", "9"))
    for k, (name, values) in enumerate(curve.figures.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        points = " ".join(f"{_LEFT + i * step:.1f},{_TOP + high * (1 - v):.1f}" for i, v in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_LEFT + wide + 10, _TOP + 14 + 18 * k, name, "start", "12", colour))
    size = f'width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}"'
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">\n'
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="white"/>\n{inner}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, anchor: str, size: str = "12", colour: str = "#333") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
        f"{escape(words)}</text>"
    )
